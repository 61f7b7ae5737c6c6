using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Rule 18: holds are not re-entrant, and whoever is refused what it holds already is told so.</summary>
public sealed class OwnHoldTests
{
    private static readonly LeaseId Lease = new(90);

    /// <summary>What "h" takes all or a part of, and what is then asked for in vain.</summary>
    private static readonly TestCaseData[] Kinds =
    [
        Kind("exclusive lock", Lock("x", "h", 1), Lock("x", "h", 2)),
        Kind("shared lock", Shared("x", "h", 1), Lock("x", "h", 2)),
        Kind("semaphore", Semaphore("x", "h", 1, 2, 3), Semaphore("x", "h", 2, 2, 3)),
        Kind("election", Election("x", "h", 1, [1]), Election("x", "h", 2, [2])),
    ];

    private static TestCaseData Kind(string name, params object[] arguments) => new TestCaseData(arguments).SetArgDisplayNames(name);

    private static AcquireCommand Under(AcquireCommand ask) => ask with { OwnLease = LeaseId.None, SharedLease = Lease, TtlMicros = 0 };

    [TestCaseSource(nameof(Kinds))]
    public void Who_holds_it_already_is_told_so_at_once_and_after_a_wait(AcquireCommand holds, AcquireCommand asks)
    {
        var machine = new Machine();
        var hold = machine.Granted(holds);
        Assert.That(((HoldRefused)machine.Do(asks)).Own, Is.EqualTo(hold.Token));
        Assert.That(((HoldRefused)machine.Do(asks with { Owner = "other" })).Own, Is.EqualTo(FencingToken.None));
        var waits = machine.Queued(asks with { WaitMicros = 1 * Second });
        var other = machine.Queued(asks with { OwnLease = new LeaseId(3), Owner = "other", WaitMicros = 1 * Second });
        machine.Expire(1 * Second);
        Assert.That(((HoldRefused)machine.OutcomesOf(waits).Last()).Own, Is.EqualTo(hold.Token));
        Assert.That(((HoldRefused)machine.OutcomesOf(other).Last()).Own, Is.EqualTo(FencingToken.None));
    }

    [TestCaseSource(nameof(Kinds))]
    public void Who_holds_it_under_the_same_lease_is_told_so_whatever_it_calls_itself(AcquireCommand holds, AcquireCommand asks)
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(Lease, 60 * Second));
        var hold = machine.Granted(Under(holds));
        Assert.That(((HoldRefused)machine.Do(Under(asks with { Owner = "other" }))).Own, Is.EqualTo(hold.Token));
        var waits = machine.Queued(Under(asks with { Owner = "other", WaitMicros = 1 * Second }));
        machine.Expire(1 * Second);
        Assert.That(((HoldRefused)machine.OutcomesOf(waits).Last()).Own, Is.EqualTo(hold.Token));
        Assert.That(((HoldRefused)machine.Do(asks with { Owner = "other" })).Own, Is.EqualTo(FencingToken.None), "no lease is not the same lease");
    }

    [Test]
    public void One_of_many_holders_is_told_of_its_own_hold_and_not_of_the_first()
    {
        var machine = new Machine();
        var first = machine.Granted(Shared("x", "a", 1));
        var own = machine.Granted(Shared("x", "h", 2));
        machine.Granted(Shared("x", "z", 3));
        var told = (HoldRefused)machine.Do(Lock("x", "h", 4), "k");
        Assert.That((told.Holder?.Token, told.Own), Is.EqualTo(((FencingToken?)first.Token, own.Token)));
        machine.RestoreFromSnapshot();
        Assert.That(((HoldRefused)machine.Do(Lock("x", "h", 4), "k")).Own, Is.EqualTo(own.Token), "told again, after a snapshot");
        machine.Do(Release(own));
        Assert.That(((HoldRefused)machine.Do(Lock("x", "h", 4))).Own, Is.EqualTo(FencingToken.None), "it holds nothing any more");
        Assert.That(((HoldRefused)machine.Do(Lock("x", "h", 4), "k")).Own, Is.EqualTo(own.Token), "an answer is final for its request");
    }

    [Test]
    public void A_multi_lock_is_told_of_the_lock_that_it_holds_already()
    {
        var machine = new Machine();
        var held = ((ManyGranted)machine.Do(Many("h", 1, "a", "b"))).Holds;
        var told = (HoldRefused)machine.Do(Many("h", 2, "c", "b"));
        Assert.That((told.Name, told.Own), Is.EqualTo((Machine.Key("b"), held[1].Token)));
        Assert.That(((HoldRefused)machine.Do(Many("other", 2, "c", "b"))).Own, Is.EqualTo(FencingToken.None));
    }
}
