using Consensus.Node.Core;
using Consensus.Node.Core.Flow;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Node.Tests.Core;

/// <summary>What waits a moment for company, and what does not.</summary>
public sealed class GatheringTests
{
    private const long GatherMicros = 1_000;

    private static readonly Key Job = Key.FromText("job");

    private static AcquireLockCommand Acquire(long lease, long waitMicros = 60_000_000) =>
        new(Job, "owner", 60_000_000, new LeaseId(lease), LeaseId.None, waitMicros);

    private static PutCommand Put => new(Key.FromText("a"), new byte[] { 1 }, LeaseId.None, KeyCondition.None);

    private static CoreCluster Ready(int size = 3)
    {
        var cluster = new CoreCluster(size);
        cluster.UntilReady();
        return cluster;
    }

    private static List<ReadIndexRequest> Questions(IEnumerable<(MemberId To, PeerMessage Message)> sent) =>
        [.. sent.Select(frame => (frame.Message as RaftPeerMessage)?.Message).OfType<ReadIndexRequest>()];

    private static LockGranted HoldTheLock(CoreCluster cluster)
    {
        var holder = cluster.Leader.Send(Acquire(5));
        cluster.Until(() => holder.Stage == PendingStage.Answered, "the lock is granted");
        cluster.Run(500_000);
        return (LockGranted)holder.Answer.Outcome!;
    }

    [Test]
    public void Read_alone_is_asked_for_at_once()
    {
        var cluster = Ready();
        var (leader, follower) = (cluster.Leader, cluster.Followers.First());
        follower.Read();
        Assert.That(Questions(follower.Turn(cluster.Now)), Has.Count.EqualTo(1));
        leader.Read();
        var rounds = leader.Turn(cluster.Now).Select(frame => (frame.Message as RaftPeerMessage)?.Message).OfType<HeartbeatRequest>().Count(beat => beat.ReadRound > 0);
        Assert.That(rounds, Is.EqualTo(2));
    }

    [Test]
    public void Reads_that_come_while_a_round_is_on_its_way_go_together_with_the_next()
    {
        var cluster = Ready();
        var (start, leader, follower) = (cluster.Now, cluster.Leader, cluster.Followers.First());
        var first = follower.Read();
        var asked = Questions(follower.Turn(start)).Single();
        var second = follower.Read();
        Assert.That(Questions(follower.Turn(start + 100)), Is.Empty);
        var third = follower.Read();
        Assert.That(Questions(follower.Turn(start + 200)), Is.Empty);
        follower.Inputs.Add(new PeerMessageInput(
            leader.Id,
            new RaftPeerMessage(new ReadIndexResponse(leader.Id, follower.Id, asked.Term, asked.Context, follower.Core.AppliedIndex, Refused: false) { Boot = follower.Boot })));
        Assert.That(Questions(follower.Turn(start + 300)), Has.Count.EqualTo(1), "the next round starts in the turn in which the one before is back");
        Assert.That(new[] { first, second, third }.Select(read => read.Stage == PendingStage.Answered), Is.EqualTo(new[] { true, false, false }));
        cluster.Until(() => second.Stage == PendingStage.Answered && third.Stage == PendingStage.Answered, "both are answered");
        Assert.That((second.Answer.Kind, third.Answer.Kind), Is.EqualTo((AnswerKind.Done, AnswerKind.Done)));
    }

    [Test]
    public void Next_round_starts_after_a_moment_though_the_one_before_is_not_back()
    {
        var cluster = Ready();
        var (start, follower) = (cluster.Now, cluster.Followers.First());
        follower.Read();
        follower.Turn(start);
        follower.Read();
        follower.Turn(start + 100);
        Assert.That(follower.Core.NextWakeMicros, Is.LessThanOrEqualTo(start + GatherMicros), "the loop wakes for it");
        Assert.That(Questions(follower.Turn(start + GatherMicros)), Has.Count.EqualTo(1));
    }

    [Test]
    public void Lost_answer_holds_up_no_reads_but_its_own_and_those_until_they_are_asked_again()
    {
        var cluster = Ready();
        var follower = cluster.Followers.First();
        var lost = 0;
        cluster.OnTheWay = (_, to, message) =>
            to == follower && message is RaftPeerMessage { Message: ReadIndexResponse } && lost++ == 0 ? null : message;
        var first = follower.Read();
        cluster.Until(() => lost == 1, "the answer is lost");
        var second = follower.Read();
        cluster.Run(50_000);
        Assert.That((first.Stage, second.Answer.Kind, second.Answer.View is not null), Is.EqualTo((PendingStage.Queued, AnswerKind.Done, true)));
        cluster.Run(1_500_000);
        Assert.That(first.Answer.View, Is.Not.Null, "an election time-out later it was asked for again");
    }

    [Test]
    public void Acquires_that_will_only_stand_in_line_wait_a_moment_for_company_at_the_leader()
    {
        var cluster = Ready();
        HoldTheLock(cluster);
        var (start, leader, follower) = (cluster.Now, cluster.Leader, cluster.Followers.First());
        var acquire = leader.Send(Acquire(6));
        leader.Turn(start);
        Assert.That((acquire.Stage, leader.Core.NextWakeMicros), Is.EqualTo((PendingStage.Queued, start + GatherMicros)), "the loop wakes for it");
        leader.Inputs.Add(new PeerMessageInput(follower.Id, Forwarded(follower, Acquire(7), start)));
        var before = leader.Persisted.Count;
        leader.Turn(start + 400);
        Assert.That(leader.Persisted, Has.Count.EqualTo(before));
        leader.Turn(start + GatherMicros);
        Assert.That(leader.Persisted.Skip(before).Single().Entries, Has.Count.EqualTo(2), "the second does not make the first wait longer");
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Acquire_that_waits_for_company_goes_with_the_next_command_whoever_asked_for_it(bool atTheLeader)
    {
        var cluster = Ready();
        HoldTheLock(cluster);
        var (start, leader, follower) = (cluster.Now, cluster.Leader, cluster.Followers.First());
        leader.Inputs.Add(new PeerMessageInput(follower.Id, Forwarded(follower, Acquire(6), start)));
        var before = leader.Persisted.Count;
        leader.Turn(start);
        Assert.That(leader.Persisted, Has.Count.EqualTo(before));
        if (atTheLeader)
        {
            leader.Send(Put);
        }
        else
        {
            var other = cluster.Followers.Last();
            leader.Inputs.Add(new PeerMessageInput(other.Id, Forwarded(other, Put, start)));
        }
        leader.Turn(start + 100);
        Assert.That(leader.Persisted.Skip(before).Single().Entries, Has.Count.EqualTo(2));
    }

    [TestCase(true, 0)]
    [TestCase(false, 60_000_000)]
    [TestCase(false, 0)]
    public void Acquire_that_may_be_answered_at_once_waits_for_nobody(bool isHeld, long waitMicros)
    {
        var cluster = Ready();
        if (isHeld)
        {
            HoldTheLock(cluster);
        }
        var (leader, follower) = (cluster.Leader, cluster.Followers.First());
        var own = leader.Send(Acquire(6, waitMicros));
        leader.Turn(cluster.Now);
        Assert.That(own.Stage, Is.EqualTo(PendingStage.Sent));
        Assert.That(Forwarded(follower, Acquire(7, waitMicros), cluster.Now).Lane, Is.EqualTo(CommandLane.Small));
    }

    [Test]
    public void Acquire_waits_for_company_no_longer_than_the_lock_is_held()
    {
        var cluster = Ready(size: 1);
        var leader = cluster.Leader;
        var token = HoldTheLock(cluster).Hold.Token;
        var now = cluster.Now;
        leader.Send(new ReleaseLockCommand(Job, token, Force: false));
        leader.Turn(now);
        var acquire = leader.Send(Acquire(6));
        leader.Turn(now + 100);
        Assert.That((acquire.Stage, leader.Core.NextWakeMicros), Is.EqualTo((PendingStage.Queued, now + 100)), "the release was applied in this turn");
        leader.Turn(now + 100);
        Assert.That(acquire.Stage, Is.EqualTo(PendingStage.Sent));
    }

    /// <summary>The frame with which a follower forwards a command, at once.</summary>
    private static ForwardCommands Forwarded(CoreMember follower, Command command, long now)
    {
        follower.Send(command);
        return follower.Turn(now).Select(frame => frame.Message).OfType<ForwardCommands>().Single();
    }
}
