using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>What is told of a lost hold: why it was lost, in numbers.</summary>
public sealed class BlameTests
{
    private static HoldLoss LossOf(Machine machine, Hold hold)
    {
        machine.RestoreFromSnapshot();
        var loss = machine.Look(hold).LastLoss!;
        Assert.That((loss.Token, loss.Owner, loss.At), Is.EqualTo((hold.Token, hold.Owner, machine.Now)));
        return loss;
    }

    [Test]
    public void Of_what_expired_it_is_told_when_the_last_renewal_came_and_what_its_ttl_was()
    {
        var machine = new Machine();
        var hold = machine.Granted(Lock("l", "a", 1, ttl: 10 * Second));
        machine.Pass(3 * Second);
        machine.Do(Renew(hold));
        var renewed = machine.Now;
        machine.Expire(11 * Second);
        var loss = LossOf(machine, hold);
        Assert.That((loss.Reason, loss.RenewedAt, loss.TtlMicros), Is.EqualTo((LossReason.Expired, renewed, 10 * Second)));
        Assert.That((loss.LeaderlessMicros, loss.By, loss.MaxHoldMicros), Is.EqualTo((0L, "", 0L)));
    }

    [Test]
    public void Of_what_expired_it_is_told_for_how_long_the_cluster_had_no_leader_since_its_last_renewal()
    {
        var machine = new Machine();
        var hold = machine.Granted(Lock("l", "a", 1, ttl: 10 * Second));
        machine.Pass(Second);
        machine.Do(new NoteLeaderlessCommand(machine.Now, 7 * Second));
        machine.Pass(Second);
        machine.Do(Renew(hold));
        machine.Pass(Second);
        machine.Do(new NoteLeaderlessCommand(machine.Now, 4 * Second));
        machine.RestoreFromSnapshot();
        machine.Do(new NoteLeaderlessCommand(machine.Now, 2 * Second));
        machine.Expire(10 * Second);
        Assert.That(LossOf(machine, hold).LeaderlessMicros, Is.EqualTo(6 * Second), "not what was before the renewal");
    }

    [Test]
    public void Only_the_newest_times_without_a_leader_are_remembered()
    {
        var machine = new Machine();
        var hold = machine.Granted(Lock("l", "a", 1, ttl: 100 * Second));
        for (var i = 0; i < 20; i++)
        {
            machine.Do(new NoteLeaderlessCommand(machine.Now, Second));
        }
        machine.Expire(100 * Second);
        Assert.That(LossOf(machine, hold).LeaderlessMicros, Is.EqualTo(16 * Second));
    }

    [Test]
    public void Of_what_was_revoked_it_is_told_by_whom()
    {
        var machine = new Machine();
        var hold = machine.Granted(Lock("l", "a", 1));
        machine.Pass(Second);
        machine.Do(new RevokeLeaseCommand(new LeaseId(1)) { By = "10.0.0.7 through n1" });
        var loss = LossOf(machine, hold);
        Assert.That((loss.Reason, loss.By), Is.EqualTo((LossReason.Revoked, "10.0.0.7 through n1")));
    }

    [Test]
    public void A_lease_that_was_granted_to_a_request_that_is_withdrawn_is_revoked_by_that()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(90), 60 * Second), "k");
        var hold = machine.Granted(Lock("l", "a", 0) with { OwnLease = LeaseId.None, SharedLease = new LeaseId(90), TtlMicros = 0 });
        machine.Do(new WithdrawCommand(Machine.Key("k")));
        Assert.That(LossOf(machine, hold).By, Does.Contain("withdrawal"));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Of_what_was_broken_by_force_it_is_told_by_whom(bool isNamed)
    {
        var machine = new Machine();
        var hold = machine.Granted(Lock("l", "a", 1));
        machine.Do(new ReleaseHoldCommand(hold.Name, isNamed ? hold.Token : FencingToken.None, Force: true) { By = "10.0.0.8 through n2" });
        var loss = LossOf(machine, hold);
        Assert.That((loss.Reason, loss.By), Is.EqualTo((LossReason.Forced, "10.0.0.8 through n2")));
    }

    [Test]
    public void Of_what_was_held_for_too_long_it_is_told_for_how_long_it_might_be_held_and_that_it_was_renewed()
    {
        var machine = new Machine();
        var hold = machine.Granted(Lock("l", "a", 1, ttl: 4 * Second) with { MaxHoldMicros = 5 * Second });
        machine.Pass(3 * Second);
        machine.RestoreFromSnapshot();
        machine.Do(Renew(hold));
        var renewed = machine.Now;
        machine.Expire(2 * Second);
        var loss = LossOf(machine, hold);
        Assert.That((loss.Reason, loss.MaxHoldMicros, loss.RenewedAt), Is.EqualTo((LossReason.HeldTooLong, 5 * Second, renewed)));
    }
}
