using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.Raft.Membership;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Tests.Core;

/// <summary>Membership changes asked for at any member, and their answers, in virtual time.</summary>
public sealed class MembershipTests
{
    private static readonly Key Job = Key.FromText("job");

    [Test]
    public void Member_joins_as_a_learner_catches_up_and_is_promoted()
    {
        var cluster = Ready(3);
        var written = cluster.Leader.Send(Put("before"));
        cluster.Until(() => written.Stage == PendingStage.Answered, "the write is answered");
        var joiner = cluster.Join(4);
        var asked = cluster.Followers.First();
        Done(cluster, asked.Change(new AddMember(CoreCluster.MemberOf(4))));
        Assert.That(Roles(asked), Is.EqualTo("n1 voter, n2 voter, n3 voter, n4 learner"));
        cluster.Until(() => joiner.Core.Status.Ready, "the learner has caught up");
        Done(cluster, joiner.Change(new PromoteMember(joiner.Id)));
        cluster.Until(() => Roles(joiner) == "n1 voter, n2 voter, n3 voter, n4 voter", "it knows that it votes");
        Assert.That(joiner.Core.View.GetKey(Key.FromText("before")), Is.Not.Null);
        cluster.Until(
            () => joiner.Core.Status.Hash == cluster.Leader.Core.Status.Hash && joiner.Core.AppliedIndex == cluster.Leader.Core.AppliedIndex,
            "its state is the leader's");
    }

    [Test]
    public void Who_asked_for_a_command_or_a_change_is_logged_with_it_whichever_member_was_asked([Values] bool leader)
    {
        var cluster = Ready(3);
        var asked = leader ? cluster.Leader : cluster.Followers.First();
        var put = asked.Send(Put("k"), principal: "ann");
        cluster.Until(() => put.Stage == PendingStage.Answered, "the write is answered");
        Done(cluster, asked.Change(new AddMember(CoreCluster.MemberOf(4)) { Principal = "bob" }));
        foreach (var member in cluster.Members)
        {
            var logged = member.Persisted.SelectMany(request => request.Entries).Where(entry => entry.Principal.Length > 0).ToList();
            Assert.That(logged.Single(entry => entry.Principal == "ann").Request, Is.EqualTo(put.Request));
            var others = logged.Where(entry => entry.Principal != "ann").Select(entry => (entry.Kind, entry.Principal));
            Assert.That(others, Is.Not.Empty.And.All.EqualTo((EntryKind.Configuration, "bob")));
        }
    }

    [Test]
    public void Dead_member_is_replaced_in_one_change()
    {
        var cluster = Ready(3);
        var dead = cluster.Followers.First();
        cluster.Kill(dead);
        var joiner = cluster.Join(4);
        Done(cluster, cluster.Leader.Change(new AddMember(CoreCluster.MemberOf(4))));
        cluster.Until(() => joiner.Core.Status.Ready, "the learner has caught up");
        Done(cluster, cluster.Leader.Change(new PromoteMember(joiner.Id, Replaces: dead.Id)));
        Assert.That(cluster.Leader.Core.Configuration.Voters, Has.Length.EqualTo(3).And.Not.Contain(dead.Id));
        cluster.Kill(cluster.Leader);
        cluster.Until(() => cluster.Members.Any(m => !m.IsDown && m.Core.Role == RaftRole.Leader), "two of three elect");
    }

    [Test]
    public void Removed_follower_answers_and_is_told_and_the_others_forget_it()
    {
        var cluster = Ready(3);
        var removed = cluster.Followers.First();
        Done(cluster, removed.Change(new RemoveMember(removed.Id)));
        Assert.That(removed.IsRemoved, Is.True);
        cluster.Until(() => cluster.Leader.Core.View.ListMembers().Count() == 2, "what it announced is forgotten");
        Assert.That(cluster.Members.Count(m => m.IsRemoved), Is.EqualTo(1));
    }

    [Test]
    public void Leader_that_is_removed_hands_over_first_and_writes_go_on()
    {
        var cluster = Ready(3);
        var old = cluster.Leader;
        var pending = cluster.Followers.First().Change(new RemoveMember(old.Id));
        Done(cluster, pending);
        cluster.Until(() => old.IsRemoved, "it learns of it");
        Assert.That(old.Core.Role, Is.Not.EqualTo(RaftRole.Leader));
        var leader = cluster.Members.Single(m => m.Core.Role == RaftRole.Leader);
        var put = leader.Send(Put("after"));
        cluster.Run(50_000);
        Assert.That(put.Stage, Is.EqualTo(PendingStage.Answered));
    }

    [Test]
    public void Leader_asked_to_remove_itself_answers_before_it_goes()
    {
        var cluster = Ready(3);
        var old = cluster.Leader;
        Done(cluster, old.Change(new RemoveMember(old.Id)));
        Assert.That(old.IsRemoved, Is.True);
    }

    [Test]
    public void Refusal_comes_back_to_the_member_that_was_asked_in_the_leaders_words()
    {
        var cluster = Ready(3);
        cluster.Kill(cluster.Followers.First());
        cluster.Run(2_000_000);
        var follower = cluster.Followers.Single();
        var pending = follower.Change(new RemoveMember(follower.Id));
        cluster.Until(() => pending.Stage == PendingStage.Answered, "the change is refused");
        Assert.That((pending.Answer.Kind, pending.Answer.Verdict), Is.EqualTo((AnswerKind.NotDone, ChangeVerdict.WouldLoseQuorum)));
        Assert.That(pending.Answer.Sentence, Does.Contain("of the 2 voters"));
    }

    [Test]
    public void Member_without_others_says_so_once_because_until_then_its_links_let_nobody_in()
    {
        var cluster = Ready(1);
        cluster.Run(2_000_000);
        Assert.That(cluster.Leader.TimesPeersWereTold, Is.EqualTo(1));
    }

    [Test]
    public void Member_whose_snapshot_says_that_it_was_removed_is_told_at_its_start()
    {
        var member = new CoreMember(CoreCluster.MemberOf(4), Configuration.OfVoters([CoreCluster.MemberOf(1)]) with { Removed = [CoreCluster.MemberOf(4).Id] }, Limits.Default);
        member.Turn(1000);
        Assert.That(member.IsRemoved, Is.True);
    }

    [Test]
    public void Change_that_is_so_already_is_done()
    {
        var cluster = Ready(3);
        var pending = cluster.Followers.First().Change(new AddMember(CoreCluster.MemberOf(2)));
        Done(cluster, pending);
        Assert.That(pending.Answer.Verdict, Is.EqualTo(ChangeVerdict.AlreadySo));
    }

    [Test]
    public void Change_without_a_leader_was_not_made_and_the_answer_says_so()
    {
        var cluster = Ready(3);
        var alone = cluster.Followers.First();
        cluster.CutOff(alone);
        cluster.Run(3_000_000);
        var pending = alone.Change(new RemoveMember(alone.Id));
        cluster.Until(() => pending.Stage == PendingStage.Answered, "the change is answered");
        Assert.That((pending.Answer.Kind, pending.Answer.Reason), Is.EqualTo((AnswerKind.NotDone, NotDoneReason.NoLeader)));
        cluster.Reconnect(alone);
        cluster.Run(3_000_000);
        Assert.That(cluster.Leader.Core.Configuration.Find(alone.Id), Is.Not.Null);
    }

    [Test]
    public void Change_on_its_way_to_a_silent_leader_is_answered_as_unknown()
    {
        var cluster = Ready(3);
        var follower = cluster.Followers.First();
        var pending = follower.Change(new AddMember(CoreCluster.MemberOf(4)));
        follower.Turn(cluster.Now + 1);
        cluster.CutOff(follower);
        cluster.Until(() => pending.Stage == PendingStage.Answered, "the change is answered");
        Assert.That(pending.Answer.Kind, Is.EqualTo(AnswerKind.Unknown));
    }

    [Test]
    public void Change_whose_leader_was_killed_is_made_once_by_the_next()
    {
        var cluster = Ready(3);
        var old = cluster.Leader;
        var follower = cluster.Followers.First();
        cluster.CutOff(old);
        var pending = follower.Change(new AddMember(CoreCluster.MemberOf(4)));
        cluster.Run(20_000);
        cluster.Kill(old);
        Done(cluster, pending);
        Assert.That(cluster.Members.Single(m => !m.IsDown && m.Core.Role == RaftRole.Leader).Core.Configuration.Learners, Has.Length.EqualTo(1));
    }

    [Test]
    public void Waiters_of_a_removed_member_lose_their_places()
    {
        var cluster = Ready(3);
        var removed = cluster.Followers.First();
        var holder = cluster.Leader.Send(Acquire(5));
        cluster.Until(() => holder.Stage == PendingStage.Answered, "the lock is granted");
        removed.Send(Acquire(6, waitMicros: 60_000_000));
        cluster.Until(() => cluster.Leader.Core.Status.Counts.Waiters == 1, "it waits");
        Done(cluster, cluster.Leader.Change(new RemoveMember(removed.Id)));
        cluster.Until(() => cluster.Leader.Core.Status.Counts.Waiters == 0, "the place is given up");
    }

    private static PutCommand Put(string key) => new(Key.FromText(key), new byte[] { 1 }, LeaseId.None, KeyCondition.None);

    private static AcquireCommand Acquire(long lease, long waitMicros = 0) =>
        new(Job, "owner", 60_000_000, new LeaseId(lease), LeaseId.None, waitMicros);

    private static CoreCluster Ready(int size)
    {
        var cluster = new CoreCluster(size);
        cluster.UntilReady();
        // A leader knows only after an election time-out who is silent.
        cluster.Run(1_500_000);
        return cluster;
    }

    private static void Done(CoreCluster cluster, PendingChange pending)
    {
        cluster.Until(() => pending.Stage == PendingStage.Answered, "the change is answered");
        Assert.That(pending.Answer.Kind, Is.EqualTo(AnswerKind.Done), pending.Answer.ToString());
        cluster.Run(20_000);
    }

    private static string Roles(CoreMember member)
    {
        return string.Join(", ", member.Core.Status.Members.Select(m => $"{m.Name} {(m.IsVoter ? "voter" : "learner")}"));
    }
}
