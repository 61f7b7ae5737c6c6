using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

public sealed class SharedLockTests
{
    [Test]
    public void Readers_hold_together_each_with_a_token_and_a_revision_of_its_own()
    {
        var machine = new Machine();
        var first = machine.Granted(Shared("l", "a", 1));
        var second = machine.Granted(Shared("l", "b", 2));
        Assert.That(second.Token.Value, Is.EqualTo(first.Token.Value + 1));
        var shown = machine.Look(first);
        Assert.That(shown.Holders.Select(h => h.Owner), Is.EqualTo(["a", "b"]));
        Assert.That((shown.HolderCount, machine.View.Counts.HoldsInUse), Is.EqualTo((2, 2)));
        Assert.That(((HoldRefused)machine.Do(Lock("l", "w", 3))).Holder!.Owner, Is.EqualTo("a"));
    }

    [Test]
    public void A_waiting_writer_is_not_starved_by_new_readers()
    {
        var machine = new Machine();
        var reader = machine.Granted(Shared("l", "a", 1));
        var writer = machine.Queued(Lock("l", "w", 2, 60 * Second));
        Assert.That(machine.Do(Shared("l", "b", 3)), Is.InstanceOf<HoldRefused>(), "a reader that does not want to wait is refused");
        var late = machine.Queued(Shared("l", "c", 4, 60 * Second));
        machine.Do(Release(reader));
        Assert.That(machine.GrantOf(writer), Is.Not.Null);
        Assert.That(machine.GrantOf(late), Is.Null);
        machine.Do(Release(machine.GrantOf(writer)!));
        Assert.That(machine.GrantOf(late), Is.Not.Null);
    }

    [Test]
    public void Readers_at_the_head_are_granted_together_up_to_the_first_writer()
    {
        var machine = new Machine();
        var writer = machine.Granted(Lock("l", "w", 1));
        var readers = Enumerable.Range(2, 3).Select(i => machine.Queued(Shared("l", $"r{i}", i, 60 * Second))).ToList();
        var next = machine.Queued(Lock("l", "w2", 5, 60 * Second));
        var behind = machine.Queued(Shared("l", "r6", 6, 60 * Second));
        machine.Do(Release(writer));
        Assert.That(readers.Select(r => machine.GrantOf(r)!.Token.Value - writer.Token.Value), Is.EqualTo([2, 3, 4]), "the release, then one revision for each");
        Assert.That((machine.GrantOf(next), machine.GrantOf(behind)), Is.EqualTo(((Hold?)null, (Hold?)null)));
    }

    [Test]
    public void Readers_behind_a_writer_that_gives_up_are_let_in()
    {
        var machine = new Machine();
        machine.Granted(Shared("l", "a", 1));
        machine.Granted(Shared("l", "b", 2));
        var impatient = machine.Queued(Lock("l", "w", 3, 1 * Second));
        var gone = machine.Queued(Lock("l", "w2", 4, 60 * Second));
        var reader = machine.Queued(Shared("l", "c", 5, 60 * Second));
        machine.Do(new CancelWaitCommand(Machine.Key("l"), gone, CancelReason.Disconnected));
        Assert.That(machine.GrantOf(reader), Is.Null);
        machine.Expire(1 * Second);
        Assert.That(machine.OutcomesOf(impatient).Last(), Is.InstanceOf<HoldRefused>());
        Assert.That(machine.GrantOf(reader), Is.Not.Null);
    }

    [Test]
    public void Readers_behind_a_writer_whose_member_or_lease_is_lost_are_let_in()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(90), 1 * Second));
        machine.Granted(Shared("l", "a", 1));
        machine.Queued(Lock("l", "w", 2, 60 * Second), "x", member: 2);
        machine.Do(Lock("l", "w2", 0, 60 * Second) with { OwnLease = LeaseId.None, SharedLease = new LeaseId(90) });
        var reader = machine.Queued(Shared("l", "c", 5, 60 * Second));
        machine.Do(new DetachWaitersCommand(new MemberId(2), 1));
        Assert.That(machine.GrantOf(reader), Is.Null, "another writer waits");
        machine.Do(new RevokeLeaseCommand(new LeaseId(90)));
        Assert.That(machine.GrantOf(reader), Is.Not.Null);
    }

    [Test]
    public void Late_releases_of_several_readers_are_each_answered_truly()
    {
        var machine = new Machine(new Limits { MaxRememberedTokens = 2 });
        var holds = Enumerable.Range(1, 4).Select(i => machine.Granted(Shared("l", $"r{i}", i))).ToList();
        machine.Do(Release(holds[0], force: true));
        foreach (var hold in holds[1..])
        {
            Assert.That(machine.Do(Release(hold)), Is.InstanceOf<HoldReleased>());
        }
        var revision = machine.State.Revision;
        Assert.That(machine.Do(Release(holds[2])), Is.InstanceOf<HoldReleased>());
        Assert.That(machine.Do(Release(holds[3])), Is.InstanceOf<HoldReleased>());
        Assert.That(((NotHolder)machine.Do(Release(holds[0]))).Loss!.Reason, Is.EqualTo(LossReason.Forced));
        Assert.That(machine.Do(Release(holds[1])), Is.InstanceOf<HoldReleased>(), "beyond what the lock remembers itself");
        Assert.That(machine.State.Revision, Is.EqualTo(revision));
    }

    [Test]
    public void A_forced_release_breaks_all_holds_and_then_lets_in_who_waits()
    {
        var machine = new Machine();
        var readers = Enumerable.Range(1, 3).Select(i => machine.Granted(Shared("l", $"r{i}", i))).ToList();
        var writer = machine.Queued(Lock("l", "w", 9, 60 * Second));
        machine.Do(new ReleaseHoldCommand(Machine.Key("l"), FencingToken.None, Force: true));
        Assert.That(machine.GrantOf(writer)!.Token.Value, Is.EqualTo(readers[2].Token.Value + 4), "three losses, then the grant");
        Assert.That(readers.Select(r => ((NotHolder)machine.Do(Renew(r))).Loss!.Reason), Is.All.EqualTo(LossReason.Forced));
        Assert.That(machine.View.Counts.Leases, Is.EqualTo(1), "their own leases went with them");
    }

    [Test]
    public void A_forced_release_of_more_holds_than_one_command_may_touch_is_refused_and_each_can_be_broken_by_its_token()
    {
        var machine = new Machine(new Limits { MaxObjectsPerCommand = 2 });
        var readers = Enumerable.Range(1, 3).Select(i => machine.Granted(Shared("l", $"r{i}", i))).ToList();
        Assert.That(machine.Do(new ReleaseHoldCommand(Machine.Key("l"), FencingToken.None, Force: true)), Is.InstanceOf<TooManyObjects>());
        Assert.That(machine.Do(Release(readers[1], force: true)), Is.InstanceOf<HoldReleased>());
        Assert.That(machine.Look(readers[0]).Holders.Select(h => h.Owner), Is.EqualTo(["r1", "r3"]));
    }

    [Test]
    public void Holders_of_one_lock_are_bounded_and_nobody_waits_for_that()
    {
        var machine = new Machine(new Limits { MaxHoldersPerObject = 2 });
        machine.Granted(Shared("l", "a", 1));
        machine.Granted(Shared("l", "b", 2));
        Assert.That(((BoundReached)machine.Do(Shared("l", "c", 3, 60 * Second))).Bound, Is.EqualTo(BoundKind.Holders));
    }

    [Test]
    public void A_cancel_gives_back_the_very_reader_that_was_granted()
    {
        var machine = new Machine();
        var first = machine.Granted(Shared("l", "a", 1));
        machine.Granted(Shared("l", "b", 2));
        machine.Do(new CancelWaitCommand(Machine.Key("l"), machine.Last, CancelReason.Disconnected));
        Assert.That(machine.Look(first).Holders.Select(h => h.Owner), Is.EqualTo(["a"]));
        Assert.That(machine.View.Counts.Leases, Is.EqualTo(1));
    }

    [Test]
    public void A_repeat_in_another_mode_does_not_take_the_place_over()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(90), 60 * Second));
        var writer = machine.Granted(Lock("l", "w", 1));
        var ask = Shared("l", "r", 0, 60 * Second) with { OwnLease = LeaseId.None, SharedLease = new LeaseId(90) };
        var reader = machine.Queued(ask, "k");
        Assert.That(machine.Do(ask with { Mode = LockMode.Exclusive }, "k"), Is.InstanceOf<IdempotencyMismatch>());
        machine.Do(Release(writer));
        Assert.That(machine.GrantOf(reader)!.Mode, Is.EqualTo(LockMode.Shared));
    }

    [Test]
    public void More_readers_than_one_entry_may_grant_are_let_in_by_the_entries_that_follow()
    {
        var machine = new Machine(new Limits { MaxObjectsPerStep = 3 });
        var writer = machine.Granted(Lock("l", "w", 1));
        var readers = Enumerable.Range(10, 8).Select(i => machine.Queued(Shared("l", $"r{i}", i, 60 * Second))).ToList();
        machine.Do(Release(writer));
        Assert.That(readers.Count(r => machine.GrantOf(r) is not null), Is.EqualTo(3));
        Assert.That(machine.Do(Shared("l", "late", 50)), Is.InstanceOf<HoldRefused>(), "those who wait go first");
        Assert.That(readers.Count(r => machine.GrantOf(r) is not null), Is.EqualTo(6));
        Assert.That(machine.State.NextDeadline, Is.LessThanOrEqualTo(machine.Now));
        machine.RestoreFromSnapshot();
        Assert.That(machine.State.NextDeadline, Is.LessThanOrEqualTo(machine.Now));
        machine.Do(new ExpireCommand());
        Assert.That(readers.Select(r => machine.GrantOf(r)!.Token), Is.Ordered.And.All.Not.Null);
        Assert.That(machine.State.NextDeadline, Is.GreaterThan(machine.Now));
    }
}
