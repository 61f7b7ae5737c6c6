using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.Node.Tests.Core.Flow;

/// <summary>What passes what in the lanes, and what may not; and that no gate stays shut, or keeps the loop awake, for nothing.</summary>
public sealed class LaneTests
{
    private const int Large = 1_500_000;
    private static readonly Key Job = Key.FromText("job");

    [Test]
    public void Stop_does_not_pass_the_acquires_that_it_ends([Values] bool withIdentity)
    {
        var (cluster, leader, follower) = WithHeldLock();
        var release = HoldUpCommits(cluster, leader);
        var acquire = follower.Send(Acquire(2, waitMicros: 600_000_000), withIdentity);
        cluster.Run(20_000);
        Assert.That(acquire.Stage, Is.EqualTo(PendingStage.Sent), "it waits at the leader");
        var stop = new PendingStop();
        follower.Inputs.Add(new StopInput(stop));
        cluster.Run(20_000);
        release();
        cluster.Run(2_000_000);
        Assert.That((stop.Stage, acquire.Stage), Is.EqualTo((PendingStage.Answered, PendingStage.Answered)), "nothing keeps the stop from ending");
        Assert.That(acquire.Answer.Outcome, withIdentity ? Is.InstanceOf<WaitDetached>() : Is.InstanceOf<WaitCancelled>());
    }

    [Test]
    public void Stop_sends_no_acquire_that_may_wait_any_more([Values] bool comesLater)
    {
        var (cluster, leader, _) = WithHeldLock();
        var release = HoldUpCommits(cluster, leader);
        var acquire = comesLater ? null : leader.Send(Acquire(2, waitMicros: 600_000_000));
        cluster.Run(20_000);
        var stop = new PendingStop();
        leader.Inputs.Add(new StopInput(stop));
        cluster.Run(20_000);
        acquire ??= leader.Send(Acquire(2, waitMicros: 600_000_000));
        cluster.Run(20_000);
        release();
        cluster.Run(3_000_000);
        Assert.That((acquire.Answer.Kind, acquire.Answer.Reason), Is.EqualTo((AnswerKind.NotDone, NotDoneReason.NotReady)));
        Assert.That(stop.Stage, Is.EqualTo(PendingStage.Answered));
        Assert.That(cluster.Leader.Core.Status.Counts.Waiters, Is.Zero);
    }

    [Test]
    public void Lost_members_acquires_that_wait_at_the_leader_do_not_come_after_its_waiters_were_detached()
    {
        var (cluster, leader, follower) = WithHeldLock();
        var release = HoldUpCommits(cluster, leader);
        follower.Send(Acquire(2, waitMicros: 600_000_000));
        cluster.Run(20_000);
        cluster.CutOff(follower);
        cluster.Run(2_500_000);
        release();
        cluster.Run(1_000_000);
        Assert.That(Logged(leader).Any(command => command is DetachWaitersCommand), Is.True);
        Assert.That(leader.Core.Status.Counts.Waiters, Is.Zero);
    }

    [Test]
    public void Acquires_of_the_process_before_do_not_come_after_the_next_has_announced_itself()
    {
        var (cluster, leader, follower) = WithHeldLock();
        var release = HoldUpCommits(cluster, leader);
        follower.Send(Acquire(2, waitMicros: 600_000_000));
        cluster.Run(20_000);
        cluster.Kill(follower);
        cluster.Run(20_000);
        cluster.Restart(follower, othersNotice: true);
        cluster.Run(200_000);
        release();
        cluster.Run(1_000_000);
        Assert.That(leader.Core.Status.Counts.Waiters, Is.Zero);
    }

    [Test]
    public void Command_now_and_then_does_not_make_the_window_smaller()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var leader = cluster.Leader;
        for (var i = 0; i < 10; i++)
        {
            var put = leader.Send(Put("small", 10));
            cluster.Run(500_000);
            Assert.That(IsAnswered(put), Is.True);
        }
        Assert.That(leader.Core.ProposalWindowBytes, Is.GreaterThanOrEqualTo(4 << 20));
    }

    [Test]
    public void What_was_lost_with_a_link_holds_up_nothing_that_goes_over_the_next()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var (leader, follower) = (cluster.Leader, cluster.Followers.First());
        var isLost = true;
        cluster.OnTheWay = (_, _, message) => isLost && message is ForwardCommands ? null : message;
        Enumerable.Range(0, 700).ToList().ForEach(i => follower.Send(Put($"lost-{i % 3}", 7_000)));
        cluster.Run(20_000);
        isLost = false;
        follower.Inputs.Add(new LinkDownInput(leader.Id));
        follower.Inputs.Add(new LinkUpInput(leader.Id, leader.Boot));
        var small = follower.Send(Put("small", 10));
        cluster.Run(200_000);
        Assert.That(IsAnswered(small), Is.True);
    }

    [Test]
    public void Refused_commands_rest_though_there_is_room_again()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var (leader, follower) = (cluster.Leader, cluster.Followers.First());
        Enumerable.Range(0, 10).ToList().ForEach(i => follower.Send(Put($"large-{i}", Large)));
        var sent = follower.Turn(cluster.Now + 1).Select(frame => frame.Message).OfType<ForwardCommands>().ToList();
        Assert.That(sent, Is.Not.Empty);
        foreach (var forward in sent)
        {
            var sequences = forward.Commands.Select(command => command.Sequence).ToList();
            follower.Inputs.Add(new PeerMessageInput(leader.Id, new ForwardRefused(forward.Term, forward.Boot, ForwardRefusal.Transferring, sequences)));
        }
        follower.Turn(cluster.Now + 2);
        Assert.That(follower.Core.NextWakeMicros, Is.GreaterThanOrEqualTo(cluster.Now + 1_000), "the loop does not turn over and over meanwhile");
    }

    [Test]
    public void Commands_that_their_link_did_not_take_are_tried_again_soon()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        cluster.Run(1_000_000);
        var follower = cluster.Followers.First();
        follower.Send(Put("small", 10));
        foreach (var forward in follower.Turn(cluster.Now + 1).Select(frame => frame.Message).OfType<ForwardCommands>().ToList())
        {
            follower.Core.NotSent(forward);
        }
        Assert.That(follower.Core.NextWakeMicros, Is.LessThanOrEqualTo(cluster.Now + 1 + 20_000));
    }

    [Test]
    public async Task Any_thread_may_ask_what_is_held_while_the_log_is_cut()
    {
        var cluster = new CoreCluster(1, with: options => options with { SnapshotEntries = 20, Raft = options.Raft with { TrailingEntries = 50_000 } });
        cluster.UntilReady();
        var member = cluster.Members[0];
        for (var batch = 0; batch < 30; batch++)
        {
            Enumerable.Range(0, 2_000).ToList().ForEach(_ => member.Send(Put("small", 10)));
            cluster.Run(20_000);
        }
        using var isOver = new CancellationTokenSource();
        var asks = Task.Factory.StartNew(
            () =>
            {
                while (!isOver.IsCancellationRequested)
                {
                    _ = member.Core.Held;
                }
            },
            TaskCreationOptions.LongRunning);
        for (var batch = 0; batch < 300; batch++)
        {
            Enumerable.Range(0, 30).ToList().ForEach(_ => member.Send(Put("small", 10)));
            cluster.Run(20_000);
        }
        await isOver.CancelAsync();
        await asks;
        Assert.That(member.Core.Status.FirstIndex.Value, Is.GreaterThan(1), "it was cut");
    }

    private static (CoreCluster Cluster, CoreMember Leader, CoreMember Follower) WithHeldLock()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var leader = cluster.Leader;
        var holder = leader.Send(Acquire(1));
        cluster.Until(() => IsAnswered(holder), "the lock is held");
        cluster.Run(200_000);
        return (cluster, leader, cluster.Followers.First());
    }

    /// <summary>Nothing is committed, and the window is full of small commands, of which more wait, until what is returned is called.</summary>
    private static Action HoldUpCommits(CoreCluster cluster, CoreMember leader)
    {
        var isHeldUp = true;
        cluster.OnTheWay = (_, to, message) => isHeldUp && to == leader && message is RaftPeerMessage { Message: Raft.AppendResponse } ? null : message;
        Enumerable.Range(0, 700).ToList().ForEach(i => leader.Send(Put($"small-{i % 3}", 7_000)));
        cluster.Run(20_000);
        return () => isHeldUp = false;
    }

    private static bool IsAnswered(PendingCommand pending) => pending.Stage == PendingStage.Answered;

    private static PutCommand Put(string key, int bytes) => new(Key.FromText(key), new byte[bytes], LeaseId.None, KeyCondition.None);

    private static List<Command> Logged(CoreMember member) =>
    [
        .. member.Persisted.SelectMany(request => request.Entries)
            .Where(entry => entry.Kind == EntryKind.Command)
            .Select(entry => CommandCodec.Read(entry.Payload).Command),
    ];

    private static AcquireCommand Acquire(int lease, long waitMicros = 0) =>
        new(Job, $"owner-{lease}", 60_000_000, new LeaseId(lease), LeaseId.None, waitMicros);
}
