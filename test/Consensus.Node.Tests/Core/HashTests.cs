using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Tests.Core;

/// <summary>Hashes and views at an index, and views with their place in the log, asked of members in virtual time.</summary>
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

    private static Func<ViewAnswer?> AskForView(CoreMember member, LogIndex index)
    {
        var pending = new PendingView(index);
        member.Inputs.Add(new ViewInput(pending));
        return () => pending.Stage == PendingStage.Answered ? pending.Answer : null;
    }

    [Test]
    public void A_view_at_an_index_is_of_that_very_entry_though_the_same_turn_applies_more()
    {
        var cluster = Ready(3);
        var start = cluster.Leader.Core.AppliedIndex.Value;
        var indexes = Enumerable.Range(0, 12).Select(i => new LogIndex(start + i)).ToList();
        var asked = cluster.Members.SelectMany(member => indexes.Select(index => (Index: index, Answer: AskForView(member, index)))).ToList();
        cluster.Run(10_000);
        var puts = Enumerable.Range(0, 30)
            .Select(i => cluster.Leader.Send(new PutCommand(Key.FromText($"k{i}"), new byte[] { 1 }, LeaseId.None, KeyCondition.None))).ToList();
        cluster.Until(() => puts.TrueForAll(put => put.Stage == PendingStage.Answered), "all is written");
        cluster.Until(() => asked.TrueForAll(each => each.Answer() is not null), "all are answered");
        foreach (var at in asked.GroupBy(each => each.Index))
        {
            var views = at.Select(each => each.Answer()!.Value.View!).ToList();
            Assert.That(views.Select(view => view.AppliedIndex), Is.All.EqualTo(at.Key));
            Assert.That(views.Select(view => view.Hash).Distinct().Count(), Is.EqualTo(1), $"at {at.Key}");
        }
    }

    [Test]
    public void Of_an_index_that_is_passed_there_is_no_view_and_the_answer_says_how_far_the_member_is()
    {
        var cluster = Ready(3);
        Write(cluster, 3);
        var newest = cluster.Leader.Core.AppliedIndex;
        var passed = AskForView(cluster.Leader, newest.Previous);
        var present = AskForView(cluster.Leader, newest);
        cluster.Until(() => passed() is not null && present() is not null, "both are answered");
        Assert.That(passed(), Is.EqualTo(new ViewAnswer(AnswerKind.NotDone, null, newest, NotDoneReason.None)));
        Assert.That((present()!.Value.Kind, present()!.Value.View!.AppliedIndex), Is.EqualTo((AnswerKind.Done, newest)));
    }

    [Test]
    public void A_view_that_is_not_reached_in_time_is_given_up_and_more_than_sixteen_do_not_wait()
    {
        var cluster = Ready(3);
        var answers = Enumerable.Range(0, 17).Select(i => AskForView(cluster.Leader, new LogIndex(1_000_000 + i))).ToList();
        cluster.Until(() => answers[16]() is not null, "the last is refused at once");
        Assert.That(answers[16]()!.Value.Reason, Is.EqualTo(NotDoneReason.TooManyRequests));
        Assert.That(answers.Take(16).Select(answer => answer()), Is.All.Null);
        cluster.Until(() => answers.TrueForAll(answer => answer() is not null), "the others are given up");
        Assert.That(answers.Take(16).Select(answer => answer()!.Value.Reason), Is.All.EqualTo(NotDoneReason.NotReady));
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
