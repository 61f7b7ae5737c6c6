using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Elections;

/// <summary>Term and vote on disk before anything that depends on them leaves (rule 5; raft-bugs 1 to 4).</summary>
public sealed class VotePersistenceTests
{
    [Test]
    public void Vote_is_told_only_after_it_is_durable()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.PersistsAtOnce = false;
        host.Step(new VoteRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, Term.Zero, false));
        Assert.That(host.Sent, Is.Empty);
        host.PersistOne();
        Assert.That(host.TakeOne<VoteResponse>().Granted, Is.True);
        Assert.That(host.Disk.HardState, Is.EqualTo(new HardState(new Term(1), Make.Id(2))));
    }

    [Test]
    public void Crash_before_the_vote_is_durable_leaves_no_trace_of_it()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.PersistsAtOnce = false;
        host.Step(new VoteRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, Term.Zero, false));
        host.CrashAndRestart();
        Assert.That(host.Node.Term, Is.EqualTo(Term.Zero));
        host.Step(new VoteRequest(Make.Id(3), host.Id, new Term(1), LogIndex.Zero, Term.Zero, false));
        host.PersistAll();
        Assert.That(host.TakeOne<VoteResponse>().Granted, Is.True);
    }

    [Test]
    public void Crash_after_the_vote_is_durable_keeps_it()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.Step(new VoteRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, Term.Zero, false));
        host.CrashAndRestart();
        host.Step(new VoteRequest(Make.Id(3), host.Id, new Term(1), LogIndex.Zero, Term.Zero, false));
        Assert.That(host.TakeOne<VoteResponse>().Granted, Is.False);
        host.Step(new VoteRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, Term.Zero, false));
        Assert.That(host.TakeOne<VoteResponse>().Granted, Is.True, "the same vote may be told again");
    }

    [Test]
    public void Vote_is_cast_once_per_term()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.Step(new VoteRequest(Make.Id(2), host.Id, new Term(4), LogIndex.Zero, Term.Zero, false));
        Assert.That(host.TakeOne<VoteResponse>().Granted, Is.True);
        host.Step(new VoteRequest(Make.Id(3), host.Id, new Term(4), new LogIndex(9), new Term(3), false));
        Assert.That(host.TakeOne<VoteResponse>().Granted, Is.False);
        host.Step(new VoteRequest(Make.Id(3), host.Id, new Term(5), new LogIndex(9), new Term(3), false));
        Assert.That(host.TakeOne<VoteResponse>().Granted, Is.True, "a new term has a new vote");
    }

    [Test]
    public void Vote_is_kept_within_its_term_whatever_role_the_member_takes()
    {
        // raft-bugs 2.
        var voter = Make.Host(1, Make.Voters(3));
        voter.Step(new VoteRequest(Make.Id(2), voter.Id, new Term(1), LogIndex.Zero, Term.Zero, false));
        voter.Step(new HeartbeatRequest(Make.Id(2), voter.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0));
        voter.TickToTimeout();
        Assert.That(voter.Node.Role, Is.EqualTo(RaftRole.PreCandidate));
        CheckThatTheVoteStands(voter, Make.Id(2));
        voter.Step(new PreVoteResponse(Make.Id(2), voter.Id, new Term(1), false));
        voter.Step(new PreVoteResponse(Make.Id(3), voter.Id, new Term(1), false));
        Assert.That(voter.Node.Role, Is.EqualTo(RaftRole.Follower));
        CheckThatTheVoteStands(voter, Make.Id(2));

        var candidate = Make.Host(1, Make.Voters(3));
        Campaign(candidate, 1);
        CheckThatTheVoteStands(candidate, candidate.Id);
        candidate.Step(new HeartbeatRequest(Make.Id(2), candidate.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0));
        candidate.Tick(Make.T);
        CheckThatTheVoteStands(candidate, candidate.Id);

        var leader = Make.Leader(1, Make.Voters(3));
        CheckThatTheVoteStands(leader, leader.Id);
        leader.Tick(Make.T);
        Assert.That(leader.Node.Role, Is.EqualTo(RaftRole.Follower));
        CheckThatTheVoteStands(leader, leader.Id);
    }

    [Test]
    public void Vote_requests_and_own_vote_wait_for_the_disk()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.PersistsAtOnce = false;
        host.TickToTimeout();
        host.Step(new PreVoteResponse(Make.Id(2), host.Id, new Term(1), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Candidate));
        Assert.That(host.Take<VoteRequest>(), Is.Empty);

        // A vote that arrives before its own is durable does not make a leader of it.
        host.Step(new VoteResponse(Make.Id(2), host.Id, new Term(1), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Candidate));
        host.PersistOne();
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Leader));
        Assert.That(host.Disk.HardState, Is.EqualTo(new HardState(new Term(1), host.Id)));
    }

    [Test]
    public void Majority_without_its_own_durable_vote_does_not_make_a_leader()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.PersistsAtOnce = false;
        host.TickToTimeout();
        host.Step(new PreVoteResponse(Make.Id(2), host.Id, new Term(1), true));
        host.Step(new VoteResponse(Make.Id(2), host.Id, new Term(1), true));
        host.Step(new VoteResponse(Make.Id(3), host.Id, new Term(1), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Candidate));
        host.PersistOne();
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Leader));
    }

    [Test]
    public void Candidate_that_crashes_right_after_campaigning_does_not_vote_for_another_in_that_term()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.TickToTimeout();
        host.Step(new PreVoteResponse(Make.Id(2), host.Id, new Term(1), true));
        host.CrashAndRestart();
        host.Step(new VoteRequest(Make.Id(3), host.Id, new Term(1), new LogIndex(5), new Term(1), false));
        Assert.That(host.TakeOne<VoteResponse>().Granted, Is.False);
    }

    [Test]
    public void Answers_in_a_new_term_wait_until_that_term_is_durable()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.PersistsAtOnce = false;
        host.Step(new HeartbeatRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 5));
        Assert.That(host.Sent, Is.Empty);
        host.PersistOne();
        Assert.That(host.TakeOne<HeartbeatResponse>().ReadRound, Is.EqualTo(5));
        host.Step(new HeartbeatRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 6));
        Assert.That(host.TakeOne<HeartbeatResponse>().ReadRound, Is.EqualTo(6), "nothing is to be written: at once");
    }

    [Test]
    public void Answers_wait_for_an_earlier_term_that_is_still_on_its_way()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.PersistsAtOnce = false;
        host.Step(new HeartbeatRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 5));
        host.Step(new HeartbeatRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 6));
        Assert.That(host.Sent, Is.Empty);
        host.PersistOne();
        Assert.That(host.Take<HeartbeatResponse>(), Has.Count.EqualTo(2));
    }

    [Test]
    public void Vote_response_of_an_older_term_is_not_a_vote()
    {
        // raft-bugs 4.
        var host = Make.Host(1, Make.Voters(3), term: 4);
        Campaign(host, 5);
        while (host.Node.Term < new Term(6))
        {
            host.TickToTimeout();
            host.Step(new PreVoteResponse(Make.Id(2), host.Id, new Term(6), true));
        }
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Candidate));
        host.Step(new VoteResponse(Make.Id(2), host.Id, new Term(5), true));
        host.Step(new VoteResponse(Make.Id(3), host.Id, new Term(5), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Candidate));
        host.Step(new VoteResponse(Make.Id(3), host.Id, new Term(6), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Leader));
    }

    [Test]
    public void Pre_vote_response_is_not_a_vote()
    {
        // raft-bugs 4.
        var host = Make.Host(1, Make.Voters(5));
        Campaign(host, 1);
        foreach (var voter in new[] { 2, 3, 4, 5 })
        {
            host.Step(new PreVoteResponse(Make.Id(voter), host.Id, new Term(1), true));
            host.Step(new PreVoteResponse(Make.Id(voter), host.Id, new Term(2), true));
        }
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Candidate));
        Assert.That(host.Node.Term, Is.EqualTo(new Term(1)));
    }

    [Test]
    public void Vote_of_a_later_term_than_the_candidates_is_not_counted()
    {
        var host = Make.Host(1, Make.Voters(3));
        Campaign(host, 1);
        host.Step(new VoteResponse(Make.Id(2), host.Id, new Term(2), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
        Assert.That(host.Node.Term, Is.EqualTo(new Term(2)));
    }

    /// <summary>Member 3 asks in term 1 with a longer log and gets nothing.</summary>
    private static void CheckThatTheVoteStands(Host host, MemberId votedFor)
    {
        host.Take<VoteResponse>();
        host.Step(new VoteRequest(Make.Id(3), host.Id, new Term(1), new LogIndex(9), new Term(1), false));
        Assert.That(host.Take<VoteResponse>().Where(v => v.Granted), Is.Empty);
        Assert.That(host.Disk.HardState, Is.EqualTo(new HardState(new Term(1), votedFor)));
    }

    private static void Campaign(Host host, long term)
    {
        host.TickToTimeout();
        host.Step(new PreVoteResponse(Make.Id(2), host.Id, new Term(term), true));
        host.Step(new PreVoteResponse(Make.Id(3), host.Id, new Term(term), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Candidate));
        Assert.That(host.Node.Term, Is.EqualTo(new Term(term)));
    }
}
