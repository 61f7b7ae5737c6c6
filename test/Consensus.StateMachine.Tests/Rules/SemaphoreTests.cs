using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

public sealed class SemaphoreTests
{
    [Test]
    public void Permits_are_given_until_none_is_left_and_given_again_when_they_come_back()
    {
        var machine = new Machine();
        var two = machine.Granted(Semaphore("s", "a", 1, count: 2, permits: 3));
        var one = machine.Granted(Semaphore("s", "b", 2, count: 1, permits: 3));
        Assert.That(((HoldRefused)machine.Do(Semaphore("s", "c", 3, count: 1, permits: 3))).Holder!.Owner, Is.EqualTo("a"));
        var shown = machine.Look(two);
        Assert.That((shown.Permits, shown.PermitsUsed, shown.HolderCount), Is.EqualTo((3, 3, 2)));
        var waiter = machine.Queued(Semaphore("s", "c", 3, count: 1, permits: 3, wait: 60 * Second));
        machine.Do(Release(one));
        Assert.That(machine.GrantOf(waiter)!.Count, Is.EqualTo(1));
    }

    [Test]
    public void Who_wants_many_permits_is_not_passed_by_those_who_want_one()
    {
        var machine = new Machine();
        var held = Enumerable.Range(1, 3).Select(i => machine.Granted(Semaphore("s", $"h{i}", i, 1, 3))).ToList();
        var many = machine.Queued(Semaphore("s", "many", 11, count: 3, permits: 3, wait: 60 * Second));
        var one = machine.Queued(Semaphore("s", "one", 12, count: 1, permits: 3, wait: 60 * Second));
        machine.Do(Release(held[0]));
        machine.Do(Release(held[1]));
        Assert.That(machine.GrantOf(one), Is.Null);
        Assert.That(machine.Do(Semaphore("s", "new", 13, 1, 3)), Is.InstanceOf<HoldRefused>());
        machine.Do(Release(held[2]));
        Assert.That(machine.GrantOf(many), Is.Not.Null);
        Assert.That(machine.GrantOf(one), Is.Null);
        machine.Do(Release(machine.GrantOf(many)!));
        Assert.That(machine.GrantOf(one), Is.Not.Null);
    }

    [Test]
    public void Several_waiters_are_let_in_by_one_release_while_they_fit()
    {
        var machine = new Machine();
        var all = machine.Granted(Semaphore("s", "h", 1, 5, 5));
        var waiters = new[] { 2, 2, 2, 1 }.Select((count, i) => machine.Queued(Semaphore("s", $"w{i}", 10 + i, count, 5, 60 * Second))).ToList();
        machine.Do(Release(all));
        Assert.That(waiters.Select(w => machine.GrantOf(w) is not null), Is.EqualTo([true, true, false, false]), "the last one fits, but the third is before it");
    }

    [Test]
    public void The_first_users_limit_holds_until_nobody_holds_or_waits()
    {
        var machine = new Machine();
        var hold = machine.Granted(Semaphore("s", "a", 1, 1, 3));
        Assert.That(((PermitsMismatch)machine.Do(Semaphore("s", "b", 2, 1, 4))).Permits, Is.EqualTo(3));
        Assert.That(machine.Do(Semaphore("s", "b", 2, 4, 3)), Is.InstanceOf<PermitsMismatch>());
        machine.Do(Release(hold));
        Assert.That(machine.Look(hold).Permits, Is.Zero);
        Assert.That(machine.Granted(Semaphore("s", "b", 2, 4, 4)).Count, Is.EqualTo(4));
    }

    [Test]
    public void More_permits_than_there_are_at_all_are_refused_even_where_the_limit_is_the_largest_number()
    {
        var machine = new Machine();
        Assert.That(machine.Do(Semaphore("s", "a", 1, 1, 0)), Is.InstanceOf<PermitsMismatch>());
        machine.Granted(Semaphore("s", "a", 1, long.MaxValue, long.MaxValue));
        Assert.That(machine.Do(Semaphore("s", "b", 2, long.MaxValue, long.MaxValue)), Is.InstanceOf<HoldRefused>());
    }

    [Test]
    public void Locks_semaphores_and_elections_of_one_name_know_nothing_of_each_other()
    {
        var machine = new Machine();
        machine.Granted(Lock("x", "a", 1));
        machine.Granted(Semaphore("x", "b", 2, 1, 1));
        machine.Granted(Election("x", "c", 3, []));
        foreach (var (space, owner) in new[] { (HoldSpace.Lock, "a"), (HoldSpace.Semaphore, "b"), (HoldSpace.Election, "c") })
        {
            Assert.That(machine.View.ListObjects(space, default, null).Single().Holder!.Owner, Is.EqualTo(owner));
        }
        machine.Do(new ReleaseHoldCommand(Machine.Key("x"), FencingToken.None, Force: true) { Space = HoldSpace.Semaphore });
        Assert.That(machine.View.Counts.HoldsInUse, Is.EqualTo(2));
    }

    [Test]
    public void One_lease_may_hold_permits_several_times_and_loses_them_together()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(90), 1 * Second));
        var ask = Semaphore("s", "a", 0, 1, 3) with { OwnLease = LeaseId.None, SharedLease = new LeaseId(90), TtlMicros = 0 };
        machine.Granted(ask);
        machine.Granted(ask);
        var lease = machine.View.GetLease(new LeaseId(90))!;
        Assert.That((lease.HoldCount, lease.Holds.Single()), Is.EqualTo((2, ObjectName.Semaphore(Machine.Key("s")))));
        machine.Expire(1 * Second);
        Assert.That(machine.Records, Is.EqualTo(default(StateCounts)));
        Assert.That(machine.View.GetObject(ObjectName.Semaphore(Machine.Key("s"))).LastLoss!.Reason, Is.EqualTo(LossReason.Expired));
    }

    [Test]
    public void A_retried_grant_of_permits_is_the_same_hold()
    {
        var machine = new Machine();
        var first = machine.Granted(Semaphore("s", "a", 1, 1, 3), "k");
        Assert.That(machine.Granted(Semaphore("s", "a", 2, 1, 3), "k").Token, Is.EqualTo(first.Token));
        Assert.That(machine.Look(first).PermitsUsed, Is.EqualTo(1));
    }
}
