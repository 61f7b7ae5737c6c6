using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Tests.Core;

/// <summary>Hashes at an index and views with their place in the log, asked of members in virtual time.</summary>
public sealed class HashTests
{
    private static CoreCluster Ready(int size)
    {
        var cluster = new CoreCluster(size);
        cluster.UntilReady();
        return cluster;
    }

    private static void Write(CoreCluster cluster, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var put = cluster.Leader.Send(new PutCommand(Key.FromText($"k{i}"), new byte[] { 1 }, LeaseId.None, KeyCondition.None));
            cluster.Until(() => put.Stage == PendingStage.Answered, "it is written");
        }
    }

    private static Func<HashAnswer?> Ask(CoreMember member, LogIndex index)
    {
        var pending = new PendingHash(index);
        member.Inputs.Add(new HashInput(pending));
        return () => pending.Stage == PendingStage.Answered ? pending.Answer : null;
    }

    private static HashAnswer Answer(CoreCluster cluster, CoreMember member, LogIndex index)
    {
        var answer = Ask(member, index);
        cluster.Until(() => answer() is not null, "the hash is told");
        return answer()!.Value;
    }

    [Test]
    public void All_members_tell_the_same_hash_at_any_index_that_they_all_know()
    {
        var cluster = Ready(3);
        Write(cluster, 20);
        var newest = cluster.Leader.Core.AppliedIndex;
        for (var index = new LogIndex(1); index <= newest; index = index.Next)
        {
            var answers = cluster.Members.Select(member => Answer(cluster, member, index)).ToList();
            Assert.That(answers.Select(answer => answer.Kind), Is.All.EqualTo(AnswerKind.Done));
            Assert.That(answers.Select(answer => answer.Hash).Distinct().Count(), Is.EqualTo(1), $"at {index}");
        }
        Assert.That(Answer(cluster, cluster.Leader, newest).Hash, Is.Not.EqualTo(Answer(cluster, cluster.Leader, newest.Previous).Hash));
    }

    [Test]
    public void An_index_that_is_not_applied_yet_is_waited_for()
    {
        var cluster = Ready(3);
        var follower = cluster.Followers.First();
        var ahead = new LogIndex(cluster.Leader.Core.AppliedIndex.Value + 3);
        var waiting = Ask(follower, ahead);
        cluster.Run(1_000_000);
        Assert.That(waiting(), Is.Null);
        Write(cluster, 3);
        cluster.Until(() => waiting() is not null, "it is reached");
        Assert.That(waiting()!.Value, Is.EqualTo(Answer(cluster, cluster.Leader, ahead) with { Newest = waiting()!.Value.Newest }));
    }

    [Test]
    public void An_index_that_is_not_reached_in_time_is_given_up()
    {
        var cluster = Ready(3);
        var answer = Answer(cluster, cluster.Leader, new LogIndex(1_000_000));
        Assert.That((answer.Kind, answer.Reason), Is.EqualTo((AnswerKind.NotDone, NotDoneReason.NotReady)));
    }

    [Test]
    public void A_view_that_is_taken_away_knows_its_place_in_the_log()
    {
        var cluster = Ready(3);
        Write(cluster, 5);
        foreach (var member in cluster.Members)
        {
            var read = new PendingRead(Revision.Zero) { WantsMark = true };
            member.Inputs.Add(new ReadInput(read));
            cluster.Until(() => read.Answer.View is not null, "it is read");
            Assert.That(read.Mark, Is.EqualTo(new SnapshotMark(
                read.Answer.View!.AppliedIndex, cluster.Leader.Core.Term, read.Answer.View.AppliedStamp, cluster.Leader.Core.Configuration)));
        }
    }

    [Test]
    public void A_member_that_was_sent_nothing_yet_has_no_state_to_take_away()
    {
        var cluster = Ready(3);
        var joiner = cluster.Join(4);
        var read = new PendingRead(Revision.Zero) { WantsMark = true, NeedsReadIndex = false };
        joiner.Inputs.Add(new ReadInput(read));
        cluster.Run(100_000);
        Assert.That((read.Answer.Kind, read.Answer.Reason), Is.EqualTo((AnswerKind.NotDone, NotDoneReason.NotReady)));
    }
}
