using Consensus.Primitives;
using Consensus.Raft.Membership;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Membership;

/// <summary>
/// Messages from members that the receiver's configuration does not hold: it may be the older one (Raft §6), or theirs (raft-bugs 23).
/// </summary>
public sealed class StrangerTests
{
    private static readonly MemberId Nine = Make.Id(9);

    [Test]
    public void Leader_that_a_lagging_follower_does_not_know_yet_is_followed()
    {
        var host = Make.Host(2, Make.Voters(3), Make.Log(1));
        var newer = Make.Configured([2, 3, 9]);
        host.Step(new AppendRequest(
            Nine, host.Id, new Term(4), new LogIndex(1), new Term(1), [Make.ConfigurationEntry(2, 4, newer)], LogIndex.Zero, ClusterTime.Zero, 0));
        Assert.That(host.Node.Leader, Is.EqualTo(Nine));
        Assert.That(host.Node.Configuration.Find(Nine), Is.Not.Null);
        Assert.That(host.TakeOne<AppendResponse>().Success, Is.True);
    }

    [Test]
    public void Snapshot_of_a_leader_that_is_not_known_yet_is_taken()
    {
        var host = Make.Host(2, Make.Voters(3));
        host.Step(new InstallSnapshotRequest(Nine, host.Id, new Term(4), Make.Mark(8, 3, Make.Configured([2, 9])), ClusterTime.Zero));
        Assert.That(host.AppliedIndex, Is.EqualTo(new LogIndex(8)));
        Assert.That(host.TakeOne<AppendResponse>(Nine).Success, Is.True);
    }

    [Test]
    public void Old_leader_that_is_not_known_learns_of_the_newer_term()
    {
        var host = Make.Host(2, Make.Voters(3), term: 6);
        host.Step(new HeartbeatRequest(Nine, host.Id, new Term(4), LogIndex.Zero, ClusterTime.Zero, 0));
        Assert.That(host.TakeOne<AppendResponse>(Nine).Term, Is.EqualTo(new Term(6)));
    }

    [Test]
    public void Candidate_that_is_not_known_yet_gets_vote_and_pre_vote()
    {
        var host = Make.Host(2, Make.Voters(3), Make.Log(1));
        host.Step(new PreVoteRequest(Nine, host.Id, new Term(2), new LogIndex(1), new Term(1), false));
        Assert.That(host.TakeOne<PreVoteResponse>(Nine).Granted, Is.True);
        host.Step(new VoteRequest(Nine, host.Id, new Term(2), new LogIndex(1), new Term(1), false));
        Assert.That(host.TakeOne<VoteResponse>(Nine).Granted, Is.True);
    }

    [Test]
    public void Member_that_does_not_know_itself_as_a_voter_votes_when_it_is_asked()
    {
        // Promoted in an entry that it has not received yet, it may be needed for the majority that elects whoever will send it.
        var host = Make.Host(4, Make.Configured([1, 2, 3], learners: [4]), Make.Log(1));
        host.Step(new VoteRequest(Make.Id(1), host.Id, new Term(2), new LogIndex(2), new Term(1), false));
        Assert.That(host.TakeOne<VoteResponse>(Make.Id(1)).Granted, Is.True);
    }

    [Test]
    public void Candidate_whose_removal_is_committed_is_not_answered_and_before_that_it_is()
    {
        var left = Make.Configured([1, 2]) with { Removed = [Make.Id(3)] };
        var host = Make.Host(2, Make.Voters(3), [Make.Entry(1, 1), Make.ConfigurationEntry(2, 1, left)]);
        var asks = new PreVoteRequest(Make.Id(3), host.Id, new Term(2), new LogIndex(9), new Term(1), false);
        host.Step(asks);
        Assert.That(host.TakeOne<PreVoteResponse>().Granted, Is.True);
        host.Step(new HeartbeatRequest(Make.Id(1), host.Id, new Term(1), new LogIndex(2), ClusterTime.Zero, 0));
        host.Tick(10 * Make.T);
        host.Take<Message>();
        host.Step(asks);
        host.Step(new VoteRequest(Make.Id(3), host.Id, new Term(99), new LogIndex(9), new Term(98), true));
        Assert.That(host.Sent, Is.Empty);
        Assert.That(host.Node.Term, Is.LessThan(new Term(99)));
    }

    [Test]
    public void Stranger_that_says_leadership_was_handed_to_it_deposes_nobody()
    {
        var leader = Make.Leader(1, Make.Voters(3));
        var follower = Make.Host(2, Make.Voters(3));
        follower.Step(new HeartbeatRequest(Make.Id(1), follower.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0));
        foreach (var host in new[] { leader, follower })
        {
            var term = host.Node.Term;
            host.Step(new VoteRequest(Nine, host.Id, new Term(9), new LogIndex(9), new Term(8), Disruptive: true));
            Assert.That(host.Node.Term, Is.EqualTo(term));
        }
    }

    [Test]
    public void Answers_and_questions_of_strangers_depose_nobody_whatever_their_term()
    {
        var host = Make.Leader(1, Make.Voters(3));
        var high = new Term(50);
        Message[] messages =
        [
            new AppendResponse(Nine, host.Id, high, false, LogIndex.Zero, LogIndex.Zero, Term.Zero, 0),
            new HeartbeatResponse(Nine, host.Id, high, 0),
            new VoteResponse(Nine, host.Id, high, false),
            new PreVoteResponse(Nine, host.Id, high, false),
            new ReadIndexRequest(Nine, host.Id, high, 1),
            new ReadIndexResponse(Nine, host.Id, high, 1, LogIndex.Zero, true),
        ];
        foreach (var message in messages)
        {
            host.Step(message);
            Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Leader), message.ToString());
        }
    }

    [Test]
    public void Removed_member_with_a_high_term_does_not_disturb_the_leader()
    {
        // raft-bugs 23: it was cut off while it was removed, so it still believes that it votes, and its term ran away.
        var network = Network.OfVoters(4);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        network.Isolate(4);
        Assert.That(network[1].Node.ProposeChange(new RemoveMember(Make.Id(4)), RequestId.None, out _, out _).Verdict, Is.EqualTo(ChangeVerdict.Appended));
        network.Settle();
        Assert.That(network[1].Node.ChangeIsUnderWay, Is.False);
        network[4].Step(new HeartbeatRequest(Make.Id(2), Make.Id(4), new Term(40), LogIndex.Zero, ClusterTime.Zero, 0));
        network.Heal();
        network.Tick(10 * Make.T);
        Assert.That(network[1].Node.Role, Is.EqualTo(RaftRole.Leader));
        Assert.That(network[1].Node.Term, Is.EqualTo(new Term(1)));
        Assert.That(network[4].Node.Term, Is.EqualTo(new Term(40)), "nobody helped it");
    }

    [Test]
    public void Election_without_a_leader_is_not_won_by_a_removed_member()
    {
        var network = Network.OfVoters(4);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        network.Isolate(4);
        network[1].Node.ProposeChange(new RemoveMember(Make.Id(4)), RequestId.None, out _, out _);
        network.Settle();
        network.Heal();
        network.Isolate(1);
        network.Tick(8 * Make.T, 2, 3, 4);
        var leader = network.Hosts.Single(h => h.Id != Make.Id(1) && h.Node.Role == RaftRole.Leader);
        Assert.That(leader.Id, Is.Not.EqualTo(Make.Id(4)));
    }
}
