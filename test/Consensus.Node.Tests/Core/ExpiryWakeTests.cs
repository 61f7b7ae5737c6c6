using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Tests.Core;

/// <summary>When the loop wakes for expiries, in a cluster that is driven by nothing but its own wake-ups.</summary>
public sealed class ExpiryWakeTests
{
    [TestCase(1 << 20, Description = "the expiry is on its way")]
    [TestCase(1, Description = "there is no room for it")]
    public void A_leader_whose_expiry_cannot_be_committed_waits_and_does_not_turn_each_millisecond(int maxUncommitted)
    {
        var isHeldUp = false;
        var cluster = new CoreCluster(3, with: options => options with { Raft = options.Raft with { MaxUncommittedBytes = maxUncommitted } });
        cluster.OnTheWay = (_, _, message) => isHeldUp && message is RaftPeerMessage { Message: AppendResponse } ? null : message;
        cluster.UntilReady();
        var leader = cluster.Leader;
        var lease = leader.Send(new GrantLeaseCommand(new LeaseId(9), 1_000_000));
        cluster.Until(() => lease.Stage == PendingStage.Answered, "the lease is granted");
        cluster.Run(500_000);
        isHeldUp = true;
        leader.Send(new ReleaseHoldCommand(Key.FromText("a"), new FencingToken(1), Force: false));
        cluster.Run(550_000);
        Assert.That(leader.Core.Status.Counts.Leases, Is.EqualTo(1), "it is due, and not expired");
        var (turns, end) = (0, cluster.Now + 100_000);
        for (var now = cluster.Now; now < end; now = Math.Max(now + 1, leader.Core.NextWakeMicros))
        {
            leader.Turn(now);
            turns++;
        }
        Assert.That((leader.Core.Role, leader.Core.Status.Counts.Leases), Is.EqualTo((RaftRole.Leader, 1)));
        Assert.That(turns, Is.LessThan(40), "heartbeats, sweeps and the status, in 100 ms of virtual time");
        isHeldUp = false;
        cluster.Until(() => cluster.Leader.Core.Status.Counts.Leases == 0, "it is expired");
    }
}
