using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Node.Tests.Core;

/// <summary>Reads that wait a moment for company, and those that do not.</summary>
public sealed class GatheringTests
{
    private const long GatherMicros = 1_000;

    private static CoreCluster Ready(int size = 3)
    {
        var cluster = new CoreCluster(size);
        cluster.UntilReady();
        return cluster;
    }

    private static List<ReadIndexRequest> Questions(IEnumerable<(MemberId To, PeerMessage Message)> sent) =>
        [.. sent.Select(frame => (frame.Message as RaftPeerMessage)?.Message).OfType<ReadIndexRequest>()];

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
}
