using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Elections;

/// <summary>Raft §5.1, §5.2, §5.4.1.</summary>
public sealed class ElectionTests
{
    [Test]
    public void Member_starts_as_follower_and_knows_no_leader()
    {
        var host = Make.Host(1, Make.Voters(3), Make.Log(1, 2));
        Assert.Multiple(() =>
        {
            Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
            Assert.That(host.Node.Leader, Is.EqualTo(MemberId.None));
            Assert.That(host.Node.Term, Is.EqualTo(new Term(2)));
            Assert.That(host.Node.CommitIndex, Is.EqualTo(LogIndex.Zero));
            Assert.That(host.Node.HasReady, Is.False);
        });
    }

    [Test]
    public void Election_timeout_is_drawn_anew_from_one_to_two_times_the_minimum()
    {
        var host = Make.Host(1, Make.Voters(3));
        var seen = new HashSet<int>();
        for (var i = 0; i < 50; i++)
        {
            host.Step(new HeartbeatRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0));
            var timeout = host.Node.TicksUntilNextTimeout();
            Assert.That(timeout, Is.InRange(Make.T, (2 * Make.T) - 1));
            seen.Add(timeout);
        }
        Assert.That(seen, Has.Count.GreaterThan(20));
    }

    [Test]
    public void Members_with_the_same_seed_draw_different_timeouts()
    {
        var timeouts = Enumerable.Range(1, 5).Select(n => Make.Host(n, Make.Voters(5)).Node.TicksUntilNextTimeout());
        Assert.That(timeouts.Distinct().Count(), Is.GreaterThan(3));
    }

    [Test]
    public void Nothing_happens_one_tick_before_the_timeout()
    {
        var host = Make.Host(1, Make.Voters(3));
        var timeout = host.Node.TicksUntilNextTimeout();
        host.Tick(timeout - 1);
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.EqualTo(1));
        host.Tick(1);
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.PreCandidate));
    }

    [Test]
    public void Leader_is_elected_and_everybody_follows_it([Values(1, 2, 3, 5)] int size)
    {
        var network = Network.OfVoters(size);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        foreach (var host in network.Hosts)
        {
            Assert.That(host.Node.Leader, Is.EqualTo(Make.Id(1)));
            Assert.That(host.Node.Term, Is.EqualTo(new Term(1)));
            Assert.That(host.Node.CommitIndex, Is.EqualTo(new LogIndex(1)), "the no-op is committed");
        }
    }

    [Test]
    public void Single_voter_elects_itself_only_after_its_vote_is_durable()
    {
        var host = Make.Host(1, Make.Voters(1));
        host.PersistsAtOnce = false;
        host.TickToTimeout();
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Candidate));
        host.PersistOne();
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Leader));
        Assert.That(host.Node.HasCommittedInTerm, Is.False);
        host.PersistAll();
        Assert.That(host.Node.HasCommittedInTerm, Is.True);
    }

    [Test]
    public void Single_voter_does_not_wait_for_anybody()
    {
        var host = Make.Host(1, Make.Voters(1));
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.EqualTo(1));
    }

    [Test]
    public void Single_voter_with_a_slow_disk_asks_for_one_term_only()
    {
        var host = Make.Host(1, Make.Voters(1));
        host.PersistsAtOnce = false;
        host.TickToTimeout();
        for (var i = 0; i < 5; i++)
        {
            host.TickToTimeout();
        }
        Assert.That(host.Node.Term, Is.EqualTo(new Term(1)));
    }

    [Test]
    public void Candidate_wins_with_a_majority_and_not_before()
    {
        var host = Make.Host(1, Make.Voters(5));
        host.TickToTimeout();
        host.Step(new PreVoteResponse(Make.Id(2), host.Id, new Term(1), true));
        host.Step(new PreVoteResponse(Make.Id(3), host.Id, new Term(1), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Candidate));
        host.Step(new VoteResponse(Make.Id(2), host.Id, new Term(1), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Candidate));
        host.Step(new VoteResponse(Make.Id(2), host.Id, new Term(1), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Candidate), "the same vote twice is one vote");
        host.Step(new VoteResponse(Make.Id(3), host.Id, new Term(1), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Leader));
    }

    [Test]
    public void Candidate_that_is_denied_by_a_majority_follows_and_keeps_its_vote()
    {
        var host = Candidate(3);
        host.Step(new VoteResponse(Make.Id(2), host.Id, new Term(1), false));
        host.Step(new VoteResponse(Make.Id(3), host.Id, new Term(1), false));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
        host.Step(new VoteRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, Term.Zero, false));
        Assert.That(host.TakeOne<VoteResponse>().Granted, Is.False);
    }

    [Test]
    public void Candidate_that_hears_from_a_leader_of_its_term_follows_it()
    {
        var host = Candidate(3);
        host.Step(new HeartbeatRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
        Assert.That(host.Node.Leader, Is.EqualTo(Make.Id(2)));
    }

    [Test]
    public void Candidate_that_hears_from_a_leader_of_an_older_term_tells_it_of_the_newer_one()
    {
        var host = Candidate(3);
        host.Take<Message>();
        host.Step(new HeartbeatRequest(Make.Id(2), host.Id, Term.Zero, LogIndex.Zero, ClusterTime.Zero, 0));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Candidate));
        Assert.That(host.TakeOne<AppendResponse>().Term, Is.EqualTo(new Term(1)));
    }

    [Test]
    public void Leader_that_hears_of_a_newer_term_steps_down()
    {
        var host = Make.Leader(1, Make.Voters(3));
        host.Step(new AppendResponse(Make.Id(2), host.Id, new Term(7), false, LogIndex.Zero, LogIndex.Zero, Term.Zero, 0));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
        Assert.That(host.Node.Term, Is.EqualTo(new Term(7)));
        Assert.That(host.Disk.HardState, Is.EqualTo(new HardState(new Term(7), MemberId.None)));
    }

    [Test]
    public void Split_vote_ends_by_another_election_in_a_new_term()
    {
        var network = Network.OfVoters(2);
        network[1].TickToTimeout();
        network[2].TickToTimeout();
        network.Tick(6 * Make.T);
        Assert.That(network.Hosts.Count(h => h.Node.Role == RaftRole.Leader), Is.EqualTo(1));
    }

    [TestCase(10, 1, 8, 2, true, TestName = "Vote_goes_to_the_later_term_even_with_a_shorter_log")]
    [TestCase(8, 2, 10, 1, false, TestName = "Vote_is_denied_to_the_earlier_term_even_with_a_longer_log")]
    [TestCase(5, 2, 5, 2, true, TestName = "Vote_goes_to_an_equal_log")]
    [TestCase(5, 2, 6, 2, true, TestName = "Vote_goes_to_a_longer_log_of_the_same_term")]
    [TestCase(5, 2, 4, 2, false, TestName = "Vote_is_denied_when_candidate_log_is_behind")]
    public void Logs_are_compared_by_term_first(int ownLast, int ownTerm, int candidateLast, int candidateTerm, bool granted)
    {
        // raft-bugs 38.
        var log = Make.Log([.. Enumerable.Repeat((long)ownTerm, ownLast)]);
        var host = Make.Host(1, Make.Voters(3), log);
        var last = new LogIndex(candidateLast);
        host.Step(new PreVoteRequest(Make.Id(2), host.Id, new Term(5), last, new Term(candidateTerm), false));
        Assert.That(host.TakeOne<PreVoteResponse>().Granted, Is.EqualTo(granted));
        host.Step(new VoteRequest(Make.Id(2), host.Id, new Term(5), last, new Term(candidateTerm), false));
        Assert.That(host.TakeOne<VoteResponse>().Granted, Is.EqualTo(granted));
    }

    [Test]
    public void Longer_log_of_an_older_term_and_shorter_log_of_a_newer_one_still_elect_a_leader()
    {
        // raft-bugs 38: (10, t1) against (8, t2) with the third node down.
        var configuration = Make.Voters(3);
        var network = new Network(
            Make.Host(1, configuration, Make.Log([.. Enumerable.Repeat(1L, 10)]), term: 2),
            Make.Host(2, configuration, Make.Log(1, 1, 1, 1, 1, 1, 1, 2)));
        network.Tick(6 * Make.T);
        Assert.That(network[2].Node.Role, Is.EqualTo(RaftRole.Leader));
        Assert.That(network[1].Node.LastIndex, Is.EqualTo(new LogIndex(9)));
        Assert.That(network[1].Node.CommitIndex, Is.EqualTo(new LogIndex(9)));
    }

    [Test]
    public void Learner_never_campaigns_and_its_vote_counts_for_nothing()
    {
        var configuration = Make.Configured([1, 2, 3], learners: [4]);
        var learner = Make.Host(4, configuration);
        learner.Tick(5 * Make.T);
        Assert.That(learner.Node.Role, Is.EqualTo(RaftRole.Follower));
        Assert.That(learner.Sent, Is.Empty);

        var candidate = Make.Host(1, configuration);
        candidate.TickToTimeout();
        Assert.That(candidate.Take<PreVoteRequest>().Select(m => m.To), Is.EqualTo(new[] { Make.Id(2), Make.Id(3) }));
        candidate.Step(new PreVoteResponse(Make.Id(4), candidate.Id, new Term(1), true));
        Assert.That(candidate.Node.Role, Is.EqualTo(RaftRole.PreCandidate));
    }

    [Test]
    public void Member_outside_the_configuration_never_campaigns()
    {
        var host = Make.Host(9, Make.Voters(3));
        host.Tick(5 * Make.T);
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
        Assert.That(host.Sent, Is.Empty);
    }

    [Test]
    public void Joint_configuration_needs_both_majorities_to_elect()
    {
        var host = Make.Host(1, Make.Configured([1, 2, 3], outgoing: [3, 4, 5]));
        host.TickToTimeout();
        host.Step(new PreVoteResponse(Make.Id(2), host.Id, new Term(1), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.PreCandidate));
        host.Step(new PreVoteResponse(Make.Id(4), host.Id, new Term(1), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.PreCandidate));
        host.Step(new PreVoteResponse(Make.Id(5), host.Id, new Term(1), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Candidate));
    }

    [Test]
    public void Messages_for_somebody_else_are_not_heard()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.Step(new HeartbeatRequest(Make.Id(2), Make.Id(3), new Term(5), LogIndex.Zero, ClusterTime.Zero, 0));
        host.Step(new HeartbeatRequest(host.Id, host.Id, new Term(5), LogIndex.Zero, ClusterTime.Zero, 0));
        Assert.That(host.Node.Term, Is.EqualTo(Term.Zero));
        Assert.That(host.Sent, Is.Empty);
    }

    [Test]
    public void Member_that_is_being_added_hears_a_leader_it_does_not_know()
    {
        var host = Make.Host(9, Configuration.Empty);
        host.Step(new HeartbeatRequest(Make.Id(1), host.Id, new Term(5), LogIndex.Zero, ClusterTime.Zero, 0));
        Assert.That(host.Node.Leader, Is.EqualTo(Make.Id(1)));
    }

    [Test]
    public void Two_leaders_in_a_term_end_the_process()
    {
        var host = Make.Leader(1, Make.Voters(3));
        Assert.That(
            () => host.Step(new HeartbeatRequest(Make.Id(2), host.Id, host.Node.Term, LogIndex.Zero, ClusterTime.Zero, 0)),
            Throws.TypeOf<InvariantViolationException>());
    }

    private static Host Candidate(int size)
    {
        var host = Make.Host(1, Make.Voters(size));
        host.TickToTimeout();
        host.Step(new PreVoteResponse(Make.Id(2), host.Id, new Term(1), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Candidate));
        return host;
    }
}
