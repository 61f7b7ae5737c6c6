using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>The limit of a semaphore that is in use changes.</summary>
public sealed class PermitChangeTests
{
    private static ChangePermitsCommand Limit(long permits) => new(Machine.Key("s"), permits);

    private static HeldObject Look(Machine machine) => machine.View.GetObject(ObjectName.Semaphore(Machine.Key("s")));

    [Test]
    public void Whoever_waits_and_has_room_by_a_higher_limit_is_granted_at_once_in_order()
    {
        var machine = new Machine();
        machine.Granted(Semaphore("s", "a", 1, 2, 2));
        var waiters = new[] { 1, 2, 1 }.Select((count, i) => machine.Queued(Semaphore("s", $"w{i}", 10 + i, count, 2, 60 * Second))).ToList();
        var changed = (PermitsChanged)machine.Do(Limit(4));
        Assert.That((changed.Permits, changed.Before, changed.Out), Is.EqualTo((4, 2, 3)));
        Assert.That(waiters.Select(w => machine.GrantOf(w) is not null), Is.EqualTo([true, false, false]), "the second wants two, and nobody passes it");
        Assert.That(((HoldGranted)machine.OutcomesOf(waiters[0]).Last()).Permits, Is.EqualTo(4), "it is told of the limit that there is");
        machine.RestoreFromSnapshot();
        Assert.That((Look(machine).Permits, Look(machine).PermitsUsed), Is.EqualTo((4, 3)));
        machine.Granted(Semaphore("other", "z", 20, 1, 2));
        Assert.That(((PermitsMismatch)machine.Do(Semaphore("s", "b", 21, 1, 2))).Permits, Is.EqualTo(4), "the old limit is another one now");
    }

    [Test]
    public void A_limit_below_what_is_held_or_kept_back_is_refused_with_that()
    {
        var machine = new Machine();
        machine.Granted(Semaphore("s", "a", 1, 2, 5) with { TtlMicros = Second, LockDelayMicros = 10 * Second });
        var held = machine.Granted(Semaphore("s", "b", 2, 1, 5));
        machine.Expire(Second);
        var refused = (PermitsOut)machine.Do(Limit(2));
        Assert.That((refused.Permits, refused.Out), Is.EqualTo((5, 3)));
        Assert.That(machine.Do(Limit(3)), Is.InstanceOf<PermitsChanged>());
        Assert.That(machine.Do(Semaphore("s", "c", 3, 1, 3)), Is.InstanceOf<HoldRefused>());
        machine.Do(Release(held));
        Assert.That(((PermitsChanged)machine.Do(Limit(2))).Out, Is.EqualTo(2), "what is kept for a");
        machine.Granted(Semaphore("s", "a", 4, 2, 2));
    }

    [Test]
    public void A_semaphore_that_nobody_uses_has_no_limit_to_change()
    {
        var machine = new Machine();
        Assert.That(machine.Do(Limit(3)), Is.InstanceOf<SemaphoreUnused>());
        machine.Do(Release(machine.Granted(Semaphore("s", "a", 1, 1, 5))));
        Assert.That(machine.Do(Limit(3)), Is.InstanceOf<SemaphoreUnused>());
    }

    [Test]
    public void Who_waits_for_more_than_there_are_now_is_refused_and_stands_in_nobodys_way()
    {
        var machine = new Machine();
        machine.Granted(Semaphore("s", "a", 1, 1, 5));
        var large = machine.Queued(Semaphore("s", "b", 2, 5, 5, 60 * Second), "k");
        var small = machine.Queued(Semaphore("s", "c", 3, 1, 5, 60 * Second));
        machine.Do(Limit(2));
        Assert.That(machine.OutcomesOf(large).Last(), Is.EqualTo(new PermitsMismatch(machine.OutcomesOf(large).Last().Revision, 2)));
        Assert.That(machine.GrantOf(small), Is.Not.Null);
        Assert.That(machine.Do(Semaphore("s", "b", 4, 5, 5, 60 * Second), "k"), Is.InstanceOf<PermitsMismatch>(), "that is final for its request");
    }

    [Test]
    public void Who_is_detached_and_comes_again_for_more_than_there_are_now_is_refused()
    {
        var machine = new Machine();
        machine.Granted(Semaphore("s", "a", 1, 2, 3));
        machine.Queued(Semaphore("s", "b", 2, 3, 3, 60 * Second), "k", member: 2);
        machine.Do(new DetachWaitersCommand(new MemberId(2), 1));
        machine.Do(Limit(2));
        Assert.That(machine.Do(Semaphore("s", "b", 3, 3, 3, 60 * Second), "k"), Is.EqualTo(new PermitsMismatch(machine.State.Revision, 2)));
        Assert.That(Look(machine).WaiterCount, Is.Zero);
    }

    [Test]
    public void A_place_that_was_taken_under_the_old_limit_is_found_by_a_repeat_of_its_request()
    {
        var machine = new Machine();
        var held = machine.Granted(Semaphore("s", "a", 1, 3, 3));
        machine.Queued(Semaphore("s", "b", 2, 1, 3, 60 * Second), "k");
        machine.Do(Limit(4));
        var granted = machine.Granted(Semaphore("s", "b", 3, 1, 3, 60 * Second), "k");
        Assert.That(granted.Owner, Is.EqualTo("b"));
        machine.Queued(Semaphore("s", "c", 4, 2, 4, 60 * Second), "k2");
        machine.Do(Limit(5));
        var again = machine.Queued(Semaphore("s", "c", 5, 2, 4, 60 * Second), "k2");
        machine.Do(Release(held));
        Assert.That(machine.GrantOf(again), Is.Not.Null);
    }

    [Test]
    public void More_waiters_than_one_entry_may_grant_are_granted_by_later_entries()
    {
        var machine = new Machine(new Limits { MaxObjectsPerStep = 2 });
        machine.Granted(Semaphore("s", "a", 1, 1, 1));
        var waiters = Enumerable.Range(0, 5).Select(i => machine.Queued(Semaphore("s", $"w{i}", 10 + i, 1, 1, 60 * Second))).ToList();
        machine.Do(Limit(10));
        Assert.That(waiters.Count(w => machine.GrantOf(w) is not null), Is.EqualTo(2));
        Assert.That(machine.State.NextDeadline, Is.LessThanOrEqualTo(machine.Now), "the leader is to go on at once");
        machine.Do(new ExpireCommand());
        machine.Do(new ExpireCommand());
        Assert.That(waiters.Select(w => machine.GrantOf(w)), Is.All.Not.Null);
    }

    [Test]
    public void A_repeated_change_is_told_again_and_undoes_no_later_one()
    {
        var machine = new Machine();
        machine.Granted(Semaphore("s", "a", 1, 1, 3));
        var first = machine.Do(Limit(4), "k");
        machine.Do(Limit(6), "k2");
        machine.RestoreFromSnapshot();
        Assert.That(machine.Do(Limit(4), "k"), Is.EqualTo(first));
        Assert.That(machine.Do(Limit(5), "k", fingerprint: 2), Is.InstanceOf<IdempotencyMismatch>());
        Assert.That(Look(machine).Permits, Is.EqualTo(6));
        Assert.That(((Withdrawn)machine.Do(new WithdrawCommand(Machine.Key("k")))).Result, Is.EqualTo(WithdrawResult.Done));
    }
}
