using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Who is next, however long the line.</summary>
public sealed class QueueTests
{
    [Test]
    public void A_long_line_is_served_in_order_past_those_who_are_detached()
    {
        var machine = new Machine();
        var hold = machine.Granted(Lock("l", "h", 1, ttl: 600 * Second));
        var expected = new List<RequestId>();
        for (var i = 0; i < 3000; i++)
        {
            var member = 1 + (i % 3);
            var waiter = machine.Queued(Lock("l", $"w{i}", 10 + i, 600 * Second), $"k{i}", member);
            if (member != 2)
            {
                expected.Add(waiter);
            }
        }
        machine.Do(new DetachWaitersCommand(new MemberId(2), 1));
        machine.RestoreFromSnapshot();
        while (machine.State.NextDeadline <= machine.Now)
        {
            machine.Do(new ExpireCommand());
        }
        foreach (var next in expected)
        {
            machine.Do(Release(hold));
            hold = machine.GrantOf(next)!;
            Assert.That(hold, Is.Not.Null, $"{next} is the next");
        }
        Assert.That(machine.View.Counts.Waiters, Is.EqualTo(1000));
    }

    [Test]
    public void A_newcomer_does_not_pass_who_could_be_granted_by_now()
    {
        var machine = new Machine();
        machine.Granted(Shared("l", "r", 1));
        machine.Queued(Lock("l", "writer", 2, 1 * Second));
        var reader = machine.Queued(Shared("l", "r2", 3, 60 * Second));
        machine.Pass(1 * Second);
        var newcomer = machine.Granted(Shared("l", "r3", 4));
        Assert.That(machine.GrantOf(reader)!.Token.Value, Is.LessThan(newcomer.Token.Value), "the writer's wait is over by the stamp: the waiting reader first");
    }

    [Test]
    public void A_waiter_whose_lease_is_renewed_after_its_deadline_gets_what_became_free_meanwhile()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(90), 1 * Second));
        var hold = machine.Granted(Lock("l", "h", 1));
        machine.Do(Lock("l", "w", 0, 60 * Second) with { OwnLease = LeaseId.None, SharedLease = new LeaseId(90) });
        var waiter = machine.Last;
        machine.Pass(2 * Second);
        machine.Do(Release(hold));
        Assert.That(machine.GrantOf(waiter), Is.Null, "its lease's deadline has passed");
        machine.Do(new RenewLeasesCommand([new LeaseId(90)]));
        Assert.That(machine.GrantOf(waiter), Is.Not.Null, "no expiry came before the renewal");
    }

    [Test]
    public void Who_has_a_place_is_granted_though_there_are_as_many_leases_as_there_may_be()
    {
        var machine = new Machine(new Limits { MaxLeases = 1 });
        machine.Do(new GrantLeaseCommand(new LeaseId(90), 600 * Second));
        var hold = machine.Granted(Lock("l", "h", 0) with { OwnLease = LeaseId.None, SharedLease = new LeaseId(90) });
        var waiter = machine.Queued(Lock("l", "w", 2, 60 * Second));
        machine.Do(Release(hold));
        Assert.That(machine.GrantOf(waiter), Is.Not.Null, "else nobody would ever come back to grant it");
        Assert.That(machine.Do(Lock("m", "x", 3)), Is.InstanceOf<BoundReached>());
    }

    [Test]
    public void Nobody_is_granted_who_is_about_to_be_detached_by_the_same_entry()
    {
        var machine = new Machine();
        machine.Granted(Shared("l", "r", 1));
        machine.Queued(Lock("l", "writer", 2, 60 * Second), "a", member: 2);
        var lost = machine.Queued(Shared("l", "r2", 3, 60 * Second), "b", member: 2);
        var reader = machine.Queued(Shared("l", "r3", 4, 60 * Second));
        machine.Do(new DetachWaitersCommand(new MemberId(2), 1));
        Assert.That(machine.GrantOf(lost), Is.Null);
        Assert.That(machine.GrantOf(reader), Is.Not.Null);
        Assert.That(((HoldGranted)machine.Do(Shared("l", "r2", 5, 60 * Second), "b")).Hold.Owner, Is.EqualTo("r2"), "its retry is in line again, but the writer is not");
    }

    [Test]
    public void A_line_in_which_another_stands_is_not_marked_as_the_same()
    {
        var machine = new Machine();
        var held = machine.Granted(Lock("l", "a", 1));
        var first = machine.Queued(Lock("l", "b", 2, 60 * Second));
        var before = machine.View;
        Assert.That(machine.View.MarkOf(held.Object), Is.EqualTo(before.MarkOf(held.Object)));
        machine.Do(CancelWaitCommand.Of(held.Object, first, CancelReason.Disconnected));
        machine.Queued(Lock("l", "c", 3, 60 * Second));
        Assert.That(machine.View.GetObject(held.Object).Waiters.Single().Owner, Is.EqualTo("c"));
        Assert.That(machine.View.MarkOf(held.Object), Is.Not.EqualTo(before.MarkOf(held.Object)));
        var other = machine.Granted(Lock("m", "a", 4));
        var mark = machine.View.MarkOf(other.Object);
        machine.Queued(Lock("l", "d", 5, 60 * Second));
        Assert.That(machine.View.MarkOf(other.Object), Is.EqualTo(mark), "of another lock");
    }

    [Test]
    public void Keys_under_an_own_lease_go_with_its_last_hold()
    {
        var machine = new Machine();
        var hold = machine.Granted(Lock("l", "a", 1));
        machine.Do(new PutCommand(Machine.Key("k"), new byte[] { 1 }, hold.Lease, KeyCondition.None));
        machine.Do(Release(hold));
        Assert.That(machine.View.GetKey(Machine.Key("k")), Is.Null);
        Assert.That(machine.Records, Is.EqualTo(default(StateCounts)));
    }
}
