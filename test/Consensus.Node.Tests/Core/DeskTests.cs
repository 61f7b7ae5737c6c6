using Consensus.Node.Core;
using Consensus.Node.Core.Desks;
using Consensus.Node.Core.Flow;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Tests.Core;

/// <summary>What waits at a desk, and how it leaves.</summary>
public sealed class DeskTests
{
    private static readonly Key Job = Key.FromText("job");

    private static AcquireCommand Acquire(long lease, long waitMicros = 0) =>
        new(Job, "owner", 60_000_000, new LeaseId(lease), LeaseId.None, waitMicros);

    /// <summary>A voter of three that has not heard of anybody.</summary>
    private static TurnContext WithoutLeader(int maxPending = 20_000)
    {
        var member = CoreCluster.MemberOf(1);
        var options = new NodeCoreOptions
        {
            Cluster = new ClusterId(1),
            Self = member.Id,
            Name = member.Name,
            Boot = 1,
            ClientUrl = "",
            PeerAddress = member.PeerAddress,
            Version = "test",
            Raft = new RaftOptions { Boot = 1 },
            MaxPendingCommands = maxPending,
        };
        var configuration = Configuration.OfVoters(Enumerable.Range(1, 3).Select(CoreCluster.MemberOf));
        var initial = new RaftInitialState(member.Id, new HardState(Term.Zero, MemberId.None), configuration, null, [], LogIndex.Zero);
        return new TurnContext(options, new RaftNode(options.Raft, initial), new AppliedState(new ReplicatedState(Limits.Default), Term.Zero, configuration));
    }

    private static PendingCommand Wait(long sequence) => new(new RequestId(new MemberId(1), 1, sequence), new byte[10], "", CommandLane.Small) { Asked = ObjectName.Lock(Job), WaitMicros = 1 };

    [Test]
    public void Waits_that_are_cancelled_while_there_is_no_leader_leave_the_queue()
    {
        var turn = WithoutLeader();
        var desk = new CommandDesk(turn, long.MaxValue);
        var waits = Enumerable.Range(1, 1_000).Select(i => Wait(i)).ToList();
        waits.ForEach(desk.Accept);
        foreach (var cancelled in waits.Where(wait => wait.Request.Sequence % 100 != 0))
        {
            desk.OnClientGone(cancelled);
        }
        Assert.That((desk.Queued, desk.Pending.Count, turn.Out.Answered.Count), Is.EqualTo((10, 10, 990)));
    }

    [Test]
    public void Queue_keeps_the_order_of_what_stays()
    {
        var queue = new PendingQueue();
        var waits = Enumerable.Range(1, 6).Select(i => Wait(i)).ToList();
        waits.ForEach(queue.Add);
        foreach (var leaves in new[] { 1, 4, 6, 4 })
        {
            queue.Remove(waits[leaves - 1]);
        }
        queue.Add(waits[3]);
        var left = new List<long>();
        for (; queue.First is { } first; queue.Remove(first))
        {
            left.Add(first.Request.Sequence);
        }
        Assert.That(left, Is.EqualTo(new long[] { 2, 3, 5, 4 }));
        Assert.That(queue.Count, Is.Zero);
    }

    [Test]
    public void What_was_not_told_leaves_the_oldest_first_or_by_its_request_and_is_counted_while_it_is_there()
    {
        var bytes = new ByteBudget(10_000);
        var untold = new UntoldGrants(bytes);
        UntoldGrant Of(long sequence, string name, long due) =>
            new([ObjectName.Lock(Key.FromText(name))], new RequestId(new MemberId(1), 1, sequence), null, due);

        untold.Add(Of(1, "a", due: 10));
        untold.Add(Of(2, "b", due: 20));
        untold.Add(Of(3, "c", due: 30));
        untold.Add(Of(1, "d", due: 40));
        var both = Of(1, "a", due: 40) with { Names = [ObjectName.Lock(Key.FromText("a")), ObjectName.Lock(Key.FromText("d"))] };
        Assert.That(bytes.Held, Is.EqualTo((2 * Of(2, "b", due: 20).Bytes) + both.Bytes));
        Assert.That(untold.TryTakeDue(19, out _), Is.False);
        Assert.That(untold.TryTakeDue(20, out var taken), Is.True);
        Assert.That(taken.Request.Sequence, Is.EqualTo(2));
        Assert.That(untold.TryTake(taken.Request, out _), Is.False);
        Assert.That(untold.TryTake(Of(3, "c", due: 30).Request, out _), Is.True);
        Assert.That(untold.TryTakeOldest(out taken), Is.True);
        Assert.That(taken.Names.Select(name => name.Name.ToString()), Is.EqualTo(new[] { "a", "d" }), "all that one request was granted");
        Assert.That((untold.TryTakeOldest(out _), bytes.Held), Is.EqualTo((false, 0L)));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Read_that_is_given_up_is_answered_and_makes_room_for_another(bool needsReadIndex)
    {
        var desk = new ReadDesk(WithoutLeader(maxPending: 1), 0);
        var (abandoned, refused, next) = (Ask(needsReadIndex), Ask(needsReadIndex), Ask(needsReadIndex));
        desk.Accept(abandoned);
        desk.Accept(refused);
        desk.OnReaderGone(abandoned);
        desk.Accept(next);
        Assert.That((abandoned.Stage, abandoned.Answer.Reason), Is.EqualTo((PendingStage.Answered, NotDoneReason.Cancelled)));
        Assert.That(refused.Answer.Reason, Is.EqualTo(NotDoneReason.TooManyRequests));
        Assert.That(next.Stage, Is.EqualTo(PendingStage.Queued));
        desk.AfterApply();
        desk.AnswerAll();
        Assert.That(next.Answer.Reason, Is.EqualTo(NotDoneReason.NotReady), "and no read is answered twice");
    }

    [Test]
    public void The_members_own_read_is_let_in_however_many_others_wait()
    {
        var desk = new ReadDesk(WithoutLeader(maxPending: 1), 0);
        desk.Accept(Ask(needsReadIndex: true));
        var own = new PendingRead(Revision.Zero) { IsInternal = true };
        desk.Accept(own);
        Assert.That(own.Stage, Is.EqualTo(PendingStage.Queued));
    }

    [Test]
    public void Of_who_is_heard_and_is_no_member_nothing_is_kept()
    {
        var turn = WithoutLeader();
        var house = new HouseKeeping(turn, new CommandDesk(turn, long.MaxValue));
        var (member, stranger) = (new MemberId(2), new MemberId(99));
        house.Heard(member);
        house.Heard(stranger);
        Assert.That(new[] { member, stranger }.Select(one => turn.Links.IsSilent(one, 1, turn.Now + 1)), Is.EqualTo(new[] { true, false }));
    }

    private static PendingRead Ask(bool needsReadIndex) => new(new Revision(1_000)) { NeedsReadIndex = needsReadIndex };

    [Test]
    public void Read_whose_link_to_the_leader_closes_is_asked_again_over_the_next()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var (leader, follower) = (cluster.Leader, cluster.Followers.First());
        var isLost = true;
        cluster.OnTheWay = (_, _, message) => isLost && message is RaftPeerMessage { Message: ReadIndexRequest } ? null : message;
        var read = follower.Read();
        cluster.Run(20_000);
        isLost = false;
        cluster.Run(100_000);
        Assert.That(read.Stage, Is.Not.EqualTo(PendingStage.Answered), "its question was lost");
        follower.Inputs.Add(new LinkDownInput(leader.Id));
        follower.Inputs.Add(new LinkUpInput(leader.Id, leader.Boot));
        cluster.Run(50_000);
        Assert.That(read.Answer.Kind, Is.EqualTo(AnswerKind.Done));
        Assert.That(read.Answer.View, Is.Not.Null);
    }

    [Test]
    public void Read_waits_for_a_link_to_the_leader_and_no_longer()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var (leader, follower) = (cluster.Leader, cluster.Followers.First());
        var asked = 0;
        cluster.OnTheWay = (from, _, message) =>
        {
            asked += from == follower && message is RaftPeerMessage { Message: ReadIndexRequest } ? 1 : 0;
            return message;
        };
        follower.Inputs.Add(new LinkDownInput(leader.Id));
        var read = follower.Read();
        cluster.Run(100_000);
        Assert.That((asked, read.Stage), Is.EqualTo((0, PendingStage.Queued)), "nothing is sent over a link that is down");
        follower.Inputs.Add(new LinkUpInput(leader.Id, leader.Boot));
        cluster.Run(50_000);
        Assert.That((asked, read.Answer.View is not null), Is.EqualTo((1, true)));
    }

    [Test]
    public void Detaching_a_lost_member_is_tried_again_when_it_was_refused_because_too_much_waited()
    {
        var cluster = new CoreCluster(3, with: options => options with { Raft = options.Raft with { MaxUncommittedBytes = 4_000 } });
        cluster.UntilReady();
        var (leader, lost) = (cluster.Leader, cluster.Followers.First());
        var holder = leader.Send(Acquire(5));
        cluster.Until(() => holder.Stage == PendingStage.Answered, "the lock is granted");
        lost.Send(Acquire(6, waitMicros: 60_000_000));
        cluster.Until(() => leader.Core.Status.Counts.Waiters == 1, "it waits");
        cluster.Kill(lost);
        cluster.Run(1_000_000);
        var isHeld = true;
        cluster.OnTheWay = (_, _, message) => isHeld && message is RaftPeerMessage { Message: AppendResponse } ? null : message;
        var releases = Enumerable.Range(0, 100).Select(_ => leader.Send(new ReleaseHoldCommand(Job, new FencingToken(1), Force: false))).ToList();
        cluster.Run(1_500_000);
        Assert.That(releases.Any(one => one.Stage == PendingStage.Answered && one.Answer.Reason == NotDoneReason.TooManyRequests), "the leader takes nothing any more");
        Assert.That(leader.Core.Status.Counts.Waiters, Is.EqualTo(1));
        isHeld = false;
        cluster.Until(() => cluster.Leader.Core.Status.Counts.Waiters == 0, "the lost member's waiter is gone");
        Assert.That(cluster.Leader, Is.EqualTo(leader));
    }
}
