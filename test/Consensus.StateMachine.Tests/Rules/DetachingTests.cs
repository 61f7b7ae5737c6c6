using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>
/// The waiters of a lost process are detached in steps, each an entry, and to everybody else it is as if one entry had done it (rules 9,
/// 18).
/// </summary>
public sealed class DetachingTests
{
    private static readonly MemberId Lost = new(2);

    private Machine _machine = null!;

    /// <summary>Three places with each entry.</summary>
    [SetUp]
    public void Open() => _machine = new Machine(new Limits { MaxObjectsPerStep = 6 });

    private static AnnounceMemberCommand Announcement(long boot) => new(Lost, "n2", boot, "", "", "", 0);

    private RequestId Wait(string owner, long lease, long member = 2, long boot = 1, string identity = "", string name = "job")
    {
        var ask = Lock(name, owner, lease, wait: 60 * Second);
        Assert.That(_machine.Do(ask, identity, member: member, boot: boot), Is.InstanceOf<HoldQueued>());
        return Machine.Request(_machine.Last.Sequence, member, boot);
    }

    /// <summary>Through the lost process.</summary>
    private List<RequestId> WaitThrough(int count, long boot = 1, string identity = "") =>
    [
        .. Enumerable.Range(0, count).Select(i =>
            Wait($"w{boot}.{i}", (1000 * boot) + i, boot: boot, identity: identity.Length > 0 ? $"{identity}{i}" : "")),
    ];

    private int Left(IEnumerable<RequestId> waiting) => waiting.Count(w => _machine.OutcomesOf(w).Last() is HoldQueued);

    private bool GoesOn => _machine.State.NextDeadline <= _machine.Now;

    private void Finish()
    {
        for (var i = 0; GoesOn; i++)
        {
            Assert.That(i, Is.LessThan(100), "it ends");
            _machine.Do(new ExpireCommand());
        }
    }

    private IEnumerable<string> Holders(string name = "job") =>
        _machine.View.GetObject(Machine.Key(name)).Holders.Select(hold => hold.Owner);

    [Test]
    public void Waiters_of_a_lost_process_are_detached_a_step_at_a_time([Values("", "key")] string identity)
    {
        _machine.Acquire("job", 1, 600 * Second);
        var lost = WaitThrough(7, identity: identity);
        var other = Wait("other", 30, member: 3);
        _machine.Do(new DetachWaitersCommand(Lost, 1));
        Assert.That((Left(lost), GoesOn), Is.EqualTo((4, true)), "whoever leads is to go on at once");
        _machine.Do(new ExpireCommand());
        Assert.That((Left(lost), GoesOn), Is.EqualTo((1, true)));
        _machine.Do(new ExpireCommand());
        Assert.That((Left(lost), GoesOn), Is.EqualTo((0, false)));
        Assert.That(Left([other]), Is.EqualTo(1));
        var told = lost.Select(w => _machine.OutcomesOf(w).Last());
        Assert.That(told, identity == "" ? Is.All.InstanceOf<WaitCancelled>() : Is.All.InstanceOf<WaitDetached>());
    }

    [Test]
    public void Who_is_about_to_be_detached_is_granted_nothing_and_who_stands_behind_it_is_granted_at_once()
    {
        var held = _machine.Acquire("job", 1, 600 * Second).Hold;
        WaitThrough(7, identity: "key");
        var other = Wait("other", 30, member: 3);
        _machine.Do(new DetachWaitersCommand(Lost, 1));
        _machine.Do(Release(held));
        Assert.That(_machine.GrantOf(other), Is.Not.Null);
        _machine.Do(Release(_machine.GrantOf(other)!));
        Finish();
        Assert.That(Holders(), Is.Empty);
    }

    [Test]
    public void What_one_step_frees_goes_past_those_of_the_same_process_to_who_is_behind_them()
    {
        _machine.Granted(Semaphore("s", "holder", 1, 1, 4));
        _machine.Queued(Semaphore("s", "first", 10, 4, 4, 60 * Second), member: 2);
        for (var i = 0; i < 5; i++)
        {
            _machine.Queued(Semaphore("s", $"w{i}", 20 + i, 1, 4, 60 * Second), member: 2);
        }
        var other = _machine.Queued(Semaphore("s", "other", 30, 1, 4, 60 * Second), member: 3);
        _machine.Do(new DetachWaitersCommand(Lost, 1));
        Assert.That(_machine.State.Counts.Waiters, Is.EqualTo(3));
        Assert.That(_machine.GrantOf(other), Is.Not.Null, "three are left, and passed over");
        Finish();
        var semaphore = _machine.View.GetObject(new ObjectName(HoldSpace.Semaphore, Machine.Key("s")));
        Assert.That(semaphore.Holders.Select(hold => hold.Owner), Is.EqualTo(["holder", "other"]));
    }

    [Test]
    public void Nobody_hands_over_to_who_is_about_to_be_detached()
    {
        var held = _machine.Acquire("job", 1, 600 * Second).Hold;
        WaitThrough(7);
        _machine.Do(new DetachWaitersCommand(Lost, 1));
        Assert.That(_machine.Do(HandOver(held, "w1.6")), Is.InstanceOf<NoSuchWaiter>());
    }

    [Test]
    public void An_attempt_through_another_member_takes_a_place_that_is_passed_over_and_is_reached_at_once()
    {
        var held = _machine.Acquire("job", 1, 600 * Second).Hold;
        var lost = WaitThrough(7, identity: "key");
        _machine.Do(new DetachWaitersCommand(Lost, 1));
        var again = Wait("w1.5", 1005, member: 3, identity: "key5");
        Assert.That(_machine.OutcomesOf(lost[5]).Last(), Is.InstanceOf<WaitTakenOver>());
        _machine.Do(Release(held));
        Assert.That(_machine.GrantOf(again), Is.Not.Null);
        _machine.Do(Release(_machine.GrantOf(again)!));
        var free = _machine.Do(Lock("job", "w1.6", 1006, wait: 60 * Second), "key6", member: 3);
        Assert.That(free, Is.InstanceOf<HoldGranted>(), "at once, where it is free");
    }

    [Test]
    public void Who_asks_through_the_process_once_it_was_heard_again_is_not_lost_with_it()
    {
        _machine.Acquire("job", 1, 600 * Second);
        WaitThrough(7, identity: "key");
        _machine.Do(new DetachWaitersCommand(Lost, 1));
        var again = Wait("w1.5", 1005, identity: "key5");
        var newcomer = Wait("new", 40);
        _machine.RestoreFromSnapshot();
        Finish();
        Assert.That(Left([again, newcomer]), Is.EqualTo(2));
        Assert.That(_machine.State.Counts.Waiters, Is.EqualTo(8), "those with identities keep their places");
        Assert.That(_machine.View.GetObject(Machine.Key("job")).Waiters.Count(w => w.Detached), Is.EqualTo(6));
    }

    [Test]
    public void A_process_that_is_lost_a_second_time_meanwhile_takes_those_along_who_came_in_between()
    {
        _machine.Acquire("job", 1, 600 * Second);
        var lost = WaitThrough(7);
        _machine.Do(new DetachWaitersCommand(Lost, 1));
        var newcomer = Wait("new", 40);
        _machine.Do(new DetachWaitersCommand(Lost, 1));
        Assert.That(Left(lost), Is.EqualTo(1));
        Finish();
        Assert.That(Left([.. lost, newcomer]), Is.Zero);
    }

    [Test]
    public void The_next_process_of_the_member_may_be_lost_while_the_first_ones_waiters_are_being_detached()
    {
        var held = _machine.Acquire("job", 1, 600 * Second).Hold;
        var (first, next) = (WaitThrough(7), WaitThrough(7, boot: 9));
        _machine.Do(new DetachWaitersCommand(Lost, 1));
        _machine.Do(new DetachWaitersCommand(Lost, 9));
        _machine.Do(Release(held));
        Assert.That((Left(first) > 0, Left(next) > 0, Holders().Any()), Is.EqualTo((true, true, false)));
        Finish();
        Assert.That((Left(first), Left(next), Holders().Any()), Is.EqualTo((0, 0, false)));
    }

    [Test]
    public void A_new_process_stands_announced_at_once_and_is_granted_before_what_is_left_of_earlier_ones()
    {
        _machine.Do(Announcement(boot: 1));
        var held = _machine.Acquire("job", 1, 600 * Second).Hold;
        var (first, second) = (WaitThrough(4), WaitThrough(4, boot: 9));
        var own = Wait("own", 40, boot: 5);
        _machine.Do(Announcement(boot: 5));
        Assert.That(_machine.State.ListMembers().Single().Boot, Is.EqualTo(5));
        _machine.Do(Release(held));
        Assert.That((_machine.GrantOf(own) is not null, Left([.. first, .. second])), Is.EqualTo((true, 5)));
        Finish();
        Assert.That(Left([.. first, .. second]), Is.Zero);
    }

    [Test]
    public void A_removed_member_is_forgotten_at_once_and_what_is_left_of_its_waiters_goes_with_the_next_entries()
    {
        _machine.Do(Announcement(boot: 1));
        _machine.Acquire("job", 1, 600 * Second);
        var (first, second) = (WaitThrough(4), WaitThrough(4, boot: 9));
        _machine.Do(new ForgetMemberCommand(Lost));
        Assert.That((_machine.State.ListMembers().Count(), Left([.. first, .. second])), Is.EqualTo((0, 5)));
        _machine.Do(new ExpireCommand());
        Assert.That(Left([.. first, .. second]), Is.EqualTo(2));
        Finish();
        Assert.That(Left([.. first, .. second]), Is.Zero);
    }

    [Test]
    public void A_snapshot_between_two_steps_knows_whose_waiters_are_being_detached()
    {
        var held = _machine.Acquire("job", 1, 600 * Second).Hold;
        var lost = WaitThrough(7);
        _machine.Do(new DetachWaitersCommand(Lost, 1));
        var before = _machine.State.Hash;
        _machine.RestoreFromSnapshot();
        Assert.That(_machine.State.Hash, Is.EqualTo(before));
        _machine.Do(Release(held));
        Assert.That((Holders().Any(), GoesOn), Is.EqualTo((false, true)));
        _machine.Do(new ExpireCommand());
        Assert.That(Left(lost), Is.EqualTo(1));
        Finish();
        Assert.That(Left(lost), Is.Zero);
    }

    [Test]
    public void States_of_which_one_detaches_a_process_and_the_other_does_not_have_other_hashes()
    {
        var other = new Machine(new Limits { MaxObjectsPerStep = 6 });
        foreach (var machine in (Machine[])[_machine, other])
        {
            machine.Acquire("job", 1, 600 * Second);
            for (var i = 0; i < 4; i++)
            {
                machine.Wait("job", 10 + i, member: 2);
            }
            machine.Do(new DetachWaitersCommand(Lost, 1));
        }
        Assert.That(_machine.View.Digest, Is.EqualTo(other.View.Digest));
        Assert.That(_machine.View.Tables.Detaching.All().Count(), Is.EqualTo(1));
        _machine.Do(new ExpireCommand());
        other.Do(new CancelWaitCommand(Machine.Key("job"), Machine.Request(5, 2), CancelReason.Disconnected));
        Assert.That(other.State.Counts.Waiters, Is.Zero);
        Assert.That(_machine.View.Digest, Is.Not.EqualTo(other.View.Digest), "there the process is known until the next entry looks");
        other.Do(new ExpireCommand());
        Assert.That(_machine.View.Digest, Is.EqualTo(other.View.Digest));
    }

    [Test]
    public void A_place_under_a_session_has_its_turn_before_it_is_detached_too_and_its_hold_is_one_that_nobody_took()
    {
        var session = new LeaseId(50);
        _machine.Do(new GrantLeaseCommand(session, 3600 * Second) { IsSession = true });
        var held = _machine.Acquire("l", 1, 600 * Second).Hold;
        _machine.Acquire("job", 2, 600 * Second);
        WaitThrough(7);
        var ask = Lock("l", "me", 0, 60 * Second, ttl: 0) with { SharedLease = session, LockDelayMicros = 60 * Second };
        Assert.That(_machine.Do(ask, member: 2, session: new SessionRequest(session, 1, 0)), Is.InstanceOf<HoldQueued>());
        var asked = Machine.Request(_machine.Last.Sequence, 2, 1);
        var behind = Wait("behind", 40, member: 3, name: "l");
        _machine.Do(new DetachWaitersCommand(Lost, 1));
        _machine.Do(Release(held));
        Assert.That(Holders("l"), Is.EqualTo(["me"]), "nobody passes it");
        // The process may live after all, and must not tell of a hold that ends as one that nobody knew of.
        Type[] told = [.. _machine.OutcomesOf(asked).Select(outcome => outcome.GetType())];
        Assert.That(told, Is.EqualTo(new[] { typeof(HoldQueued), typeof(WaitDetached), typeof(HoldGranted) }));
        Finish();
        _machine.Do(new RevokeLeaseCommand(session));
        Assert.That(_machine.GrantOf(behind), Is.Not.Null, "there is no loss of what nobody knew of");
    }

    [Test]
    public void Lines_that_lose_their_front_in_a_step_without_room_are_looked_at_by_the_next_entries()
    {
        _machine.Acquire("g", 1, 600 * Second);
        _machine.Queued(WaitMany("several", 2, "a", "b", "c", "d", "e", "f", "g"), member: 2);
        var behind = ((string[])["a", "b", "c", "d", "e", "f"]).Select((name, i) => Wait($"o{i}", 20 + i, member: 3, name: name)).ToList();
        _machine.Do(new DetachWaitersCommand(Lost, 1));
        Assert.That(behind.Select(w => _machine.GrantOf(w)), Is.All.Null, "seven places are more than a step");
        Assert.That(GoesOn);
        Finish();
        Assert.That(behind.Select(w => _machine.GrantOf(w)), Is.All.Not.Null);
    }

    [Test]
    public void One_entry_passes_over_no_more_than_a_step_and_whoever_comes_then_passes_nobody()
    {
        var held = _machine.Acquire("job", 1, 600 * Second).Hold;
        WaitThrough(20);
        var other = Wait("other", 40, member: 3);
        _machine.Do(new DetachWaitersCommand(Lost, 1));
        _machine.Do(Release(held));
        Assert.That((_machine.GrantOf(other) is null, _machine.Objects), Is.EqualTo((true, 8)), "a hold, its lease, and six passed over");
        Assert.That(_machine.Do(Lock("job", "late", 41)), Is.InstanceOf<HoldRefused>());
        var newcomer = Wait("newcomer", 42, member: 3);
        Finish();
        Assert.That(_machine.GrantOf(other), Is.Not.Null);
        _machine.Do(Release(_machine.GrantOf(other)!));
        Assert.That(_machine.GrantOf(newcomer), Is.Not.Null);
    }

    [Test]
    public void Who_waited_for_too_long_is_passed_over_a_step_at_a_time_too()
    {
        var held = _machine.Acquire("job", 1, 600 * Second).Hold;
        for (var i = 0; i < 20; i++)
        {
            _machine.Queued(Lock("job", $"w{i}", 20 + i, wait: Second));
        }
        var other = Wait("other", 60, member: 3);
        _machine.Pass(2 * Second);
        _machine.Do(Release(held));
        Assert.That((_machine.GrantOf(other) is null, _machine.Objects), Is.EqualTo((true, 8)));
        Finish();
        Assert.That(_machine.GrantOf(other), Is.Not.Null);
    }

    [Test]
    public void A_hand_over_looks_at_no_more_than_a_step_of_those_who_wait_for_several_locks()
    {
        var held = _machine.Acquire("job", 1, 600 * Second).Hold;
        for (var i = 0; i < 7; i++)
        {
            _machine.Queued(WaitMany("to", 20 + i, "job", $"other{i}"));
        }
        Wait("to", 40, member: 3);
        var refused = (NoSuchWaiter)_machine.Do(HandOver(held, "to"));
        Assert.That(refused.WaitsForSeveral);
    }

    [Test]
    public void A_new_cluster_detaches_nobody_of_the_old_one()
    {
        _machine.Acquire("job", 1, 600 * Second);
        WaitThrough(7);
        _machine.Do(new DetachWaitersCommand(Lost, 1));
        _machine.State.BeginNewCluster(1);
        Assert.That(_machine.State.NextDeadline, Is.EqualTo(ClusterTime.Never));
    }
}
