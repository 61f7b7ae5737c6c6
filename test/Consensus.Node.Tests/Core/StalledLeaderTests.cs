using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Node.Tests.Core;

/// <summary>Leaders that stood still, were cut off or died at the worst moment: leases and reads under the next one.</summary>
public sealed class StalledLeaderTests
{
    private const long TtlMicros = 4_000_000;
    private static readonly Key Job = Key.FromText("job");
    private static readonly Key A = Key.FromText("a");

    [TestCase(true)]
    [TestCase(false)]
    public void A_leader_that_was_away_ends_no_lease_that_was_renewed_at_the_next_one(bool stoodStill)
    {
        // raft-bugs 29.
        var cluster = new CoreCluster(3);
        var token = Granted(cluster);
        cluster.Run(1_000_000);
        var old = cluster.Leader;
        LeaveOut(cluster, old, stoodStill);
        var renewed = Renew(cluster, cluster.Leader, token);
        Assert.That(renewed.Answer.Outcome, Is.InstanceOf<HoldRenewed>());
        var at = cluster.Now;

        // By now the lease as the old leader knows it is over, or nearly so; a clock that ran on tells it so.
        cluster.Run(TtlMicros - 1_000_000);
        old.IsPaused = false;
        cluster.CutOff(old);
        cluster.Run(100_000);
        cluster.Reconnect(old);
        while (cluster.Now < at + TtlMicros - 100_000)
        {
            cluster.Run(50_000);
            Assert.That(cluster.Leader.Core.View.GetObject(Job).Holder?.Token, Is.EqualTo(token), $"{cluster.Now - at} µs after the renewal");
        }
        cluster.Until(() => cluster.Members.All(m => m.Core.View.GetObject(Job).LastLoss?.Reason == LossReason.Expired), "it ends in its own time");
        Assert.That(cluster.Now - at, Is.InRange(TtlMicros, TtlMicros + 1_500_000));
    }

    [TestCase(2_000_000)]
    [TestCase(300_000)]
    [TestCase(50_000)]
    [TestCase(5_000)]
    public void A_leader_that_dies_so_long_before_the_end_of_a_lease_neither_ends_nor_resets_it(long before)
    {
        // raft-bugs 30.
        var cluster = new CoreCluster(3);
        var asked = cluster.Now;
        Granted(cluster);
        var granted = cluster.Now;
        cluster.Run(TtlMicros - before - (granted - asked));
        cluster.Kill(cluster.Leader);
        var survivor = cluster.Members.First(m => !m.IsDown);
        cluster.Until(() => survivor.Core.View.GetObject(Job).Holder is null, "the lease ends");
        // Not counted are the time without a leader and what passed since the last heartbeat.
        Assert.That(cluster.Now - granted, Is.InRange(TtlMicros - 20_000, TtlMicros + 300_000));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Who_loses_a_hold_after_a_time_without_a_leader_is_told_for_how_long_there_was_none(bool isRenewed)
    {
        var cluster = new CoreCluster(3);
        var token = Granted(cluster);
        cluster.Run(1_000_000);
        var stopped = cluster.Now;
        LeaveOut(cluster, cluster.Leader, standsStill: true);
        var leaderless = cluster.Now - stopped;
        var survivor = cluster.Leader;
        if (isRenewed)
        {
            cluster.Run(500_000);
            Assert.That(Renew(cluster, survivor, token).Answer.Outcome, Is.InstanceOf<HoldRenewed>());
        }
        cluster.Until(() => survivor.Core.View.GetObject(Job).Holder is null, "the lease ends");
        var loss = survivor.Core.View.GetObject(Job).LastLoss!;
        Assert.That((loss.Reason, loss.TtlMicros), Is.EqualTo((LossReason.Expired, TtlMicros)));
        if (isRenewed)
        {
            Assert.That(loss.LeaderlessMicros, Is.Zero, "it was renewed after that");
        }
        else
        {
            Assert.That(loss.LeaderlessMicros, Is.InRange(leaderless / 2, leaderless + 100_000), "from the last that was heard of the old leader until another was one");
        }
    }

    [Test]
    public void A_renewal_that_comes_while_nobody_leads_is_judged_by_the_next_leader_before_any_expiry()
    {
        // raft-bugs 30: 100 ms before the end the leader dies; the renewal waits at a follower until there is another.
        var cluster = new CoreCluster(3);
        var token = Granted(cluster);
        cluster.Run(TtlMicros - 100_000);
        cluster.Kill(cluster.Leader);
        var survivor = cluster.Members.First(m => !m.IsDown);
        var renewed = Renew(cluster, survivor, token);
        var at = cluster.Now;
        Assert.That(renewed.Answer.Outcome, Is.InstanceOf<HoldRenewed>());
        cluster.Until(() => survivor.Core.View.GetObject(Job).Holder is null, "the lease ends");
        Assert.That(cluster.Now - at, Is.InRange(TtlMicros - 100_000, TtlMicros + 1_500_000));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void A_leader_that_was_away_answers_a_read_with_the_newest_value_or_not_at_all(bool stoodStill)
    {
        // raft-bugs 17 and 18.
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var old = cluster.Leader;
        Done(cluster, old, Put("old"));
        cluster.Run(500_000);
        LeaveOut(cluster, old, stoodStill);
        Done(cluster, cluster.Leader, Put("new"));
        Assert.That(old.Core.View.GetKey(A)!.Value.ToArray(), Is.EqualTo("old"u8.ToArray()));

        // The read is the first thing that it sees when it goes on; it may still take itself for the leader, and hears nothing that says otherwise.
        old.Inputs.RemoveAll(input => input is PeerMessageInput);
        var read = old.Read();
        old.IsPaused = false;
        cluster.CutOff(old);
        cluster.Run(200_000);
        Assert.That(read.Answer.View, Is.Null, "nobody confirmed that it leads");
        cluster.Reconnect(old);
        cluster.Run(6_000_000);
        Assert.That(read.Answer.View?.GetKey(A)!.Value.ToArray(), Is.Null.Or.EqualTo("new"u8.ToArray()));
        var again = old.Read();
        cluster.Until(() => again.Answer.View is not null, "the read is answered");
        Assert.That(again.Answer.View!.GetKey(A)!.Value.ToArray(), Is.EqualTo("new"u8.ToArray()));
    }

    private static PutCommand Put(string value) => new(A, System.Text.Encoding.UTF8.GetBytes(value), LeaseId.None, KeyCondition.None);

    /// <summary>Nothing of the old leader's is heard from now on; returns when another leads.</summary>
    private static void LeaveOut(CoreCluster cluster, CoreMember old, bool standsStill)
    {
        old.IsPaused = standsStill;
        if (!standsStill)
        {
            cluster.CutOff(old);
        }
        cluster.Until(() => cluster.Members.Any(m => m != old && m.Core.Role == RaftRole.Leader && m.Core.Status.Ready), "another leads");
    }

    private static FencingToken Granted(CoreCluster cluster)
    {
        cluster.UntilReady();
        var acquire = new AcquireCommand(Job, "owner", TtlMicros, new LeaseId(5), LeaseId.None, 0);
        return ((HoldGranted)Done(cluster, cluster.Leader, acquire).Answer.Outcome!).Hold.Token;
    }

    private static PendingCommand Renew(CoreCluster cluster, CoreMember member, FencingToken token) =>
        Done(cluster, member, new RenewHoldCommand(Job, token));

    private static PendingCommand Done(CoreCluster cluster, CoreMember member, Command command)
    {
        var pending = member.Send(command);
        cluster.Until(() => pending.Stage == PendingStage.Answered, "the command is answered");
        return pending;
    }
}
