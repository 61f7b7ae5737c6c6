using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Rule 23, one sentence each.</summary>
public sealed class FenceRuleTests
{
    private static FenceCommand Fence(long token, string resource = "disk") => new(Machine.Key(resource), new FencingToken(token));

    private static Machine AtRevision(long revision, Limits? limits = null)
    {
        var machine = new Machine(limits);
        while (machine.State.Revision.Value < revision)
        {
            machine.Do(new PutCommand(Machine.Key("k"), default, LeaseId.None, KeyCondition.None));
        }
        return machine;
    }

    [Test]
    public void A_token_passes_when_it_is_the_highest_or_equal_to_it_and_takes_no_revision()
    {
        var machine = AtRevision(9);
        Assert.That(machine.Do(Fence(5)), Is.EqualTo(new FencePassed(new Revision(9), new FencingToken(5))));
        Assert.That(machine.Do(Fence(5)), Is.EqualTo(new FencePassed(new Revision(9), new FencingToken(5))));
        Assert.That(machine.Do(Fence(4)), Is.EqualTo(new FenceStale(new Revision(9), new FencingToken(5))));
        Assert.That(machine.Do(Fence(9)), Is.EqualTo(new FencePassed(new Revision(9), new FencingToken(9))));
        Assert.That(machine.View.GetFence(Machine.Key("disk")), Is.EqualTo(new FencingToken(9)));
        Assert.That(machine.Do(Fence(1, "other")), Is.InstanceOf<FencePassed>(), "each resource has its own");
    }

    [Test]
    public void A_token_that_no_grant_can_have_given_locks_nobody_out()
    {
        var machine = AtRevision(9);
        Assert.That(machine.Do(Fence(10)), Is.EqualTo(new TokenFromFuture(new Revision(9))));
        Assert.That(machine.View.GetFence(Machine.Key("disk")), Is.Null);
    }

    private static readonly TestCaseData[] NotExclusive =
    [
        new TestCaseData(Asks.Shared("x", "a", 1)).SetArgDisplayNames("shared hold"),
        new TestCaseData(Asks.Semaphore("x", "a", 1, 1, 1)).SetArgDisplayNames("permit"),
    ];

    [TestCaseSource(nameof(NotExclusive))]
    public void A_token_of_a_hold_beside_which_others_may_stand_is_refused_while_it_is_held(AcquireCommand ask)
    {
        var machine = AtRevision(9);
        var hold = machine.Granted(ask);
        machine.RestoreFromSnapshot();
        Assert.That(machine.Do(Fence(hold.Token.Value)), Is.EqualTo(new TokenNotExclusive(machine.State.Revision, hold.Object)));
        Assert.That(machine.View.GetFence(Machine.Key("disk")), Is.Null);
        Assert.That(machine.Do(Fence(hold.Token.Value), "k"), Is.InstanceOf<TokenNotExclusive>());
        machine.Do(Asks.Release(hold));
        machine.RestoreFromSnapshot();
        Assert.That(machine.Do(Fence(hold.Token.Value), "k"), Is.EqualTo(new TokenNotExclusive(new Revision(10), hold.Object)), "the answer to one request stays the same");
        Assert.That(machine.Do(Fence(hold.Token.Value)), Is.InstanceOf<FencePassed>(), "of what has ended it is not known");
    }

    [Test]
    public void Tokens_of_exclusive_locks_and_of_leaderships_pass()
    {
        var machine = new Machine();
        Assert.That(machine.Do(Fence(machine.Granted(Asks.Lock("x", "a", 1)).Token.Value)), Is.InstanceOf<FencePassed>());
        Assert.That(machine.Do(Fence(machine.Granted(Asks.Election("x", "a", 2, [])).Token.Value)), Is.InstanceOf<FencePassed>());
        Assert.That(machine.Do(Fence(((ManyGranted)machine.Do(Asks.Many("a", 3, "y", "z"))).Holds[1].Token.Value)), Is.InstanceOf<FencePassed>());
    }

    [Test]
    public void A_reset_forgets_the_fence_and_says_whether_there_was_one()
    {
        var machine = AtRevision(9);
        machine.Do(Fence(5));
        Assert.That(machine.Do(new ResetFenceCommand(Machine.Key("disk"))), Is.EqualTo(new FenceReset(new Revision(9), true)));
        Assert.That(machine.Do(new ResetFenceCommand(Machine.Key("disk"))), Is.EqualTo(new FenceReset(new Revision(9), false)));
        Assert.That(machine.Do(Fence(2)), Is.InstanceOf<FencePassed>());
    }

    [Test]
    public void Fences_are_bounded_and_a_known_one_goes_on()
    {
        var machine = AtRevision(9, new Limits { MaxFences = 1 });
        machine.Do(Fence(5));
        Assert.That(machine.Do(Fence(5, "other")), Is.EqualTo(new BoundReached(new Revision(9), BoundKind.Fences, 1)));
        Assert.That(machine.Do(Fence(6)), Is.InstanceOf<FencePassed>());
        Assert.That(machine.View.Counts.Fences, Is.EqualTo(1));
    }

    [Test]
    public void Fences_are_listed_by_prefix_and_survive_a_snapshot()
    {
        var machine = AtRevision(9);
        foreach (var resource in new[] { "a/2", "a/1", "b" })
        {
            machine.Do(Fence(5, resource));
        }
        machine.RestoreFromSnapshot();
        Assert.That(machine.View.ListFences(Machine.Key("a/"), null).Select(f => f.Resource.ToString()), Is.EqualTo(new[] { "a/1", "a/2" }));
        Assert.That(machine.View.ListFences(default, Machine.Key("a/1")).Select(f => (f.Resource.ToString(), f.Highest.Value)), Is.EqualTo(new[] { ("a/2", 5L), ("b", 5) }));
    }

    [Test]
    public void A_retry_gets_the_first_answer_even_when_the_fence_has_risen_since()
    {
        var machine = AtRevision(9);
        var first = machine.Do(Fence(5), "id");
        machine.Do(Fence(7));
        machine.RestoreFromSnapshot();
        Assert.That(machine.Do(Fence(5), "id"), Is.EqualTo(first));
        Assert.That(machine.Do(Fence(5), "id", fingerprint: 2), Is.InstanceOf<IdempotencyMismatch>());
        var reset = machine.Do(new ResetFenceCommand(Machine.Key("disk")), "reset");
        machine.Do(Fence(8));
        Assert.That(machine.Do(new ResetFenceCommand(Machine.Key("disk")), "reset"), Is.EqualTo(reset));
        Assert.That(machine.View.GetFence(Machine.Key("disk")), Is.EqualTo(new FencingToken(8)), "the retry reset nothing");
    }

    [Test]
    public void A_pass_that_raised_nothing_is_not_kept()
    {
        var machine = AtRevision(9);
        machine.Do(Fence(5));
        machine.Do(Fence(5), "id");
        Assert.That(machine.View.Counts.IdempotencyKeys, Is.Zero);
    }
}
