using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Membership;

namespace Consensus.Node.Tests.Core;

/// <summary>Hand-overs of leadership asked for at any member, and their answers, in virtual time.</summary>
public sealed class TransferTests
{
    [TestCase(false)]
    [TestCase(true)]
    public void Leadership_is_handed_over_whoever_is_asked(bool named)
    {
        var cluster = Ready(3);
        foreach (var pick in new Func<CoreMember>[] { () => cluster.Leader, () => cluster.Followers.First(), () => cluster.Followers.Last() })
        {
            var old = cluster.Leader;
            var to = cluster.Followers.Last().Id;
            var answer = Ask(cluster, pick(), named ? to : MemberId.None);
            Assert.That(answer.Kind, Is.EqualTo(AnswerKind.Done), answer.ToString());
            cluster.Until(() => cluster.Leader != old, "the old leader knows");
            Assert.That(!named || cluster.Leader.Id == to);
        }
    }

    [Test]
    public void Follower_asked_for_itself_leads()
    {
        var cluster = Ready(3);
        var follower = cluster.Followers.First();
        Assert.That(Ask(cluster, follower, follower.Id).Kind, Is.EqualTo(AnswerKind.Done));
        Assert.That(follower.Core.Role, Is.EqualTo(RaftRole.Leader));
    }

    [Test]
    public void Handing_over_to_who_leads_is_done_at_once_and_changes_nothing()
    {
        var cluster = Ready(3);
        var (leader, term) = (cluster.Leader, cluster.Leader.Core.Term);
        Assert.That(Ask(cluster, leader, leader.Id).Kind, Is.EqualTo(AnswerKind.Done));
        Assert.That(Ask(cluster, cluster.Followers.First(), leader.Id).Kind, Is.EqualTo(AnswerKind.Done));
        Assert.That(cluster.Leader.Core.Term, Is.EqualTo(term));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Learner_a_stranger_and_a_dead_voter_are_refused_at_once_and_nothing_changes(bool atLeader)
    {
        var cluster = Ready(3);
        var joiner = cluster.Join(4);
        var added = cluster.Leader.Change(new AddMember(CoreCluster.MemberOf(4)));
        cluster.Until(() => added.Stage == PendingStage.Answered && joiner.Core.Status.Ready, "the learner has caught up");
        var dead = cluster.Followers.First(m => m != joiner);
        cluster.Kill(dead);
        cluster.Run(50_000);
        var (leader, term) = (cluster.Leader, cluster.Leader.Core.Term);
        var asked = atLeader ? leader : cluster.Followers.First(m => m != joiner);
        foreach (var (to, reason) in new[] { (joiner.Id, "n4 is a learner"), (new MemberId(9), "no member has the id"), (dead.Id, "not reachable") })
        {
            var answer = Ask(cluster, asked, to, withinMicros: 100_000);
            Assert.That((answer.Kind, answer.Reason), Is.EqualTo((AnswerKind.NotDone, NotDoneReason.None)));
            Assert.That(answer.Sentence, Does.Contain(reason));
        }
        cluster.Run(3_000_000);
        Assert.That((cluster.Leader, cluster.Leader.Core.Term), Is.EqualTo((leader, term)));
    }

    [Test]
    public void Only_voter_says_that_nobody_else_can_lead()
    {
        var cluster = Ready(1);
        var answer = Ask(cluster, cluster.Leader, MemberId.None);
        Assert.That(answer.Kind, Is.EqualTo(AnswerKind.NotDone));
        Assert.That(answer.Sentence, Does.Contain("the only voter"));
    }

    [Test]
    public void Without_a_leader_nothing_is_done_and_that_is_said()
    {
        var cluster = Ready(3);
        var survivor = cluster.Followers.First();
        foreach (var other in cluster.Members.Where(m => m != survivor).ToList())
        {
            cluster.Kill(other);
        }
        cluster.Until(() => survivor.Core.Leader.IsNone, "the survivor knows no leader");
        var answer = Ask(cluster, survivor, cluster.Members.First(m => m != survivor).Id);
        Assert.That(answer, Is.EqualTo(new TransferAnswer(AnswerKind.NotDone, "", NotDoneReason.NoLeader)));
    }

    [Test]
    public void Request_that_waited_for_an_election_is_passed_to_the_new_leader()
    {
        var cluster = Ready(3);
        var (first, last) = (cluster.Followers.First(), cluster.Followers.Last());
        cluster.Kill(cluster.Leader);
        cluster.Until(() => first.Core.Leader.IsNone, "it knows no leader");
        var pending = new PendingTransfer(last.Id);
        first.Inputs.Add(new TransferInput(pending));
        cluster.Until(() => pending.Stage == PendingStage.Answered, "it is answered");
        Assert.That(pending.Answer.Kind, Is.EqualTo(AnswerKind.Done), pending.Answer.ToString());
        Assert.That(cluster.Leader, Is.EqualTo(last));
    }

    [Test]
    public void Target_that_stands_still_leaves_the_outcome_unknown_and_the_cluster_goes_on()
    {
        var cluster = Ready(3);
        var target = cluster.Followers.First();
        target.IsPaused = true;
        foreach (var asked in new[] { cluster.Leader, cluster.Followers.Single(m => m != target) })
        {
            Assert.That(Ask(cluster, asked, target.Id).Kind, Is.EqualTo(AnswerKind.Unknown));
        }
        Assert.That(cluster.Leader, Is.Not.EqualTo(target));
    }

    [Test]
    public void Every_hand_over_is_answered_when_the_process_ends()
    {
        var cluster = Ready(3);
        var asked = cluster.Followers.First();
        var pending = new PendingTransfer(asked.Id);
        asked.Inputs.Add(new TransferInput(pending));
        asked.Turn(cluster.Now);
        Assert.That(pending.Stage, Is.EqualTo(PendingStage.Sent), "the leader was asked, and nothing is known yet");
        var output = new NodeOutput();
        asked.Core.AnswerEverything(output);
        Assert.That(output.Answered, Does.Contain(pending));
        Assert.That(pending.Answer.Kind, Is.EqualTo(AnswerKind.Unknown));
    }

    private static CoreCluster Ready(int size)
    {
        var cluster = new CoreCluster(size);
        cluster.UntilReady();
        return cluster;
    }

    private static TransferAnswer Ask(CoreCluster cluster, CoreMember asked, MemberId to, long withinMicros = 10_000_000)
    {
        var pending = new PendingTransfer(to);
        asked.Inputs.Add(new TransferInput(pending));
        var end = cluster.Now + withinMicros;
        cluster.Until(() => pending.Stage == PendingStage.Answered || cluster.Now > end, "it is answered");
        Assert.That(pending.Stage, Is.EqualTo(PendingStage.Answered), $"answered within {withinMicros} virtual microseconds");
        return pending.Answer;
    }
}
