using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Tables;

/// <summary>Why a lease ended is told by whoever applied its end, and by nobody else.</summary>
public sealed class ExpiredLeasesTests
{
    [Test]
    public void What_ended_at_the_very_time_of_a_received_snapshot_ended_for_no_known_reason()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(1), Second));
        machine.Pass(2 * Second);
        machine.Do(new PutCommand(Machine.Key("k"), "v"u8.ToArray(), LeaseId.None, KeyCondition.None));
        var alive = machine.View;
        Assert.That(alive.GetLease(new LeaseId(1)), Is.Not.Null);
        machine.Do(new ExpireCommand());
        Assert.That(machine.View.AppliedStamp, Is.EqualTo(alive.AppliedStamp));
        Assert.That(machine.View.ReasonOfEnd(new LeaseId(1), alive.AppliedStamp), Is.EqualTo(LossReason.Expired));
        machine.RestoreFromSnapshot();
        Assert.That(machine.View.ReasonOfEnd(new LeaseId(1), alive.AppliedStamp), Is.Null);
    }
}
