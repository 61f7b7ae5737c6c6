using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Node.Tests.Core;

/// <summary>What a member promises about answers, time and its end, in virtual time.</summary>
public sealed class NodeCoreTests
{
    private static readonly Key Job = Key.FromText("job");

    private static PutCommand Put(string key) => new(Key.FromText(key), new byte[] { 1 }, LeaseId.None, KeyCondition.None);

    private static AcquireCommand Acquire(long lease, long ttlMicros = 60_000_000, long waitMicros = 0) =>
        new(Job, "owner", ttlMicros, new LeaseId(lease), LeaseId.None, waitMicros);

    private static bool IsAnswered(PendingCommand pending) => pending.Stage == PendingStage.Answered;

    [Test]
    public void A_follower_answers_a_forwarded_write_and_reads_it_back()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        var put = follower.Send(Put("a"));
        cluster.Until(() => IsAnswered(put), "the write is answered");
        Assert.That(put.Answer.Outcome, Is.InstanceOf<PutDone>());
        var read = cluster.Followers.Last().Read();
        cluster.Until(() => read.Answer.View is not null, "the read is answered");
        Assert.That(read.Answer.View!.GetKey(Key.FromText("a")), Is.Not.Null);
    }

    [Test]
    public void A_write_whose_leader_was_killed_is_answered_by_the_next_leader_with_one_effect()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        var old = cluster.Leader;
        cluster.CutOff(old);
        var put = follower.Send(Put("a"));
        cluster.Run(20_000);
        Assert.That(IsAnswered(put), Is.False);
        cluster.Kill(old);
        cluster.Until(() => IsAnswered(put), "the write is answered");
        Assert.That(put.Answer.Kind, Is.EqualTo(AnswerKind.Done));
        Assert.That(((PutDone)put.Answer.Outcome!).Version, Is.EqualTo(1));
    }

    [Test]
    public void Without_a_leader_nothing_was_done_and_the_answer_says_so()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        cluster.CutOff(follower);
        cluster.Run(3_000_000);
        var put = follower.Send(Put("a"));
        cluster.Until(() => IsAnswered(put), "the write is answered");
        Assert.That((put.Answer.Kind, put.Answer.Reason), Is.EqualTo((AnswerKind.NotDone, NotDoneReason.NoLeader)));
        cluster.Reconnect(follower);
        cluster.Run(3_000_000);
        Assert.That(cluster.Leader.Core.View.GetKey(Key.FromText("a")), Is.Null, "a definite no never becomes visible later");
    }

    [Test]
    public void Without_a_leader_large_writes_are_held_up_to_a_bound_in_bytes_and_small_ones_beside_them()
    {
        const int Size = 1 << 20, Sent = 70;
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        cluster.CutOff(follower);
        cluster.Run(3_000_000);
        var large = new PutCommand(Job, new byte[Size], LeaseId.None, KeyCondition.None);
        var puts = Enumerable.Range(0, Sent).Select(_ => follower.Send(large)).ToList();
        var small = follower.Send(Put("a"));
        follower.Turn(cluster.Now + 1);
        Assert.That(puts.Count(IsAnswered), Is.EqualTo(Sent - 57), "nine tenths of 64 MiB hold 57 of them with what is around each value");
        Assert.That(puts.Where(IsAnswered).Select(put => put.Answer.Reason), Is.All.EqualTo(NotDoneReason.TooManyRequests));
        Assert.That(IsAnswered(small), Is.False);
        cluster.Until(() => puts.All(IsAnswered) && IsAnswered(small), "the others are answered at their deadline");
        Assert.That(small.Answer.Reason, Is.EqualTo(NotDoneReason.NoLeader));
        var later = follower.Send(large);
        follower.Turn(cluster.Now + 1);
        Assert.That(IsAnswered(later), Is.False, "what was held is given back");
    }

    [Test]
    public void A_write_on_its_way_to_a_silent_leader_is_answered_as_unknown()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        var put = follower.Send(Put("a"));
        follower.Turn(cluster.Now + 1);
        cluster.CutOff(follower);
        cluster.Until(() => IsAnswered(put), "the write is answered");
        Assert.That(put.Answer.Kind, Is.EqualTo(AnswerKind.Unknown));
    }

    [Test]
    public void A_pause_of_the_whole_cluster_is_no_lease_time()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var granted = cluster.Leader.Send(Acquire(5, ttlMicros: 4_000_000));
        cluster.Until(() => IsAnswered(granted), "the lock is granted");
        cluster.StandStill(60_000_000);
        cluster.Run(2_000_000);
        Assert.That(cluster.Members[0].Core.View.GetObject(Job).Holder, Is.Not.Null, "sixty seconds of standstill did not end a lease of four");
        cluster.Until(() => cluster.Members[0].Core.View.GetObject(Job).Holder is null, "it ends in its own time");
        Assert.That(cluster.Members[0].Core.View.GetObject(Job).LastLoss!.Reason, Is.EqualTo(LossReason.Expired));
    }

    [Test]
    public void A_failover_neither_shortens_nor_resets_a_lease()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var granted = cluster.Leader.Send(Acquire(5, ttlMicros: 4_000_000));
        cluster.Until(() => IsAnswered(granted), "the lock is granted");
        var start = cluster.Now;
        cluster.Run(2_000_000);
        cluster.Kill(cluster.Leader);
        var survivor = cluster.Members.First(m => !m.IsDown);
        cluster.Until(() => survivor.Core.View.GetObject(Job).Holder is null, "the lease ends");
        Assert.That(cluster.Now - start, Is.InRange(4_000_000, 5_500_000));
    }

    [Test]
    public void A_member_that_is_lost_loses_the_places_of_its_waiters()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var holder = cluster.Leader.Send(Acquire(5));
        cluster.Until(() => IsAnswered(holder), "the lock is granted");
        var lost = cluster.Followers.First();
        lost.Send(Acquire(6, waitMicros: 60_000_000));
        var kept = cluster.Followers.Last();
        var second = kept.Send(Acquire(7, waitMicros: 60_000_000));
        cluster.Until(() => cluster.Leader.Core.Status.Counts.Waiters == 2, "both wait");
        cluster.Kill(lost);
        cluster.Until(() => cluster.Leader.Core.Status.Counts.Waiters == 1, "the lost member's waiter is gone");
        var token = ((HoldGranted)holder.Answer.Outcome!).Hold.Token;
        cluster.Leader.Send(new ReleaseHoldCommand(Job, token, Force: false));
        cluster.Until(() => IsAnswered(second), "the other waiter is granted the lock");
        Assert.That(second.Answer.Outcome, Is.InstanceOf<HoldGranted>());
    }

    [Test]
    public void A_member_whose_waiter_is_granted_learns_it_before_the_next_heartbeat()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var holder = cluster.Leader.Send(Acquire(5));
        cluster.Until(() => IsAnswered(holder), "the lock is granted");
        var waiter = cluster.Followers.First().Send(Acquire(6, waitMicros: 60_000_000));
        cluster.Until(() => waiter.Stage == PendingStage.Waiting, "the request waits");
        cluster.Run(500_000);
        cluster.Leader.Send(new ReleaseHoldCommand(Job, ((HoldGranted)holder.Answer.Outcome!).Hold.Token, Force: false));
        cluster.Run(30_000);
        Assert.That(IsAnswered(waiter), Is.True, "six turns are enough; a heartbeat comes every twenty");
    }

    [TestCase(20, 10)]
    [TestCase(10, 20)]
    [TestCase(10, 10)]
    public void Two_snapshots_that_arrive_in_one_turn_leave_the_newer_one(long first, long second)
    {
        var cluster = new CoreCluster(3);
        var member = cluster.Members[0];
        member.Inputs.Add(Snapshots.Arrival(member.Id, cluster.Members[1].Id, first));
        member.Inputs.Add(Snapshots.Arrival(member.Id, cluster.Members[1].Id, second));
        member.Turn(cluster.Now + 1);
        Assert.That(member.Core.AppliedIndex.Value, Is.EqualTo(Math.Max(first, second)));
        Assert.That(member.Persisted.Select(p => p.InstalledSnapshot?.LastIndex.Value), Is.EqualTo(new[] { Math.Max(first, second) }));
    }

    [Test]
    public void The_snapshot_before_is_needed_until_the_log_names_the_installed_one()
    {
        // raft-bugs 12: an earlier write, of the leader's term, is still on its way when the snapshot arrives.
        var cluster = new CoreCluster(3);
        var (member, leader) = (cluster.Members[0], cluster.Members[1].Id);
        member.Inputs.Add(new PeerMessageInput(leader, new RaftPeerMessage(
            new HeartbeatRequest(leader, member.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0))));
        member.Turn(cluster.Now + 1);
        var earlier = Flushed(member);
        member.Inputs.Add(Snapshots.Arrival(member.Id, leader, 10));
        member.Turn(cluster.Now + 2);
        Assert.That(member.Compact, Is.Null, "the record is not durable yet");
        var flushed = Flushed(member);
        member.Inputs.Add(earlier);
        member.Turn(cluster.Now + 3);
        Assert.That(member.Compact, Is.Null, "only what was written before it is");
        member.Inputs.Add(flushed);
        member.Turn(cluster.Now + 4);
        Assert.That(member.Compact?.LastIndex.Value, Is.EqualTo(10));
    }

    /// <summary>Takes out of the inbox that its last write is durable.</summary>
    private static PersistedInput Flushed(CoreMember member)
    {
        var flushed = member.Inputs.OfType<PersistedInput>().Single();
        member.Inputs.Remove(flushed);
        return flushed;
    }

    [Test]
    public void A_client_that_left_after_the_grant_gives_the_lock_back()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        var pending = follower.Send(Acquire(5, waitMicros: 60_000_000));
        cluster.Run(5_000);
        Assert.That(pending.Stage, Is.EqualTo(PendingStage.Sent));
        follower.Inputs.Add(new CommandCancelledInput(pending));
        cluster.Until(() => IsAnswered(pending), "the request is settled");
        cluster.Run(1_000_000);
        Assert.That(cluster.Leader.Core.View.GetObject(Job).Holder, Is.Null);
        Assert.That(cluster.Leader.Core.Revision(), Is.EqualTo(3), "granted once, given back once");
    }

    [Test]
    public void A_client_that_left_after_a_multi_lock_gives_all_of_it_back_by_one_entry()
    {
        const int Locks = 128;
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        var before = cluster.Leader.Core.Status.LastIndex;
        var several = Enumerable.Range(0, Locks).Select(i => Key.FromText($"job{i}"));
        var pending = follower.Send(new AcquireManyCommand([.. several], "o", 60_000_000, new LeaseId(5), LeaseId.None));
        cluster.Run(5_000);
        Assert.That(pending.Stage, Is.EqualTo(PendingStage.Sent));
        follower.Inputs.Add(new CommandCancelledInput(pending));
        cluster.Until(() => IsAnswered(pending), "the request is settled");
        cluster.Run(1_000_000);
        Assert.That(cluster.Leader.Core.View.Counts.HoldsInUse, Is.Zero);
        Assert.That(cluster.Leader.Core.Revision(), Is.EqualTo(1 + (2 * Locks)), "so many grants, so many releases");
        Assert.That(cluster.Leader.Core.Status.LastIndex - before, Is.LessThan(10), "thousands of such clients may leave at once");
    }

    [TestCase(false)]
    [TestCase(true)]
    public void A_multi_lock_under_a_key_whose_client_left_goes_back_whole_even_where_its_first_lock_is_gone_by_then(bool waits)
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        if (waits)
        {
            var held = follower.Send(Acquire(5));
            cluster.Until(() => IsAnswered(held), "another has the first");
        }
        var lease = follower.Send(new GrantLeaseCommand(new LeaseId(8), 600_000_000));
        cluster.Until(() => IsAnswered(lease), "the lease is granted");
        var several = new AcquireManyCommand([Job, Key.FromText("b"), Key.FromText("c")], "o", 0, LeaseId.None, new LeaseId(8));
        var pending = follower.Send(several with { WaitMicros = waits ? 60_000_000 : 0 }, withIdentity: true);
        cluster.Run(3_000);
        if (waits)
        {
            // It stands in line for a moment, and is granted before its place can be detached.
            cluster.Leader.Send(new ReleaseHoldCommand(Job, FencingToken.None, Force: true));
        }
        cluster.Run(2_000);
        Assert.That(pending.Stage, Is.EqualTo(PendingStage.Sent));
        follower.Inputs.Add(new CommandCancelledInput(pending));
        cluster.Until(() => cluster.Leader.Core.View.Counts.HoldsInUse == 3, "it is granted all the same");
        follower.Send(new ReleaseHoldCommand(Job, FencingToken.None, Force: true));

        cluster.Until(() => cluster.Leader.Core.View.Counts.HoldsInUse == 0, "nobody has asked for it again");
    }

    [Test]
    public void A_multi_lock_waits_for_longer_than_other_requests_and_a_client_that_left_has_no_place_any_more()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var follower = cluster.Followers.First();
        var held = follower.Send(Acquire(5));
        cluster.Until(() => IsAnswered(held), "the lock is granted");
        var several = new AcquireManyCommand([Key.FromText("other"), Job], "o", 60_000_000, new LeaseId(6), LeaseId.None);
        var pending = follower.Send(several with { WaitMicros = 60_000_000 });
        cluster.Until(() => pending.Stage == PendingStage.Waiting, "it is in line");
        cluster.Run(10_000_000);
        Assert.That((pending.Stage, cluster.Leader.Core.View.Counts.Waiters), Is.EqualTo((PendingStage.Waiting, 2)));
        follower.Inputs.Add(new CommandCancelledInput(pending));
        cluster.Until(() => cluster.Leader.Core.View.Counts.Waiters == 0, "it has no place");
    }

    [Test]
    public void A_clean_stop_detaches_waiters_with_an_identity_and_cancels_the_others()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var leader = cluster.Leader;
        var holder = leader.Send(Acquire(5));
        cluster.Until(() => IsAnswered(holder), "the lock is granted");
        var with = leader.Send(Acquire(6, waitMicros: 60_000_000), withIdentity: true);
        var without = leader.Send(Acquire(7, waitMicros: 60_000_000));
        cluster.Until(() => leader.Core.Status.Counts.Waiters == 2, "both wait");
        var stop = new PendingStop();
        leader.Inputs.Add(new StopInput(stop));
        cluster.Until(() => stop.Stage == PendingStage.Answered, "the stop is done");
        Assert.That(with.Answer.Outcome, Is.InstanceOf<WaitDetached>());
        Assert.That(without.Answer.Outcome, Is.InstanceOf<WaitCancelled>());
        Assert.That(leader.Core.Role, Is.Not.EqualTo(RaftRole.Leader), "leadership was handed over first");
        Assert.That(leader.Core.Status.Ready, Is.False);
    }

    [Test]
    public void An_idle_leader_logs_time_while_leases_live_and_only_then()
    {
        var cluster = new CoreCluster(1);
        cluster.UntilReady();
        cluster.Run(3_000_000);
        var before = cluster.Members[0].Core.Status.LastIndex;
        cluster.Run(3_000_000);
        Assert.That(cluster.Members[0].Core.Status.LastIndex, Is.EqualTo(before));
        cluster.Leader.Send(new GrantLeaseCommand(new LeaseId(9), 60_000_000));
        cluster.Run(5_000_000);
        Assert.That(cluster.Members[0].Core.Status.LastIndex - before, Is.InRange(4, 7));
    }
}

internal static class Snapshots
{
    /// <summary>A leader's snapshot of so many no-ops, wholly on disk.</summary>
    public static SnapshotArrivedInput Arrival(MemberId to, MemberId leader, long lastIndex)
    {
        var state = new ReplicatedState(Limits.Default);
        for (var index = state.AppliedIndex.Next; index.Value <= lastIndex; index = index.Next)
        {
            state.Apply(new LoggedEntry(index, ClusterTime.Zero, false, RequestId.None, "", default), new ApplyOutput());
        }
        var configuration = Configuration.OfVoters(
            [new Member(to, "n1", "n1:7380"), new Member(leader, "n2", "n2:7380"), new Member(new MemberId(leader.Value + to.Value), "n3", "n3:7380")]);
        var mark = new SnapshotMark(new LogIndex(lastIndex), new Term(1), ClusterTime.Zero, configuration);
        return new SnapshotArrivedInput(
            new InstallSnapshotRequest(leader, to, new Term(1), mark, ClusterTime.Zero), new SnapshotFile(mark, 1), state);
    }
}

internal static class CoreReading
{
    public static long Revision(this NodeCore core) => core.Status.Revision.Value;
}
