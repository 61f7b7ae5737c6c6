using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Elections;

/// <summary>Pre-vote (dissertation §9.6), leader stickiness (§4.2.3) and what they protect (raft-bugs 23).</summary>
public sealed class PreVoteTests
{
    [TestCase(true)]
    [TestCase(false)]
    public void A_pre_vote_for_the_process_before_is_none_for_this_one(bool granted)
    {
        var host = Make.Host(1, Make.Voters(3), Make.Log(3));
        host.TickToTimeout();
        var before = host.Take<PreVoteRequest>();
        host.CrashAndRestart();
        host.TickToTimeout();
        var asked = host.Take<PreVoteRequest>();
        Assert.That(asked.Select(r => r.Term), Is.EqualTo(before.Select(r => r.Term)), "both ask for the term that is nobody's yet");
        var term = granted ? asked[0].Term : host.Node.Term;
        foreach (var request in before)
        {
            host.Step(new PreVoteResponse(request.To, host.Id, term, granted) { Boot = request.Boot });
        }
        Assert.That((host.Node.Role, host.Node.Term), Is.EqualTo((RaftRole.PreCandidate, new Term(3))));
        foreach (var request in asked)
        {
            host.Step(new PreVoteResponse(request.To, host.Id, term, granted) { Boot = request.Boot });
        }
        Assert.That(host.Node.Role, Is.EqualTo(granted ? RaftRole.Candidate : RaftRole.Follower));
    }

    [Test]
    public void A_newer_term_is_learned_from_an_answer_for_the_process_before_too()
    {
        var host = Make.Host(1, Make.Voters(3), Make.Log(3));
        host.CrashAndRestart();
        host.Step(new PreVoteResponse(Make.Id(2), host.Id, new Term(9), false));
        Assert.That(host.Node.Term, Is.EqualTo(new Term(9)));
    }

    [Test]
    public void A_voter_names_the_process_that_asked_for_its_pre_vote()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.Step(new PreVoteRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, Term.Zero, false) { Boot = 5 });
        Assert.That(host.TakeOne<PreVoteResponse>().Boot, Is.EqualTo(5));
    }

    [Test]
    public void Pre_vote_asks_for_the_next_term_and_changes_nothing()
    {
        var host = Make.Host(1, Make.Voters(3), Make.Log(1, 1), term: 3);
        host.TickToTimeout();
        var requests = host.Take<PreVoteRequest>();
        Assert.Multiple(() =>
        {
            Assert.That(requests.Select(r => r.To), Is.EqualTo(new[] { Make.Id(2), Make.Id(3) }));
            Check.All(requests, r =>
                r.Term == new Term(4) && r.LastIndex == new LogIndex(2) && r.LastTerm == new Term(1) && !r.LeaderGone);
            Assert.That(host.Node.Term, Is.EqualTo(new Term(3)));
            Assert.That(host.Disk.LastSubmitted, Is.Zero, "nothing is written");
        });
    }

    [Test]
    public void Pre_vote_request_of_a_higher_term_does_not_raise_the_receivers()
    {
        var host = Make.Host(1, Make.Voters(3), term: 3);
        host.Step(new PreVoteRequest(Make.Id(2), host.Id, new Term(9), LogIndex.Zero, Term.Zero, false));
        Assert.That(host.Node.Term, Is.EqualTo(new Term(3)));
        var response = host.TakeOne<PreVoteResponse>();
        Assert.That((response.Granted, response.Term), Is.EqualTo((true, new Term(9))));
        Assert.That(host.Disk.LastSubmitted, Is.Zero);
    }

    [Test]
    public void Pre_vote_may_be_granted_to_several()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.Step(new PreVoteRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, Term.Zero, false));
        host.Step(new PreVoteRequest(Make.Id(3), host.Id, new Term(1), LogIndex.Zero, Term.Zero, false));
        Check.All(host.Take<PreVoteResponse>(), r => r.Granted);
    }

    [Test]
    public void Pre_candidate_that_is_denied_by_a_majority_follows_in_its_old_term()
    {
        var host = Make.Host(1, Make.Voters(3), term: 3);
        host.TickToTimeout();
        host.Step(new PreVoteResponse(Make.Id(2), host.Id, new Term(3), false));
        host.Step(new PreVoteResponse(Make.Id(3), host.Id, new Term(3), false));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
        Assert.That(host.Node.Term, Is.EqualTo(new Term(3)));
    }

    [Test]
    public void Denied_pre_vote_teaches_a_newer_term()
    {
        var host = Make.Host(1, Make.Voters(3), term: 3);
        host.TickToTimeout();
        host.Step(new PreVoteResponse(Make.Id(2), host.Id, new Term(8), false));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
        Assert.That(host.Node.Term, Is.EqualTo(new Term(8)));

        var other = Make.Host(2, Make.Voters(3), term: 8);
        other.Step(new PreVoteRequest(Make.Id(1), other.Id, new Term(4), LogIndex.Zero, Term.Zero, false));
        var response = other.TakeOne<PreVoteResponse>();
        Assert.That((response.Granted, response.Term), Is.EqualTo((false, new Term(8))));
    }

    [Test]
    public void Granted_pre_vote_for_another_term_counts_for_nothing()
    {
        var host = Make.Host(1, Make.Voters(3), term: 3);
        host.TickToTimeout();
        host.Step(new PreVoteResponse(Make.Id(2), host.Id, new Term(3), true));
        host.Step(new PreVoteResponse(Make.Id(3), host.Id, new Term(5), true));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.PreCandidate));
        Assert.That(host.Node.Term, Is.EqualTo(new Term(3)));
    }

    [Test]
    public void Follower_that_hears_its_leader_denies_pre_votes_and_ignores_votes()
    {
        var host = FollowerOf2();
        host.Tick(Make.T - 1);
        host.Step(new PreVoteRequest(Make.Id(3), host.Id, new Term(9), new LogIndex(9), new Term(1), false));
        Assert.That(host.TakeOne<PreVoteResponse>().Granted, Is.False);
        host.Step(new VoteRequest(Make.Id(3), host.Id, new Term(9), new LogIndex(9), new Term(1), false));
        Assert.That(host.Sent, Is.Empty);
        Assert.That(host.Node.Term, Is.EqualTo(new Term(1)));
    }

    [Test]
    public void Follower_that_has_not_heard_its_leader_for_an_election_timeout_votes()
    {
        var host = FollowerOf2();
        host.Tick(Make.T);
        host.Step(new PreVoteRequest(Make.Id(3), host.Id, new Term(9), new LogIndex(9), new Term(1), false));
        Assert.That(host.TakeOne<PreVoteResponse>().Granted, Is.True);
        host.Step(new VoteRequest(Make.Id(3), host.Id, new Term(9), new LogIndex(9), new Term(1), false));
        Assert.That(host.TakeOne<VoteResponse>().Granted, Is.True);
    }

    [Test]
    public void Leader_is_not_deposed_by_a_vote_request_of_a_higher_term()
    {
        var host = Make.Leader(1, Make.Voters(3));
        host.Step(new PreVoteRequest(Make.Id(3), host.Id, new Term(9), new LogIndex(9), new Term(8), false));
        Assert.That(host.TakeOne<PreVoteResponse>().Granted, Is.False);
        host.Step(new VoteRequest(Make.Id(3), host.Id, new Term(9), new LogIndex(9), new Term(8), false));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Leader));
        Assert.That(host.Node.Term, Is.EqualTo(new Term(1)));
    }

    [Test]
    public void Transfer_target_may_override_stickiness()
    {
        var host = FollowerOf2();
        host.Step(new VoteRequest(Make.Id(3), host.Id, new Term(2), new LogIndex(9), new Term(1), Disruptive: true));
        Assert.That(host.TakeOne<VoteResponse>().Granted, Is.True);
    }

    [Test]
    public void Member_that_was_cut_off_does_not_disrupt_when_it_returns()
    {
        var network = Network.OfVoters(3);
        network.Elect(1);
        network.Isolate(3);
        network.Tick(10 * Make.T);
        Assert.That(network[3].Node.Term, Is.EqualTo(new Term(1)), "pre-votes do not raise the term");
        network.Heal();
        network.Tick(4 * Make.T);
        Assert.That(network[1].Node.Role, Is.EqualTo(RaftRole.Leader));
        Assert.That(network[1].Node.Term, Is.EqualTo(new Term(1)));
        Assert.That(network[3].Node.Leader, Is.EqualTo(Make.Id(1)));
    }

    [Test]
    public void Member_with_a_higher_term_and_an_old_log_comes_back_into_the_cluster()
    {
        // Its term is ahead, so it refuses the leader's appends; stickiness and its log keep it from being elected. The refusal itself frees it.
        var configuration = Make.Voters(3);
        var network = new Network(
            Make.Host(1, configuration, Make.Log(1, 1)),
            Make.Host(2, configuration, Make.Log(1, 1)),
            Make.Host(3, configuration, Make.Log(1), term: 7));
        network.Cut(1, 3);
        network.Cut(2, 3);
        network.Elect(1);
        network.Heal();
        network.Tick(6 * Make.T);
        var leader = network.Hosts.Single(h => h.Node.Role == RaftRole.Leader);
        Assert.That(leader.Node.Term, Is.GreaterThan(new Term(7)));
        Assert.That(network.Hosts.Select(h => h.Node.CommitIndex).Distinct().Count(), Is.EqualTo(1));
    }

    private static Host FollowerOf2()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.Step(new HeartbeatRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0));
        host.Take<Message>();
        return host;
    }
}
