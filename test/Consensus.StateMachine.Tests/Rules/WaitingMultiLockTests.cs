using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>
/// A request for several locks that waits has a place in the line of each and holds none of them: it is granted all in one step.
/// </summary>
public sealed class WaitingMultiLockTests
{
    private Machine _machine = null!;

    [SetUp]
    public void Begin() => _machine = new Machine();

    private Hold? HolderOf(string name) => _machine.View.GetObject(Machine.Key(name)).Holder;

    private long WaitersOf(string name) => _machine.View.GetObject(Machine.Key(name)).WaiterCount;

    [Test]
    public void All_are_granted_in_one_step_once_the_last_is_free_and_none_is_held_before()
    {
        var x = _machine.Granted(Lock("x", "hx", 1));
        var z = _machine.Granted(Lock("z", "hz", 2));
        var waiting = _machine.Queued(WaitMany("a", 9, "z", "x", "y"));
        Assert.That(new[] { "x", "y", "z" }.Select(WaitersOf), Is.All.EqualTo(1));
        _machine.Pass(3 * Second);
        _machine.Do(Release(x));
        Assert.That(
            (HolderOf("x"), HolderOf("y"), _machine.View.Counts.Leases), Is.EqualTo(((Hold?)null, (Hold?)null, 1)),
            "it holds none while it waits");
        _machine.RestoreFromSnapshot();
        _machine.Do(Release(z));
        var holds = _machine.GrantsOf(waiting)!;
        Assert.That(holds.Select(h => h.Name.ToString()), Is.EqualTo(["z", "x", "y"]), "in the order asked");
        Assert.That(holds.Select(h => h.Token).Distinct().Count(), Is.EqualTo(3));
        Assert.That(
            holds.Select(h => (h.Lease, h.Deadline)), Is.All.EqualTo((new LeaseId(9), _machine.Now.PlusMicros(60 * Second))),
            "one lease, which starts now");
        Assert.That(_machine.OutcomesOf(waiting).OfType<ManyGranted>().Single().WaitedMicros, Is.EqualTo(3 * Second));
        Assert.That(
            _machine.View.Counts,
            Has.Property(nameof(StateCounts.Waiters)).EqualTo(0).And.Property(nameof(StateCounts.HoldsInUse)).EqualTo(3));
    }

    [Test]
    public void A_newcomer_does_not_pass_it_where_the_lock_is_free_though_it_waits_for_another()
    {
        var x = _machine.Granted(Lock("x", "h", 1));
        var first = _machine.Queued(WaitMany("a", 9, "x", "y"));
        Assert.That(_machine.Do(Lock("y", "b", 2)), Is.InstanceOf<HoldRefused>());
        Assert.That(((HoldRefused)_machine.Do(Many("b", 3, "z", "y"))).Name, Is.EqualTo(Machine.Key("y")));
        var single = _machine.Queued(Lock("y", "c", 4, 60 * Second));
        var several = _machine.Queued(WaitMany("d", 5, "y", "z"));
        _machine.Granted(Lock("other", "e", 6));
        _machine.Do(Release(x));
        var holds = _machine.GrantsOf(first)!;
        Assert.That(_machine.GrantOf(single), Is.Null);
        _machine.Do(Release(holds[1]));
        Assert.That(_machine.GrantOf(single), Is.Not.Null, "the first behind it");
        _machine.Do(Release(_machine.GrantOf(single)!));
        Assert.That(_machine.GrantsOf(several), Has.Count.EqualTo(2));
    }

    [Test]
    public void It_passes_nobody_who_was_in_one_of_its_lines_before_it()
    {
        var x = _machine.Granted(Lock("x", "h", 1));
        var y = _machine.Granted(Shared("y", "h", 2));
        var before = _machine.Queued(Lock("y", "b", 3, 60 * Second));
        var several = _machine.Queued(WaitMany("a", 9, "x", "y"));
        _machine.Do(Release(x));
        _machine.Do(Release(y));
        Assert.That(_machine.GrantOf(before), Is.Not.Null);
        Assert.That(_machine.GrantsOf(several), Is.Null);
        _machine.Do(Release(_machine.GrantOf(before)!));
        Assert.That(_machine.GrantsOf(several), Is.Not.Null);
    }

    [Test]
    public void Its_position_is_the_largest_of_its_lines_and_every_line_tells_of_it()
    {
        _machine.Granted(Lock("x", "h", 1));
        _machine.Queued(Lock("x", "b", 2, 60 * Second));
        _machine.Queued(Lock("x", "c", 3, 60 * Second));
        var mark = _machine.View.MarkOf(ObjectName.Lock(Machine.Key("y")));
        var queued = (HoldQueued)_machine.Do(WaitMany("a", 9, "y", "x"), "k");
        Assert.That(queued.Position, Is.EqualTo(3));
        Assert.That(((HoldQueued)_machine.Do(WaitMany("a", 10, "y", "x"), "k")).Position, Is.EqualTo(3), "asked again");
        Assert.That(_machine.View.MarkOf(ObjectName.Lock(Machine.Key("y"))), Is.Not.EqualTo(mark));
        Assert.That(
            _machine.View.GetObject(Machine.Key("y")).Waiters.Single(),
            Has.Property("Owner").EqualTo("a").And.Property("Position").EqualTo(1));
        Assert.That(
            _machine.View.GetObject(Machine.Key("x")).Waiters.Last(),
            Has.Property("Owner").EqualTo("a").And.Property("Position").EqualTo(3));
    }

    [Test]
    public void One_lock_asked_for_as_several_waits_too()
    {
        var x = _machine.Granted(Lock("x", "h", 1));
        var waiting = _machine.Queued(WaitMany("a", 9, "x"));
        _machine.Do(Release(x));
        Assert.That(_machine.GrantsOf(waiting), Has.Count.EqualTo(1));
    }

    [Test]
    public void When_its_wait_is_over_the_lock_in_the_way_is_named_and_all_behind_it_go_on()
    {
        _machine.Granted(Lock("y", "h", 1, ttl: 600 * Second));
        var waiting = _machine.Queued(WaitMany("a", 9, "x", "y", "z") with { WaitMicros = 5 * Second }, "k");
        var behind = new[] { "x", "z" }.Select((name, i) => _machine.Queued(Lock(name, "b", 20 + i, 60 * Second))).ToList();
        _machine.Expire(5 * Second);
        var refused = (HoldRefused)_machine.OutcomesOf(waiting).Last();
        Assert.That((refused.Name, refused.Holder!.Owner, refused.WaitedMicros), Is.EqualTo((Machine.Key("y"), "h", 5 * Second)));
        Assert.That(behind.Select(_machine.GrantOf), Has.All.Not.Null);
        Assert.That(_machine.View.Counts.Waiters, Is.Zero);
        Assert.That(_machine.Do(WaitMany("a", 9, "x", "y", "z"), "k"), Is.InstanceOf<HoldRefused>(), "for good");
    }

    [TestCase("x")]
    [TestCase("y")]
    public void A_cancellation_that_names_any_of_its_locks_takes_it_out_of_every_line(string named)
    {
        var x = _machine.Granted(Lock("x", "h", 1));
        var waiting = _machine.Queued(WaitMany("a", 9, "x", "y"));
        var behind = _machine.Queued(Lock("y", "b", 2, 60 * Second));
        _machine.Do(CancelWaitCommand.Of(ObjectName.Lock(Machine.Key("elsewhere")), waiting, CancelReason.Disconnected));
        Assert.That(WaitersOf("x"), Is.EqualTo(1), "it has no place there");
        _machine.Do(CancelWaitCommand.Of(ObjectName.Lock(Machine.Key(named)), waiting, CancelReason.Disconnected));
        Assert.That(_machine.OutcomesOf(waiting).Last(), Is.InstanceOf<WaitCancelled>());
        Assert.That(_machine.GrantOf(behind), Is.Not.Null);
        _machine.Do(Release(x));
        Assert.That((_machine.GrantsOf(waiting), HolderOf("x")), Is.EqualTo(((IReadOnlyList<Hold>?)null, (Hold?)null)));
    }

    [Test]
    public void A_detached_one_is_passed_over_in_every_line_until_it_is_asked_for_again()
    {
        var x = _machine.Granted(Lock("x", "h", 1));
        var waiting = _machine.Queued(WaitMany("a", 9, "x", "y"), "k");
        var behind = _machine.Queued(Lock("y", "b", 2, 60 * Second));
        _machine.Do(new DetachRequestsCommand([waiting]));
        Assert.That(_machine.OutcomesOf(waiting).Last(), Is.InstanceOf<WaitDetached>());
        var y = _machine.GrantOf(behind)!;
        Assert.That(y, Is.Not.Null);
        _machine.RestoreFromSnapshot();
        Assert.That(_machine.Do(WaitMany("a", 9, "x", "z"), "k"), Is.InstanceOf<IdempotencyMismatch>(), "other names");
        Assert.That(_machine.Do(WaitMany("a", 9, "x", "y"), "k", fingerprint: 2), Is.InstanceOf<IdempotencyMismatch>());
        Assert.That(_machine.Do(Lock("x", "a", 9, 60 * Second), "k"), Is.InstanceOf<IdempotencyMismatch>(), "one lock");
        var again = _machine.Queued(WaitMany("a", 9, "x", "y"), "k");
        _machine.Do(Release(x));
        Assert.That(_machine.GrantsOf(again), Is.Null);
        _machine.Do(Release(y));
        var holds = _machine.GrantsOf(again)!;
        Assert.That(holds, Has.Count.EqualTo(2), "at its old place");
        var retry = (ManyGranted)_machine.Do(WaitMany("a", 30, "x", "y"), "k");
        Assert.That(retry.Holds.Select(h => h.Token), Is.EqualTo(holds.Select(h => h.Token)));
    }

    [Test]
    public void A_later_attempt_is_granted_at_once_what_became_free_while_it_was_detached()
    {
        var x = _machine.Granted(Lock("x", "h", 1));
        var waiting = _machine.Queued(WaitMany("a", 9, "x", "y"), "k");
        _machine.Do(new DetachRequestsCommand([waiting]));
        _machine.Do(Release(x));
        Assert.That(HolderOf("x"), Is.Null, "nobody is granted what nobody would be told of");
        Assert.That(((ManyGranted)_machine.Do(WaitMany("a", 9, "x", "y"), "k")).Holds, Has.Length.EqualTo(2));
    }

    [Test]
    public void A_detached_one_that_nobody_asks_for_again_goes_from_every_line()
    {
        _machine.Granted(Lock("x", "h", 1));
        _machine.Queued(WaitMany("a", 9, "x", "y"), "k", member: 2);
        _machine.Do(new DetachWaitersCommand(new MemberId(2), 1));
        _machine.Expire(10 * Second);
        Assert.That((WaitersOf("x"), WaitersOf("y")), Is.EqualTo((0, 0)));
    }

    [Test]
    public void A_withdrawal_takes_it_out_of_every_line_and_after_the_grant_gives_all_back()
    {
        var x = _machine.Granted(Lock("x", "h", 1));
        var waiting = _machine.Queued(WaitMany("a", 9, "x", "y"), "k");
        var second = _machine.Queued(WaitMany("b", 10, "y", "z"), "l");
        _machine.Do(new WithdrawCommand(Machine.Key("k")));
        Assert.That(_machine.OutcomesOf(waiting).Last(), Is.InstanceOf<RequestWithdrawn>());
        Assert.That(_machine.GrantsOf(second), Has.Count.EqualTo(2), "it was in the way at one of them");
        _machine.Do(new WithdrawCommand(Machine.Key("l")));
        _machine.Do(Release(x));
        Assert.That(_machine.View.Counts.HoldsInUse + _machine.View.Counts.Waiters + _machine.View.Counts.Leases, Is.Zero);
    }

    [Test]
    public void Its_places_hang_on_its_lease_one_by_one_and_end_with_it()
    {
        _machine = new Machine(new Limits { MaxAttachmentsPerLease = 3 });
        var lease = new LeaseId(90);
        _machine.Do(new GrantLeaseCommand(lease, 60 * Second));
        _machine.Granted(Lock("x", "h", 1, ttl: 600 * Second));
        var under = WaitMany("a", 0, "x", "y", "z") with { TtlMicros = 0, OwnLease = LeaseId.None, SharedLease = lease };
        Assert.That(
            ((BoundReached)_machine.Do(under with { Names = [.. under.Names, Machine.Key("w")] })).Bound,
            Is.EqualTo(BoundKind.LeaseAttachments));
        var waiting = _machine.Queued(under);
        Assert.That(((BoundReached)_machine.Do(under with { Names = [Machine.Key("x")] })).Bound, Is.EqualTo(BoundKind.LeaseAttachments));
        var behind = _machine.Queued(Lock("z", "b", 2, 60 * Second));
        _machine.Do(new RevokeLeaseCommand(lease));
        Assert.That(_machine.OutcomesOf(waiting).Skip(1).Single(), Is.InstanceOf<LeaseMissing>(), "told once");
        Assert.That(_machine.GrantOf(behind), Is.Not.Null);
        Assert.That((WaitersOf("x"), WaitersOf("y")), Is.EqualTo((0, 0)));
    }

    [Test]
    public void A_lease_that_is_renewed_after_its_deadline_has_its_turn_again()
    {
        var lease = new LeaseId(90);
        _machine.Do(new GrantLeaseCommand(lease, 1 * Second));
        var x = _machine.Granted(Lock("x", "h", 1));
        var waiting = _machine.Queued(WaitMany("a", 0, "y", "x") with { TtlMicros = 0, OwnLease = LeaseId.None, SharedLease = lease });
        _machine.Pass(2 * Second);
        _machine.Do(Release(x));
        Assert.That(_machine.GrantsOf(waiting), Is.Null);
        _machine.Do(new RenewLeasesCommand([lease]));
        Assert.That(_machine.GrantsOf(waiting), Has.Count.EqualTo(2));
    }

    [Test]
    public void Every_place_counts_where_places_are_bounded_and_a_refusal_leaves_none()
    {
        _machine = new Machine(new Limits { MaxWaiters = 3, MaxWaitersPerObject = 1, MaxObjects = 5 });
        _machine.Granted(Lock("x", "h", 1));
        Assert.That(((BoundReached)_machine.Do(WaitMany("a", 9, "x", "1", "2", "3"))).Bound, Is.EqualTo(BoundKind.Waiters), "of all");
        Assert.That(((BoundReached)_machine.Do(WaitMany("a", 9, "x", "1", "2", "3", "4", "5"))).Bound, Is.EqualTo(BoundKind.Locks));
        _machine.Queued(WaitMany("a", 9, "x", "1"));
        Assert.That(((BoundReached)_machine.Do(WaitMany("b", 10, "1"))).Bound, Is.EqualTo(BoundKind.WaitersOfOne), "of one line");
        Assert.That(_machine.Do(WaitMany("b", 10, "2", "1")), Is.InstanceOf<BoundReached>());
        Assert.That((_machine.View.Counts.Waiters, WaitersOf("2")), Is.EqualTo((2, 0)));
    }

    [Test]
    public void Its_places_are_judged_by_the_quota_with_all_that_they_take()
    {
        _machine.Granted(Lock("x", "h", 1));
        var before = _machine.State.Counts.StateBytes;
        _machine.Queued(WaitMany("a", 9, "x", "y", "z"));
        var grown = _machine.State.Counts.StateBytes - before;
        _machine = new Machine(new Limits { MaxStateBytes = before + grown - 1 });
        _machine.Granted(Lock("x", "h", 1));
        Assert.That(_machine.Do(WaitMany("a", 9, "x", "y", "z")), Is.InstanceOf<QuotaExceeded>());
        Assert.That(_machine.State.Counts.StateBytes, Is.EqualTo(before));
        Assert.That(_machine.Do(WaitMany("a", 9, "x", "y")), Is.InstanceOf<HoldQueued>());
    }

    [Test]
    public void What_is_kept_for_a_last_owner_is_kept_from_it_and_its_owner_comes_back_where_it_lost_alone()
    {
        var x = _machine.Granted(Lock("x", "o", 1) with { LockDelayMicros = 20 * Second });
        var y = _machine.Granted(Lock("y", "h", 2));
        var stranger = _machine.Queued(WaitMany("a", 9, "x", "y"));
        var owner = _machine.Queued(WaitMany("o", 10, "x", "y"));
        _machine.Do(Release(x, force: true));
        _machine.Do(Release(y));
        Assert.That(
            (_machine.GrantsOf(stranger), _machine.GrantsOf(owner)), Is.EqualTo(((object?)null, (object?)null)),
            "x is kept for the one, and y is the other's turn");
        Assert.That(_machine.Do(Lock("x", "o", 11)), Is.InstanceOf<HoldRefused>(), "nor does it pass itself");
        _machine.Do(CancelWaitCommand.Of(x.Object, owner, CancelReason.Disconnected));
        var single = _machine.Granted(Lock("x", "o", 11));
        Assert.That(_machine.GrantsOf(stranger), Is.Null, "it came back past the line");
        _machine.Do(Release(single));
        Assert.That(_machine.GrantsOf(stranger), Has.Count.EqualTo(2), "what was kept was taken back");
    }

    [Test]
    public void One_that_lost_all_of_them_comes_back_for_all_past_those_who_wait_and_the_others_once_its_time_is_over()
    {
        var lost = ((ManyGranted)_machine.Do(Many("o", 1, "x", "y") with { LockDelayMicros = 20 * Second })).Holds;
        var stranger = _machine.Queued(WaitMany("a", 9, "y", "x"));
        _machine.Do(Release(lost[0], force: true));
        var owner = _machine.Queued(WaitMany("o", 10, "x", "y"));
        _machine.Do(Release(lost[1], force: true));
        var back = _machine.GrantsOf(owner)!;
        Assert.That(back, Has.Count.EqualTo(2));
        _machine.Do(new RevokeLeaseCommand(back[0].Lease));
        Assert.That(_machine.GrantsOf(stranger), Has.Count.EqualTo(2), "without a lockDelay nothing is kept");
    }

    [Test]
    public void What_is_broken_by_force_is_granted_to_it()
    {
        _machine.Granted(Lock("x", "h", 1));
        var waiting = _machine.Queued(WaitMany("a", 9, "y", "x"));
        _machine.Do(new ReleaseHoldCommand(Machine.Key("x"), FencingToken.None, Force: true));
        Assert.That(_machine.GrantsOf(waiting), Has.Count.EqualTo(2));
    }

    [Test]
    public void A_grant_whose_answer_nobody_took_is_given_back_lock_by_lock()
    {
        var x = _machine.Granted(Lock("x", "h", 1));
        var waiting = _machine.Queued(WaitMany("a", 9, "x", "y"));
        _machine.Do(Release(x));
        foreach (var hold in _machine.GrantsOf(waiting)!)
        {
            _machine.Do(CancelWaitCommand.Of(hold.Object, waiting, CancelReason.Disconnected));
        }
        Assert.That(_machine.View.Counts.HoldsInUse + _machine.View.Counts.Leases, Is.Zero);
    }

    [Test]
    public void A_cancellation_that_names_its_first_lock_gives_back_all_that_it_was_granted_and_nothing_else_of_its_lease()
    {
        var lease = new LeaseId(90);
        _machine.Do(new GrantLeaseCommand(lease, 600 * Second));
        var under = WaitMany("a", 0, "y", "x") with { TtlMicros = 0, OwnLease = LeaseId.None, SharedLease = lease };
        var x = _machine.Granted(Lock("x", "h", 1));
        _machine.Do(under with { Names = [Machine.Key("before")] });
        var waiting = _machine.Queued(under);
        var next = _machine.Queued(under);
        _machine.Do(Release(x));
        _machine.Do(under with { Names = [Machine.Key("after")] });
        _machine.Do(CancelWaitCommand.Of(ObjectName.Lock(Machine.Key("y")), waiting, CancelReason.Disconnected));
        Assert.That(_machine.GrantsOf(next), Has.Count.EqualTo(2), "under the same lease");
        Assert.That(new[] { "before", "after", "x", "y" }.Select(HolderOf), Has.All.Not.Null);
        _machine.Do(CancelWaitCommand.Of(ObjectName.Lock(Machine.Key("y")), waiting, CancelReason.Disconnected));
        Assert.That(_machine.View.Counts.HoldsInUse, Is.EqualTo(4), "once");
    }

    [Test]
    public void A_new_cluster_begins_without_it()
    {
        _machine.Granted(Lock("x", "h", 1));
        _machine.Queued(WaitMany("a", 9, "x", "y", "z"), "k");
        Assert.That(_machine.State.BeginNewCluster(1).Waiters, Is.EqualTo(3));
        _machine.State.Verify();
        Assert.That(_machine.View.Counts.Waiters, Is.Zero);
    }

    [Test]
    public void What_is_looked_at_for_it_in_vain_is_charged_to_the_entry_and_the_next_ones_do_the_rest()
    {
        _machine = new Machine(new Limits { MaxObjectsPerStep = 3 });
        var lease = new LeaseId(90);
        _machine.Do(new GrantLeaseCommand(lease, 600 * Second));
        _machine.Granted(Lock("shut", "h", 1, ttl: 600 * Second));
        for (var i = 0; i < 4; i++)
        {
            _machine.Do(Lock($"gate{i}", "h", 0, ttl: 0) with { OwnLease = LeaseId.None, SharedLease = lease });
            _machine.Queued(WaitMany("a", 100 + i, $"gate{i}", "shut"));
        }
        _machine.Do(new RevokeLeaseCommand(lease));
        Assert.That(_machine.State.NextDeadline, Is.LessThanOrEqualTo(_machine.Now), "two of the four are left over");
        _machine.Do(new ExpireCommand());
        _machine.Do(new ExpireCommand());
        Assert.That(_machine.State.NextDeadline, Is.GreaterThan(_machine.Now));
    }

    [Test]
    public void Where_one_entry_may_not_look_at_all_of_them_the_next_ones_do([Values(1, 2, 3, 7)] int most)
    {
        _machine = new Machine(new Limits { MaxObjectsPerStep = most });
        var gate = _machine.Granted(Lock("gate", "h", 1, ttl: 600 * Second));
        var shut = _machine.Granted(Lock("shut", "h", 2, ttl: 600 * Second));
        var blocked = _machine.Queued(WaitMany("a", 100, "1", "2", "3", "gate", "shut"));
        var others = Enumerable.Range(1, 3).Select(i => _machine.Queued(WaitMany("b", 100 + i, $"{i}", $"free{i}"))).ToList();
        _machine.Do(Release(gate));
        Settle();
        Assert.That((_machine.GrantsOf(blocked), others.Select(_machine.GrantsOf)), Is.EqualTo(((object?)null, new object?[3])));
        _machine.Do(CancelWaitCommand.Of(ObjectName.Lock(Machine.Key("2")), blocked, CancelReason.Disconnected));
        Settle();
        Assert.That(others.Select(_machine.GrantsOf), Has.All.Not.Null);
        _machine.Do(Release(shut));

        void Settle()
        {
            for (var i = 0; _machine.State.NextDeadline <= _machine.Now; i++)
            {
                Assert.That(i, Is.LessThan(50), "the entries come to an end");
                _machine.Do(new ExpireCommand());
            }
        }
    }
}
