using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Tests.Core;

/// <summary>Disks that take longer than an election timeout, in virtual time.</summary>
public sealed class SlowDiskTests
{
    [Test]
    public void While_every_disk_is_slower_than_an_election_timeout_nobody_can_lead_and_every_member_says_why()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        foreach (var member in cluster.Members)
        {
            member.FlushMicros = 1_500_000;
        }
        var leader = cluster.Leader;
        leader.Send(new PutCommand(Key.FromText("k"), new byte[8], LeaseId.None, KeyCondition.None));
        cluster.Until(() => leader.Core.Role != RaftRole.Leader, "the leader steps down");
        cluster.Until(
            () => cluster.Members.All(m => m.Core.Status.Alarms.Any(alarm => alarm.Contains("--election-timeout", StringComparison.Ordinal))), "all members say so");

        foreach (var member in cluster.Members)
        {
            member.FlushMicros = 0;
        }
        cluster.UntilReady();
        cluster.Until(() => cluster.Members.All(m => m.Core.Status.Alarms.Count == 0), "the alarm ends");
    }
}
