using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>What an entry looks at without a change is charged to its turn too (rule 9).</summary>
public sealed class ChargedLooksTests
{
    private Machine _machine = null!;

    [SetUp]
    public void Begin() => _machine = new Machine();

    private static readonly string[] Most = [.. Enumerable.Range(1, 128).Select(i => $"{i}")];

    [TestCase(1)]
    [TestCase(3)]
    public void What_is_looked_at_in_vain_for_who_waits_for_many_is_charged_to_whoever_asked(int asked)
    {
        _machine.Granted(Lock("128", "h", 1, ttl: 600 * Second));
        _machine.Queued(WaitMany("a", 100, Most));
        Assert.That(
            _machine.Do(asked == 1 ? Lock("1", "b", 101) : Many("b", 101, Most[..asked])), Is.InstanceOf<HoldRefused>());
        Assert.That(_machine.Objects, Is.GreaterThanOrEqualTo(asked * Most.Length));
    }

    [Test]
    public void A_repeat_is_charged_for_each_place_or_hold_that_it_takes_over()
    {
        var held = _machine.Granted(Lock("1", "h", 1, ttl: 600 * Second));
        _machine.Queued(WaitMany("a", 100, Most), "k");
        _machine.Queued(WaitMany("a", 100, Most), "k");
        Assert.That(_machine.Objects, Is.GreaterThanOrEqualTo(Most.Length), "places");
        _machine.Do(Release(held));
        Assert.That(_machine.Do(WaitMany("a", 100, Most), "k"), Is.InstanceOf<ManyGranted>());
        Assert.That(_machine.Objects, Is.GreaterThanOrEqualTo(Most.Length), "holds");
    }

    [Test]
    public void A_lease_that_is_renewed_past_its_deadline_is_charged_for_each_place_that_is_looked_at_again()
    {
        var lease = new LeaseId(7);
        _machine.Do(new GrantLeaseCommand(lease, 10 * Second));
        _machine.Granted(Lock("1", "h", 1, ttl: 600 * Second));
        _machine.Queued(WaitMany("a", 0, "1") with { OwnLease = LeaseId.None, SharedLease = lease, TtlMicros = 0 });
        _machine.Queued(Lock("1", "b", 0, 60 * Second, ttl: 0) with { SharedLease = lease });
        _machine.Pass(11 * Second);
        _machine.Do(new RenewLeasesCommand([lease]));
        Assert.That(_machine.Objects, Is.GreaterThanOrEqualTo(3), "the lease and two places");
    }
}
