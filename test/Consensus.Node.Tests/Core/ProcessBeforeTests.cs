using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Membership;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Tests.Core;

/// <summary>A member's process asked, and ended; its next one is there when the answer comes. Nothing that was meant for the one before is taken by it.</summary>
public sealed class ProcessBeforeTests
{
    private static readonly PutCommand Put = new(Key.FromText("a"), new byte[] { 1 }, LeaseId.None, KeyCondition.None);

    /// <summary>
    /// The leader notes where a read of the follower stands; then a write is committed with the other follower's help, and that one stops. The follower is killed, and its next process
    /// asks for a read of its own. Its heartbeat ends the round of the first question, whose answer is older than the write.
    /// </summary>
    [TestCase(false)]
    [TestCase(true)]
    public void A_read_sees_what_was_acknowledged_before_it_though_an_answer_for_the_process_before_comes_first(bool leaderNotices)
    {
        var cluster = Ready();
        var leader = cluster.Leader;
        var (follower, helper) = (cluster.Followers.First(), cluster.Followers.Last());
        long asked = 0, askedNext = 0, round = 0;
        AppendResponse? acknowledged = null;
        ReadIndexResponse? late = null;
        cluster.OnTheWay = (from, to, message) =>
        {
            switch (message)
            {
                case RaftPeerMessage { Message: HeartbeatRequest heartbeat } when from == leader:
                    round = heartbeat.ReadRound;
                    return null;
                case RaftPeerMessage { Message: AppendRequest } when from == leader && to == follower:
                    return null;
                case RaftPeerMessage { Message: AppendResponse response } when from == helper:
                    acknowledged = response;
                    return null;
                case RaftPeerMessage { Message: ReadIndexRequest request }:
                    asked = request.Context;
                    return message;
                default:
                    return message;
            }
        };
        var put = leader.Send(Put);
        cluster.Until(() => acknowledged is { Success: true }, "the helper holds the write");
        var roundBefore = round;
        follower.Read();
        cluster.Until(() => round > roundBefore, "the round of the read begins before the write is committed");
        Tell(leader, helper, new RaftPeerMessage(acknowledged!));
        cluster.Until(() => put.Stage == PendingStage.Answered, "the write is acknowledged");
        Assert.That(put.Answer.Kind, Is.EqualTo(AnswerKind.Done));
        cluster.Kill(helper);
        var next = cluster.Restart(follower, leaderNotices);
        cluster.OnTheWay = (from, to, message) =>
        {
            switch (message)
            {
                case RaftPeerMessage { Message: AppendRequest } when from == leader:
                    return null;
                case RaftPeerMessage { Message: ReadIndexRequest request } when from == next:
                    askedNext = request.Context;
                    return null;
                case RaftPeerMessage { Message: ReadIndexResponse response } when to == next:
                    late = response;
                    return null;
                default:
                    return message;
            }
        };
        var read = next.Read();
        cluster.Until(() => askedNext != 0 && (late is not null || leaderNotices), "it asks, and the first question is answered");
        cluster.Run(50_000);
        Assert.That(askedNext, Is.Not.EqualTo(asked), "contexts of two processes begin at different places");
        if (leaderNotices)
        {
            Assert.That(late, Is.Null, "the leader has heard of the next process");

            // Sent before it had.
            late = new ReadIndexResponse(leader.Id, next.Id, leader.Core.Term, asked, LogIndex.Zero, Refused: false) { Boot = follower.Boot };
        }

        // As if both had counted from 1: the boot alone keeps them apart.
        next.Inputs.Add(new PeerMessageInput(leader.Id, new RaftPeerMessage(late! with { Context = askedNext })));
        cluster.Run(50_000);
        Assert.That(read.Answer.View, Is.Null, "nobody answered this one");
        cluster.OnTheWay = (_, _, message) => message;
        cluster.Until(() => read.Answer.View is not null, "its own question is answered");
        Assert.That(read.Answer.View!.GetKey(Put.Key), Is.Not.Null);
    }

    [TestCase(ForwardRefusal.NotLeader)]
    [TestCase(ForwardRefusal.Transferring)]
    [TestCase(ForwardRefusal.Full)]
    public void A_refusal_for_the_process_before_leaves_a_command_of_the_same_number_as_it_is(ForwardRefusal reason)
    {
        var cluster = Ready();
        var (leader, follower) = (cluster.Leader, cluster.Restart(cluster.Followers.First(), othersNotice: true));
        cluster.Until(() => follower.Core.Status.Ready, "its next process is ready");
        var sent = new List<ForwardCommands>();
        cluster.OnTheWay = (from, _, message) =>
        {
            if (from == follower && message is ForwardCommands forward)
            {
                sent.Add(forward);
                return null;
            }
            return message;
        };
        var put = follower.Send(Put);
        cluster.Until(() => sent.Count > 0, "the command leaves");
        Assert.That((sent[0].Boot, sent[0].Commands[0].Sequence), Is.EqualTo((follower.Boot, put.Request.Sequence)));
        Tell(follower, leader, new ForwardRefused(sent[0].Term, follower.Boot - 1_000, reason, [put.Request.Sequence]));
        cluster.Run(200_000);
        Assert.That((put.Stage, cluster.Leader), Is.EqualTo((PendingStage.Sent, leader)), "it may be in the log by now: neither refused nor sent a second time");
        Assert.That(sent, Has.Count.EqualTo(1));
        Tell(follower, leader, new ForwardRefused(sent[0].Term, follower.Boot, reason, [put.Request.Sequence]));
        cluster.Until(() => put.Stage == PendingStage.Answered || sent.Count > 1, "its own refusal is one");
        Assert.That(put.Answer.Reason, Is.EqualTo(reason == ForwardRefusal.Full ? NotDoneReason.TooManyRequests : NotDoneReason.None));
    }

    [Test]
    public void A_refusal_for_the_process_before_leaves_a_change_of_the_same_number_as_it_is()
    {
        var cluster = Ready();
        var (leader, follower) = (cluster.Leader, cluster.Restart(cluster.Followers.First(), othersNotice: true));
        cluster.Until(() => follower.Core.Status.Ready, "its next process is ready");
        ForwardChange? sent = null;
        cluster.OnTheWay = (from, _, message) => from == follower && message is ForwardChange forward ? Keep(ref sent, forward) : message;
        var change = follower.Change(new AddMember(CoreCluster.MemberOf(4)));
        cluster.Until(() => sent is not null, "the change leaves");
        Assert.That((sent!.Boot, sent.Sequence), Is.EqualTo((follower.Boot, change.Request.Sequence)));
        var no = new ChangeAnswer(ChangeVerdict.Taken, "no");
        Tell(follower, leader, new ChangeRefused(sent.Term, follower.Boot - 1_000, sent.Sequence, no));
        cluster.Run(100_000);
        Assert.That((change.Stage, cluster.Leader), Is.EqualTo((PendingStage.Sent, leader)));
        Tell(follower, leader, new ChangeRefused(sent.Term, follower.Boot, sent.Sequence, no));
        cluster.Until(() => change.Stage == PendingStage.Answered, "its own refusal is one");
        Assert.That(change.Answer.Verdict, Is.EqualTo(ChangeVerdict.Taken));
    }

    [Test]
    public void A_refusal_for_the_process_before_leaves_a_hand_over_of_the_same_number_as_it_is()
    {
        var cluster = Ready();
        var (leader, follower) = (cluster.Leader, cluster.Restart(cluster.Followers.First(), othersNotice: true));
        cluster.Until(() => follower.Core.Status.Ready, "its next process is ready");
        ForwardTransfer? sent = null;
        cluster.OnTheWay = (from, _, message) => from == follower && message is ForwardTransfer forward ? Keep(ref sent, forward) : message;
        var asked = new PendingTransfer(MemberId.None);
        follower.Inputs.Add(new TransferInput(asked));
        cluster.Until(() => sent is not null, "the question leaves");
        Assert.That(sent!.Boot, Is.EqualTo(follower.Boot));
        Tell(follower, leader, new TransferRefused(sent.Term, follower.Boot - 1_000, sent.Sequence, "no"));
        cluster.Run(100_000);
        Assert.That(asked.Stage, Is.EqualTo(PendingStage.Sent));
        Tell(follower, leader, new TransferRefused(sent.Term, follower.Boot, sent.Sequence, "no"));
        cluster.Until(() => asked.Stage == PendingStage.Answered, "its own refusal is one");
        Assert.That((asked.Answer.Kind, asked.Answer.Reason), Is.EqualTo((AnswerKind.NotDone, NotDoneReason.None)));
    }

    [Test]
    public void Every_refusal_names_the_process_that_asked()
    {
        var cluster = Ready();
        var (asks, refuses) = (cluster.Followers.First(), cluster.Followers.Last());
        var told = new List<PeerMessage>();
        cluster.OnTheWay = (from, _, message) =>
        {
            if (from == refuses && message is not RaftPeerMessage)
            {
                told.Add(message);
                return null;
            }
            return message;
        };
        var term = refuses.Core.Term;
        Tell(refuses, asks, new ForwardCommands(term, 77, [new ForwardedCommand(5, "", 0, new byte[] { 1 })]));
        Tell(refuses, asks, new ForwardChange(term, 78, 6, new RemoveMember(asks.Id)));
        Tell(refuses, asks, new ForwardTransfer(term, 79, 7, MemberId.None));
        cluster.Until(() => told.Count == 3, "all are refused by who does not lead");
        Assert.That(
            told.Select(m => m switch
            {
                ForwardRefused r => (r.Boot, r.Sequences[0]),
                ChangeRefused r => (r.Boot, r.Sequence),
                TransferRefused r => (r.Boot, r.Sequence),
                _ => default,
            }),
            Is.EqualTo(new[] { (77L, 5L), (78L, 6L), (79L, 7L) }));
    }

    [Test]
    public void Counters_of_every_process_begin_somewhere_else_and_never_meet()
    {
        var random = new DeterministicRandom(1);
        var starts = Enumerable.Range(0, 1_000).Select(_ => new CounterStarts((long)(random.NextUInt64() >> 1) | 1)).ToList();
        foreach (var kind in new Func<CounterStarts, long>[] { s => s.Requests, s => s.Reads, s => s.Transfers, s => s.Internal })
        {
            Assert.That(starts.Select(kind).Distinct().Count(), Is.GreaterThan(990));
        }
        Assert.That(starts.Select(s => s.Requests).Concat(starts.Select(s => s.Reads)).Concat(starts.Select(s => s.Transfers)), Is.All.InRange(0, (1 << 27) - 1));
        Assert.That(starts.Select(s => s.Internal), Is.All.GreaterThan(1L << 62), "clients' requests do not get there by counting");
    }

    private static CoreCluster Ready()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        cluster.Run(500_000);
        return cluster;
    }

    private static PeerMessage? Keep<T>(ref T? kept, T message)
        where T : PeerMessage
    {
        kept = message;
        return null;
    }

    private static void Tell(CoreMember member, CoreMember from, PeerMessage message) => member.Inputs.Add(new PeerMessageInput(from.Id, message));
}
