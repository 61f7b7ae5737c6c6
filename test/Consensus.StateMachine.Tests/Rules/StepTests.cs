using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>What ends or is granted unasked comes in steps, each an entry, and a turn is charged for all of it (rule 9).</summary>
public sealed class StepTests
{
    [Test]
    public void Leases_that_run_out_together_end_a_step_at_a_time()
    {
        var machine = new Machine(new Limits { MaxObjectsPerStep = 10 });
        GrantLeases(machine, 25);
        machine.Pass(2 * Second);
        foreach (var left in (int[])[15, 5, 0])
        {
            Assert.That(machine.State.NextDeadline, Is.LessThanOrEqualTo(machine.Now), "the leader is to go on at once");
            machine.Do(new ExpireCommand());
            Assert.That(machine.State.Counts.Leases, Is.EqualTo(left));
        }
        Assert.That(machine.State.NextDeadline, Is.EqualTo(ClusterTime.Never));
    }

    [Test]
    public void Five_hundred_leases_are_one_step()
    {
        var machine = new Machine();
        GrantLeases(machine, 1_200);
        machine.Expire(2 * Second);
        Assert.That(machine.State.Counts.Leases, Is.EqualTo(700));
    }

    [Test]
    public void A_lease_with_more_than_a_step_ends_whole_and_alone()
    {
        var machine = new Machine(new Limits { MaxObjectsPerStep = 10 });
        GrantLeases(machine, 4);
        foreach (var key in Enumerable.Range(0, 30))
        {
            machine.Do(new PutCommand(Machine.Key($"k{key}"), "v"u8.ToArray(), new LeaseId(3), KeyCondition.None));
        }
        machine.Expire(2 * Second);
        Assert.That((machine.State.Counts.Leases, machine.State.Counts.Keys), Is.EqualTo((2, 30)), "two before it, and nothing of it");
        var before = machine.State.Revision;
        machine.Do(new ExpireCommand());
        Assert.That((machine.State.Counts.Leases, machine.State.Counts.Keys), Is.EqualTo((1, 0)), "all of it, and nobody else");
        Assert.That(machine.State.Revision, Is.EqualTo(before.Next), "all its keys in one revision");
        machine.Do(new ExpireCommand());
        Assert.That(machine.State.Counts.Leases, Is.Zero);
    }

    [Test]
    public void Who_is_granted_what_expired_counts_in_the_step()
    {
        var machine = new Machine(new Limits { MaxObjectsPerStep = 10 });
        var waiters = new List<RequestId>();
        for (var i = 0; i < 6; i++)
        {
            machine.Granted(Lock($"l{i}", "holder", 10 + i, ttl: Second));
            waiters.Add(machine.Queued(Lock($"l{i}", "waiter", 20 + i, wait: 60 * Second)));
        }
        machine.Expire(2 * Second);
        Assert.That(waiters.Count(waiter => machine.GrantOf(waiter) is not null), Is.EqualTo(3), "a lease, its hold and a grant each");
        machine.Do(new ExpireCommand());
        Assert.That(waiters.Select(waiter => machine.GrantOf(waiter)), Is.All.Not.Null);
    }

    [Test]
    public void Waits_that_run_out_together_end_a_step_at_a_time_and_who_stood_behind_is_looked_at_in_the_next()
    {
        var machine = new Machine(new Limits { MaxObjectsPerStep = 10 });
        for (var i = 0; i < 12; i++)
        {
            machine.Granted(Lock($"l{i:00}", "holder", 100 + i, mode: LockMode.Shared, ttl: 600 * Second));
            machine.Queued(Lock($"l{i:00}", "short", 200 + i, wait: Second));
            machine.Queued(Lock($"l{i:00}", "long", 300 + i, wait: 600 * Second));
        }
        machine.Expire(2 * Second);
        Assert.That(machine.State.Counts.Waiters, Is.EqualTo(14), "ten of twelve are over");
        machine.Do(new ExpireCommand());
        Assert.That(machine.State.Counts.Waiters, Is.EqualTo(12));
        // Nobody can be granted anything, and each line that is looked at counts all the same.
        Assert.That(machine.State.NextDeadline, Is.LessThanOrEqualTo(machine.Now), "two and eight are a step");
        machine.Do(new ExpireCommand());
        Assert.That(machine.State.NextDeadline, Is.GreaterThan(machine.Now));
    }

    [Test]
    public void A_turn_is_charged_for_each_lease_that_begins_or_ends()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(7), 60 * Second));
        Assert.That(machine.Objects, Is.EqualTo(1));
        machine.Do(new RevokeLeaseCommand(new LeaseId(7)));
        Assert.That(machine.Objects, Is.EqualTo(1));
        GrantLeases(machine, 50);
        machine.Expire(2 * Second);
        Assert.That(machine.Objects, Is.EqualTo(50));
    }

    private static void GrantLeases(Machine machine, int count)
    {
        for (var id = 1; id <= count; id++)
        {
            machine.Do(new GrantLeaseCommand(new LeaseId(id), Second + id));
        }
    }
}
