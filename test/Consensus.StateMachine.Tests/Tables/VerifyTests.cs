using Consensus.Primitives;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Tests.Tables;

/// <summary>What <see cref="StateTables.Verify"/> objects to: every other test calls it after each command, and relies on that.</summary>
public sealed class VerifyTests
{
    private static readonly LeaseId Lease = new(7);
    private static readonly ObjectName Name = ObjectName.Lock(Machine.Key("l"));
    private static readonly HoldTerms Terms = HoldTerms.Of(LockMode.Exclusive, 1, 0, 0, new byte[3], default);

    private static WaiterRecord Waiter(StateTables state) => new(
        state.Waiters.NextSequence++,
        Name,
        "a",
        Machine.Request(1),
        default,
        default,
        0,
        LeaseId.None,
        Lease,
        ClusterTime.Zero,
        new ClusterTime(9),
        null,
        Terms,
        Actor.Nobody);

    private static HoldRecord Hold(long token) =>
        new("", "a", new FencingToken(token), Lease, Machine.Request(2), 0, ClusterTime.Never, Terms);

    private static StateTables WithLease()
    {
        var state = new StateTables(Limits.Default);
        state.Leases.Start(Lease, 1_000, new ClusterTime(1_000), holds: 0, isOwn: false, "");
        return state;
    }

    /// <summary>One hold and one waiting place, on all the tables that know of them.</summary>
    private static StateTables Whole()
    {
        var state = WithLease();
        state.Leases.Attach(Lease, holds: 1, waiters: 1);
        var held = ObjectRecord.Free.With(Hold(1), isSole: true);
        state.Objects.Store(Name, ObjectRecord.Free, held with { Waiters = 1, Attached = 1 });
        state.Holds.Add(Name, Hold(1));
        state.Waiters.Add(Waiter(state));
        state.Verify();
        return state;
    }

    private static void Objects(StateTables state) => Assert.That(state.Verify, Throws.TypeOf<InvariantViolationException>());

    [Test]
    public void An_index_that_lacks_something_or_has_more_or_something_else_is_objected_to()
    {
        var index = new CowTree<long, string>();
        index.Set(1, "a");
        index.Set(2, "b");
        Indexes.Require(index, [(1, "a"), (2, "b")], "the index");
        Assert.That(() => Indexes.Require(index, [(1, "a"), (2, "b"), (3, "c")], "the index"), Throws.TypeOf<InvariantViolationException>());
        Assert.That(() => Indexes.Require(index, [(1, "a")], "the index"), Throws.TypeOf<InvariantViolationException>());
        Assert.That(() => Indexes.Require(index, [(1, "a"), (2, "c")], "the index"), Throws.TypeOf<InvariantViolationException>());
        var unordered = new Dictionary<long, string> { [1] = "a" };
        Indexes.Require(unordered, [(1, "a")], "the index");
        Assert.That(() => Indexes.Require(unordered, [(1, "b")], "the index"), Throws.TypeOf<InvariantViolationException>());
        Assert.That(() => Indexes.Require(unordered, [], "the index"), Throws.TypeOf<InvariantViolationException>());
    }

    [Test]
    public void A_lease_that_counts_a_key_which_there_is_not_is_objected_to()
    {
        var state = WithLease();
        state.Verify();
        state.Leases.Attach(Lease, keys: 1);
        Objects(state);
    }

    [Test]
    public void A_hold_or_a_waiter_that_its_lease_does_not_count_is_objected_to()
    {
        var state = Whole();
        state.Leases.Attach(Lease, holds: -1);
        Objects(state);
        state.Leases.Attach(Lease, holds: 1);
        state.Verify();
        state.Leases.Attach(Lease, waiters: -1);
        Objects(state);
    }

    [Test]
    public void An_object_that_counts_another_number_of_waiters_than_there_are_is_objected_to()
    {
        var state = Whole();
        state.Objects.Replace(Name, state.Objects[Name] with { Attached = 0 });
        Objects(state);
        state.Objects.Replace(Name, state.Objects[Name] with { Attached = 1, Waiters = 2 });
        Objects(state);
    }

    [Test]
    public void A_hold_that_its_object_lost_is_objected_to()
    {
        var state = Whole();
        state.Objects.Replace(Name, state.Objects[Name] with { Sole = null });
        Objects(state);
    }

    [Test]
    public void A_lock_delay_and_an_unsettled_object_that_no_index_finds_are_objected_to()
    {
        var state = Whole();
        var record = state.Objects[Name];
        state.Objects.Replace(Name, record with { Delays = [new HoldDelay("a", new ClusterTime(5), new FencingToken(1), LockMode.Exclusive, 1)] });
        Objects(state);
        state.Objects.Replace(Name, record with { IsUnsettled = true });
        Objects(state);
    }

    [Test]
    public void A_waiting_place_that_was_replaced_by_another_ones_record_is_objected_to()
    {
        var state = Whole();
        var waiter = state.Waiters.All().Single();
        state.Waiters.Replace(waiter with { Request = Machine.Request(5) }, waiter with { Request = Machine.Request(6) });
        Objects(state);
    }

    [Test]
    public void What_is_kept_of_a_request_and_forgotten_of_it_is_objected_to()
    {
        var state = new StateTables(Limits.Default);
        var identity = new Identity("", Machine.Key("id"));
        state.Answers.Keep(identity, ClusterTime.Zero, default, new HoldGivenUp(new Revision(2)));
        state.Verify();
        state.Answers.KeepNoMore(identity, ClusterTime.Zero, ForgottenKind.Dropped);
        Objects(state);
    }

    [Test]
    public void A_session_without_a_lease_or_with_another_number_of_answers_than_it_counts_is_objected_to()
    {
        var state = new StateTables(Limits.Default);
        state.Sessions.Start(Lease, "");
        Objects(state);
        state.Leases.Start(Lease, 1_000, new ClusterTime(1_000), holds: 0, isOwn: false, "");
        state.Verify();
        state.Sessions.TryGet(Lease, out var before);
        state.Sessions.Add(before, 1, new NumberAnswer(new KeptOutcome(0, ClusterTime.Zero, default, new HoldGivenUp(new Revision(2))), null));
        state.Verify();
        state.Sessions.TryGet(Lease, out var after);
        state.Sessions.Replace(before);
        Objects(state);
        state.Sessions.Replace(after with { Acked = 1 });
        Objects(state);
    }

    [Test]
    public void A_hold_or_an_end_under_a_session_that_its_session_does_not_know_of_is_objected_to()
    {
        var state = WithLease();
        state.Sessions.Start(Lease, "");
        state.Leases.Attach(Lease, holds: 1);
        var hold = Hold(1) with { Until = new ClusterTime(5), Mark = new SessionMark(state.Sessions.Rise(Lease), 0, default, 0) };
        state.Objects.Store(Name, ObjectRecord.Free, ObjectRecord.Free.With(hold, isSole: true));
        state.Holds.Add(Name, hold);
        Objects(state);
        state.Sessions.Add(Name, hold);
        state.Verify();
        state.Sessions.TryGet(Lease, out var session);
        state.Sessions.Replace(session with { Version = 0 });
        Objects(state);
        state.Sessions.Replace(session with { Ends = 1 });
        Objects(state);
        state.Sessions.Replace(session);
        state.Sessions.Remove(Name, hold, SessionEnd.Forced);
        Objects(state);
    }
}
