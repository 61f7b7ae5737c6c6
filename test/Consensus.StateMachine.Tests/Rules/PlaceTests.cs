using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Rule 18: a place in line belongs to one request. Its identity finds it again; a lease or an owner does not, and one lease may have many.</summary>
public sealed class PlaceTests
{
    private static readonly LeaseId Lease = new(90);

    /// <summary>Of the requests here.</summary>
    private static readonly byte[] Print = [.. Enumerable.Repeat((byte)1, 16)];

    /// <summary>For each kind, somebody who holds all of it, and a request for it by the owner under a lease that has many.</summary>
    private static IEnumerable<TestCaseData> Kinds()
    {
        yield return Kind("exclusive lock", Lock("x", "h", 1), owner => Lock("x", owner, 0, 60 * Second));
        yield return Kind("shared lock", Lock("x", "h", 1), owner => Shared("x", owner, 0, 60 * Second));
        yield return Kind("semaphore", Semaphore("x", "h", 1, 3, 3), owner => Semaphore("x", owner, 0, 2, 3, 60 * Second));
        yield return Kind("election", Election("x", "h", 1, [1]), owner => Election("x", owner, 0, [2], 60 * Second));

        static TestCaseData Kind(string name, AcquireCommand holder, Func<string, AcquireCommand> ask) =>
            new TestCaseData(holder, (Func<string, AcquireCommand>)(owner => Under(ask(owner)))).SetArgDisplayNames(name);
    }

    private static AcquireCommand Under(AcquireCommand ask) => ask with { OwnLease = LeaseId.None, SharedLease = Lease, TtlMicros = 0 };

    private static Machine WithLease()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(Lease, 600 * Second));
        return machine;
    }

    [TestCaseSource(nameof(Kinds))]
    public void Two_requests_of_one_lease_have_two_places_and_each_is_granted_what_it_asked_for(
        AcquireCommand holder, Func<string, AcquireCommand> ask)
    {
        var machine = WithLease();
        var hold = machine.Granted(holder);
        var first = machine.Queued(ask("h1"));
        var second = machine.Queued(ask("h2"), "k2");
        Assert.That(machine.OutcomesOf(first).Last(), Is.EqualTo(new HoldQueued(machine.State.Revision, 1)), "nobody took its place over");
        Assert.That(machine.OutcomesOf(second).Last(), Is.EqualTo(new HoldQueued(machine.State.Revision, 2)));
        machine.RestoreFromSnapshot();
        machine.Do(Release(hold));
        Assert.That(machine.GrantOf(first)?.Owner, Is.EqualTo("h1"));
        if (machine.GrantOf(second) is null)
        {
            machine.Do(Release(machine.GrantOf(first)!));
        }
        Assert.That(machine.GrantOf(second)?.Owner, Is.EqualTo("h2"));
        Assert.That(machine.GrantOf(second)!.Token.CompareTo(machine.GrantOf(first)!.Token), Is.Positive);
        Assert.That(machine.View.GetLease(Lease)!.HoldCount, Is.EqualTo(machine.View.GetObject(hold.Object).HolderCount));
    }

    [TestCaseSource(nameof(Kinds))]
    public void A_request_that_will_not_wait_is_refused_at_once_though_its_lease_waits_already(
        AcquireCommand holder, Func<string, AcquireCommand> ask)
    {
        var machine = WithLease();
        var hold = machine.Granted(holder);
        var waiter = machine.Queued(ask("h1"));
        var refused = (HoldRefused)machine.Do(ask("h2") with { WaitMicros = 0 });
        Assert.That((refused.Holder?.Owner, refused.Waiters, refused.WaitedMicros), Is.EqualTo(("h", 1L, 0L)));
        machine.Do(Release(hold));
        Assert.That(machine.GrantOf(waiter)?.Owner, Is.EqualTo("h1"), "its place was not touched");
    }

    [Test]
    public void A_retry_finds_its_own_hold_and_another_request_of_the_lease_waits_behind_it()
    {
        var machine = WithLease();
        var hold = machine.Granted(Lock("x", "h", 1));
        var first = machine.Queued(Under(Lock("x", "h1", 0, 60 * Second)), "k1");
        var second = machine.Queued(Under(Lock("x", "h2", 0, 60 * Second)), "k2");
        machine.Do(Release(hold));
        var granted = machine.GrantOf(first)!;
        Assert.That(((HoldGranted)machine.Do(Under(Lock("x", "h1", 0, 60 * Second)), "k1")).Hold.Token, Is.EqualTo(granted.Token), "not behind its own hold");
        Assert.That(machine.GrantOf(second), Is.Null);
        Assert.That(((HoldQueued)machine.Do(Under(Lock("x", "h2", 0, 60 * Second)), "k2")).Position, Is.EqualTo(1));
        Assert.That(machine.OutcomesOf(second).Last(), Is.InstanceOf<WaitTakenOver>(), "by the later attempt of the same request");
        var told = (HoldRefused)machine.Do(Under(Lock("x", "h3", 0)));
        Assert.That((told.Holder?.Owner, told.Holder?.Lease), Is.EqualTo(("h1", (LeaseId?)Lease)), "holds are not re-entrant, also under the lease that holds it");
    }

    [Test]
    public void The_identity_of_a_waiting_request_that_comes_without_a_wait_asks_for_something_else()
    {
        var machine = WithLease();
        machine.Granted(Lock("x", "h", 1));
        var waiter = machine.Queued(Under(Lock("x", "w", 0, 60 * Second)), "k");
        Assert.That(machine.Do(Under(Lock("x", "w", 0)), "k"), Is.InstanceOf<IdempotencyMismatch>());
        Assert.That(machine.Do(Under(Lock("x", "w", 0)), "k", fingerprint: 2), Is.InstanceOf<IdempotencyMismatch>());
        Assert.That(machine.OutcomesOf(waiter).Last(), Is.InstanceOf<HoldQueued>());
    }

    [Test]
    public void A_repeat_under_its_identity_keeps_the_deadline_of_the_first_attempt()
    {
        var machine = WithLease();
        machine.Granted(Lock("x", "h", 1, ttl: 600 * Second));
        machine.Queued(Under(Lock("x", "w", 0, 10 * Second)), "k");
        machine.Pass(9 * Second);
        var again = machine.Queued(Under(Lock("x", "w", 0, 10 * Second)), "k");
        machine.Expire(1 * Second);
        Assert.That(machine.OutcomesOf(again).Last(), Is.InstanceOf<HoldRefused>());
    }

    [Test]
    public void A_wait_under_a_lease_without_an_identity_is_cancelled_with_its_member_and_the_other_places_of_the_lease_stay()
    {
        var machine = WithLease();
        var hold = machine.Granted(Lock("x", "h", 1));
        var nameless = machine.Queued(Under(Lock("x", "w1", 0, 60 * Second)), member: 2);
        var named = machine.Queued(Under(Lock("x", "w2", 0, 60 * Second)), "k", member: 2);
        var elsewhere = machine.Queued(Under(Lock("x", "w3", 0, 60 * Second)), member: 3);
        machine.Do(new DetachWaitersCommand(new MemberId(2), 1));
        Assert.That(machine.OutcomesOf(nameless).Last(), Is.EqualTo(new WaitCancelled(machine.State.Revision, CancelReason.Disconnected)));
        Assert.That(machine.OutcomesOf(named).Last(), Is.InstanceOf<WaitDetached>());
        Assert.That(machine.View.GetObject(hold.Object).Waiters.Select(w => (w.Owner, w.Detached)), Is.EqualTo(new[] { ("w2", true), ("w3", false) }));
        machine.RestoreFromSnapshot();
        var again = machine.Queued(Under(Lock("x", "w2", 0, 60 * Second)), "k", member: 3);
        machine.Do(Release(hold));
        Assert.That((machine.GrantOf(again)?.Owner, machine.GrantOf(elsewhere)), Is.EqualTo(("w2", (Hold?)null)));
    }

    [Test]
    public void A_cancel_gives_up_the_place_of_its_own_request_only()
    {
        var machine = WithLease();
        var hold = machine.Granted(Lock("x", "h", 1));
        var places = Enumerable.Range(1, 3).Select(i => machine.Queued(Under(Lock("x", $"w{i}", 0, 60 * Second)))).ToList();
        machine.RestoreFromSnapshot();
        machine.Do(CancelWaitCommand.Of(hold.Object, places[1], CancelReason.Disconnected));
        Assert.That(machine.OutcomesOf(places[1]).Last(), Is.InstanceOf<WaitCancelled>());
        machine.Do(Release(hold));
        machine.Do(CancelWaitCommand.Of(hold.Object, places[0], CancelReason.Disconnected));
        Assert.That(machine.GrantOf(places[2])?.Owner, Is.EqualTo("w3"), "the first was given back, the second given up");
    }

    [TestCaseSource(nameof(Kinds))]
    public void A_keyed_place_whose_connection_broke_is_passed_over_and_found_again_where_it_stood(
        AcquireCommand holder, Func<string, AcquireCommand> ask)
    {
        var machine = WithLease();
        var hold = machine.Granted(holder);
        var first = machine.Queued(ask("h1"), "k1");
        machine.Queued(ask("h2"), "k2");
        machine.Do(CancelWaitCommand.Of(hold.Object, first, CancelReason.Disconnected));
        Assert.That(machine.OutcomesOf(first).Last(), Is.InstanceOf<WaitDetached>());
        machine.RestoreFromSnapshot();
        Assert.That(
            machine.View.GetObject(hold.Object).Waiters.Select(w => (w.Owner, w.Detached)),
            Is.EqualTo(new[] { ("h1", true), ("h2", false) }));
        machine.Pass(9 * Second);
        Assert.That(((HoldQueued)machine.Do(ask("h1"), "k1")).Position, Is.EqualTo(1), "before the other, as it was");

        machine.Do(CancelWaitCommand.Of(hold.Object, machine.Last, CancelReason.Disconnected));
        machine.Do(Release(hold));
        Assert.That(machine.View.GetObject(hold.Object).Holder?.Owner, Is.EqualTo("h2"), "nobody is granted anything who is not there");
    }

    [Test]
    public void The_end_of_an_early_attempt_that_comes_late_touches_neither_the_place_nor_the_hold_of_a_later_one()
    {
        var machine = WithLease();
        var hold = machine.Granted(Lock("x", "h", 1));
        var early = machine.Queued(Under(Lock("x", "w", 0, 60 * Second)), "k");
        var late = machine.Queued(Under(Lock("x", "w", 0, 60 * Second)), "k");
        machine.Do(CancelWaitCommand.Of(hold.Object, early, CancelReason.Disconnected));
        machine.Do(new DetachRequestsCommand([early]));
        Assert.That(machine.View.GetObject(hold.Object).Waiters.Single().Detached, Is.False);
        machine.Do(Release(hold));
        Assert.That(machine.GrantOf(late)?.Owner, Is.EqualTo("w"));
        machine.Do(CancelWaitCommand.Of(hold.Object, early, CancelReason.Disconnected));
        Assert.That(machine.View.GetObject(hold.Object).Holder?.Owner, Is.EqualTo("w"));
    }

    [Test]
    public void The_view_tells_where_a_request_stands_under_its_identity()
    {
        var machine = WithLease();
        machine.Granted(Lock("x", "h", 1, ttl: 600 * Second));
        machine.Queued(Lock("x", "w1", 2, 60 * Second));
        machine.Queued(Lock("x", "w2", 3, 50 * Second), "k");
        machine.RestoreFromSnapshot();
        Assert.That(
            machine.View.PlaceOf("", Machine.Key("k").Memory, default, Print), Is.EqualTo(new PlaceInfo(2, machine.Now.PlusMicros(50 * Second))));
        Assert.That(machine.View.PlaceOf("", Machine.Key("other").Memory, default, Print), Is.Null);
        Assert.That(machine.View.PlaceOf("", Machine.Key("k").Memory, default, [2]), Is.Null, "of another request");
        Assert.That(machine.View.PlaceOf("somebody", Machine.Key("k").Memory, default, Print), Is.Null, "of another principal");
        machine.Expire(50 * Second);
        Assert.That(machine.View.PlaceOf("", Machine.Key("k").Memory, default, Print), Is.Null);
    }

    [Test]
    public void The_end_of_a_lease_ends_all_its_places_and_frees_who_stood_behind_them()
    {
        var machine = WithLease();
        machine.Granted(Shared("x", "h", 1));
        var places = Enumerable.Range(0, 3000).Select(i => machine.Queued(Under(Lock("x", $"w{i}", 0, 60 * Second)))).ToList();
        var behind = machine.Queued(Shared("x", "r", 2, 60 * Second));
        machine.RestoreFromSnapshot();
        machine.Do(new RevokeLeaseCommand(Lease));
        Assert.That(places.Select(place => machine.OutcomesOf(place).Last()), Is.All.InstanceOf<LeaseMissing>());
        Assert.That(machine.GrantOf(behind)?.Owner, Is.EqualTo("r"));
        Assert.That(machine.View.Counts.Waiters, Is.Zero);
    }

    [Test]
    public void A_renewal_after_the_deadline_puts_all_places_of_the_lease_in_line_again()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(Lease, 1 * Second));
        var hold = machine.Granted(Lock("x", "h", 1));
        var places = Enumerable.Range(0, 2).Select(i => machine.Queued(Under(Shared("x", $"w{i}", 0, 60 * Second)))).ToList();
        machine.Pass(2 * Second);
        machine.Do(Release(hold));
        Assert.That(places.Select(place => machine.GrantOf(place)), Is.All.Null, "their lease's deadline has passed");
        machine.Do(new RenewLeasesCommand([Lease]));
        Assert.That(places.Select(place => machine.GrantOf(place)?.Owner), Is.EqualTo(new[] { "w0", "w1" }));
    }

    [Test]
    public void Places_count_towards_what_one_lease_may_carry()
    {
        var machine = new Machine(new Limits { MaxAttachmentsPerLease = 2 });
        machine.Do(new GrantLeaseCommand(Lease, 600 * Second));
        machine.Granted(Lock("x", "h", 1));
        machine.Queued(Under(Lock("x", "w1", 0, 60 * Second)));
        machine.Queued(Under(Lock("x", "w2", 0, 60 * Second)));
        Assert.That(((BoundReached)machine.Do(Under(Lock("x", "w3", 0, 60 * Second)))).Bound, Is.EqualTo(BoundKind.LeaseAttachments));
    }
}
