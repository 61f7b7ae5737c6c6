using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

public sealed class LockDelayTests
{
    private static AcquireCommand Delayed(string owner, long lease, long wait = 0) =>
        Lock("l", owner, lease, wait, ttl: 1 * Second) with { LockDelayMicros = 10 * Second };

    [Test]
    public void After_a_loss_nobody_else_is_granted_until_the_delay_is_over()
    {
        var machine = new Machine();
        var hold = machine.Granted(Delayed("a", 1));
        var waiter = machine.Queued(Lock("l", "b", 2, 60 * Second));
        machine.Expire(1 * Second);
        var until = machine.Now.PlusMicros(10 * Second);
        var refused = (HoldRefused)machine.Do(Lock("l", "c", 3));
        Assert.That((refused.Holder, refused.DelayedUntil), Is.EqualTo(((Hold?)null, (ClusterTime?)until)));
        Assert.That(machine.Look(hold).DelayedUntil, Is.EqualTo(until));
        Assert.That((machine.State.NextDeadline, machine.State.HasDeadlines), Is.EqualTo((until, true)));
        machine.RestoreFromSnapshot();
        machine.Expire(10 * Second - 1);
        Assert.That(machine.GrantOf(waiter), Is.Null);
        machine.Expire(1);
        Assert.That(machine.GrantOf(waiter), Is.Not.Null);
        Assert.That(machine.Look(hold).DelayedUntil, Is.Null);
    }

    [Test]
    public void The_same_owner_takes_it_back_at_once_which_ends_the_delay()
    {
        var machine = new Machine();
        machine.Granted(Delayed("a", 1));
        var other = machine.Queued(Lock("l", "b", 2, 60 * Second));
        machine.Expire(1 * Second);
        var back = machine.Granted(Lock("l", "a", 3));
        machine.Do(Release(back));
        Assert.That(machine.GrantOf(other), Is.Not.Null, "what was taken back and released is free");
    }

    [Test]
    public void A_waiter_of_the_same_owner_is_granted_at_the_loss_past_those_before_it()
    {
        var machine = new Machine();
        machine.Granted(Delayed("a", 1));
        var other = machine.Queued(Lock("l", "b", 2, 60 * Second));
        var own = machine.Queued(Lock("l", "a", 3, 60 * Second));
        machine.Expire(1 * Second);
        Assert.That(machine.GrantOf(own), Is.Not.Null);
        Assert.That(machine.GrantOf(other), Is.Null);
    }

    [TestCase("released")]
    [TestCase("given back")]
    [TestCase("handed over")]
    public void What_is_given_up_freely_is_not_delayed(string how)
    {
        var machine = new Machine();
        var hold = machine.Granted(Delayed("a", 1));
        var granted = machine.Last;
        var waiter = machine.Queued(Lock("l", "b", 2, 60 * Second));
        machine.Do(how switch
        {
            "released" => Release(hold),
            "given back" => new CancelWaitCommand(hold.Name, granted, CancelReason.Disconnected),
            _ => HandOver(hold, "b"),
        });
        Assert.That(machine.GrantOf(waiter), Is.Not.Null);
    }

    [Test]
    public void A_forced_release_delays_too_and_a_second_one_ends_the_delay()
    {
        var machine = new Machine();
        var hold = machine.Granted(Delayed("a", 1));
        var waiter = machine.Queued(Lock("l", "b", 2, 60 * Second));
        var force = new ReleaseHoldCommand(hold.Name, FencingToken.None, Force: true);
        machine.Do(force);
        Assert.That(machine.GrantOf(waiter), Is.Null);
        machine.Do(force);
        Assert.That(machine.GrantOf(waiter), Is.Not.Null);
    }

    [Test]
    public void A_revoked_lease_delays_and_a_multi_lock_is_refused_meanwhile()
    {
        var machine = new Machine();
        machine.Granted(Delayed("a", 1));
        machine.Do(new RevokeLeaseCommand(new LeaseId(1)));
        var refused = (HoldRefused)machine.Do(Many("b", 5, "free", "l"));
        Assert.That((refused.Name, refused.DelayedUntil is not null), Is.EqualTo((Machine.Key("l"), true)));
        Assert.That(machine.Do(Many("a", 5, "free", "l")), Is.InstanceOf<ManyGranted>(), "its last owner may");
    }

    [Test]
    public void A_newcomer_at_the_end_of_the_delay_does_not_pass_who_waited()
    {
        var machine = new Machine();
        machine.Granted(Delayed("a", 1));
        var waiter = machine.Queued(Lock("l", "b", 2, 60 * Second));
        machine.Expire(1 * Second);
        machine.Pass(10 * Second);
        Assert.That(machine.Do(Lock("l", "c", 3)), Is.InstanceOf<HoldRefused>());
        Assert.That(machine.GrantOf(waiter), Is.Not.Null, "the time was over by the stamp");
    }

    [Test]
    public void A_hold_is_lost_at_the_end_of_its_longest_time_however_often_it_is_renewed()
    {
        var machine = new Machine();
        var hold = machine.Granted(Lock("l", "a", 1, ttl: 4 * Second) with { MaxHoldMicros = 10 * Second });
        var until = machine.Now.PlusMicros(10 * Second);
        Assert.That((hold.HoldUntil, hold.TtlMicros), Is.EqualTo((until, 4 * Second)));
        for (var i = 0; i < 3; i++)
        {
            machine.Expire(3 * Second);
            hold = ((HoldRenewed)machine.Do(Renew(hold))).Hold;
        }
        Assert.That((hold.Deadline, hold.TtlMicros), Is.EqualTo((until, 1 * Second)), "what its holder may count on");
        Assert.That(machine.State.NextDeadline, Is.EqualTo(until));
        machine.RestoreFromSnapshot();
        machine.Expire(1 * Second);
        Assert.That(((NotHolder)machine.Do(Renew(hold))).Loss!.Reason, Is.EqualTo(LossReason.HeldTooLong));
        Assert.That(machine.Records, Is.EqualTo(default(StateCounts)), "its own lease went with it");
    }

    [Test]
    public void A_lease_that_holds_other_things_too_survives_the_end_of_one_of_them()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(90), 60 * Second));
        var ask = Lock("l", "a", 0) with { OwnLease = LeaseId.None, SharedLease = new LeaseId(90), MaxHoldMicros = 1 * Second };
        machine.Granted(ask);
        var other = machine.Granted(ask with { Name = Machine.Key("m"), MaxHoldMicros = 0 });
        machine.Expire(1 * Second);
        Assert.That(machine.View.Counts.HoldsInUse, Is.EqualTo(1));
        Assert.That(machine.Look(other).Holder!.HoldUntil, Is.EqualTo(ClusterTime.Never));
    }
}
