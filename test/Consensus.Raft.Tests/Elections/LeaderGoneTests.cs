using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Elections;

/// <summary>The quick pre-vote after the leader's process died (rule 6).</summary>
public sealed class LeaderGoneTests
{
    [Test]
    public void Pre_vote_follows_within_the_delay_when_the_leaders_process_is_gone()
    {
        var host = FollowerOf2(1);
        host.Node.ReportProcessGone(Make.Id(2));
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.InRange(0, Make.Options.LeaderGoneDelayTicks));
        host.TickToTimeout();
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.PreCandidate));
        Assert.That(host.Node.Leader, Is.EqualTo(MemberId.None));
        Check.All(host.Take<PreVoteRequest>(), r => r.LeaderGone);
    }

    [Test]
    public void Another_members_end_starts_nothing()
    {
        var host = FollowerOf2(1);
        var before = host.Node.TicksUntilNextTimeout();
        host.Node.ReportProcessGone(Make.Id(3));
        host.Node.ReportProcessGone(MemberId.None);
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.EqualTo(before));
    }

    [Test]
    public void Voter_that_saw_nothing_itself_stays_with_its_leader()
    {
        var host = FollowerOf2(1);
        host.Step(new PreVoteRequest(Make.Id(3), host.Id, new Term(2), new LogIndex(9), new Term(1), LeaderGone: true));
        Assert.That(host.TakeOne<PreVoteResponse>().Granted, Is.False);
        host.Step(new VoteRequest(Make.Id(3), host.Id, new Term(2), new LogIndex(9), new Term(1), Disruptive: false));
        Assert.That(host.Sent, Is.Empty);
    }

    [Test]
    public void Voter_that_saw_the_same_helps()
    {
        var host = FollowerOf2(1);
        host.Node.ReportProcessGone(Make.Id(2));
        host.Step(new PreVoteRequest(Make.Id(3), host.Id, new Term(2), new LogIndex(9), new Term(1), LeaderGone: true));
        Assert.That(host.TakeOne<PreVoteResponse>().Granted, Is.True);
        host.Step(new VoteRequest(Make.Id(3), host.Id, new Term(2), new LogIndex(9), new Term(1), Disruptive: false));
        Assert.That(host.TakeOne<VoteResponse>().Granted, Is.True);
    }

    [Test]
    public void Observation_is_forgotten_when_the_leader_is_heard_again()
    {
        var host = FollowerOf2(1);
        host.Node.ReportProcessGone(Make.Id(2));
        Hear2(host);
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.GreaterThanOrEqualTo(Make.T));
        host.Step(new PreVoteRequest(Make.Id(3), host.Id, new Term(2), new LogIndex(9), new Term(1), LeaderGone: true));
        Assert.That(host.TakeOne<PreVoteResponse>().Granted, Is.False);
    }

    [Test]
    public void Observation_is_forgotten_with_the_term()
    {
        var host = FollowerOf2(1);
        host.Node.ReportProcessGone(Make.Id(2));
        host.Step(new HeartbeatRequest(Make.Id(3), host.Id, new Term(2), LogIndex.Zero, ClusterTime.Zero, 0));
        host.Take<Message>();
        host.Step(new PreVoteRequest(Make.Id(2), host.Id, new Term(3), new LogIndex(9), new Term(1), LeaderGone: true));
        Assert.That(host.TakeOne<PreVoteResponse>().Granted, Is.False);
    }

    [Test]
    public void Death_of_the_leader_is_over_in_a_fraction_of_an_election_timeout([Range(1, 20)] int seed)
    {
        var network = Network.OfVoters(3, Make.Options with { Seed = (ulong)seed });
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        network.Isolate(1);
        network[2].Node.ReportProcessGone(Make.Id(1));
        network[3].Node.ReportProcessGone(Make.Id(1));
        network.Tick(Make.T / 2, 2, 3);
        Assert.That(network.Hosts.Count(h => h.Id != Make.Id(1) && h.Node.Role == RaftRole.Leader), Is.EqualTo(1));
    }

    [Test]
    public void Member_that_noticed_first_but_was_denied_asks_again_soon()
    {
        var network = Network.OfVoters(3);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        // Member 2 has an entry more: only it can win.
        network.Cut(1, 3);
        network[1].Propose();
        network.Settle();
        network.Isolate(1);
        Assert.That(network[2].Node.LastIndex, Is.GreaterThan(network[3].Node.LastIndex));
        network[2].Node.ReportProcessGone(Make.Id(1));
        network.Tick(Make.Options.LeaderGoneDelayTicks + 1, 2, 3);
        network[3].Node.ReportProcessGone(Make.Id(1));
        network.Tick(Make.T / 2, 2, 3);
        Assert.That(network[2].Node.Role, Is.EqualTo(RaftRole.Leader));
    }

    [Test]
    public void Living_leader_keeps_its_place_when_one_follower_cannot_reach_it()
    {
        var network = Network.OfVoters(3);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        network.Cut(1, 2);
        network[2].Node.ReportProcessGone(Make.Id(1));
        network.Tick(5 * Make.T);
        Assert.That(network[1].Node.Role, Is.EqualTo(RaftRole.Leader));
        Assert.That(network[1].Node.Term, Is.EqualTo(new Term(1)));
    }

    [Test]
    public void Of_two_equals_that_ask_at_the_same_moment_the_lower_id_goes_on()
    {
        var two = FollowerOf1(2);
        var three = FollowerOf1(3);
        two.Node.ReportProcessGone(Make.Id(1));
        three.Node.ReportProcessGone(Make.Id(1));
        two.TickToTimeout();
        three.TickToTimeout();
        var fromTwo = two.TakeOne<PreVoteRequest>(three.Id);
        var fromThree = three.TakeOne<PreVoteRequest>(two.Id);
        two.Step(fromThree);
        three.Step(fromTwo);
        Assert.That(two.TakeOne<PreVoteResponse>().Granted, Is.False);
        Assert.That(three.TakeOne<PreVoteResponse>().Granted, Is.True);
    }

    private static Host FollowerOf2(int self)
    {
        var host = Make.Host(self, Make.Voters(3));
        Hear2(host);
        return host;
    }

    private static void Hear2(Host host)
    {
        host.Step(new HeartbeatRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0));
        host.Take<Message>();
    }

    private static Host FollowerOf1(int self)
    {
        var host = Make.Host(self, Make.Voters(3));
        host.Step(new HeartbeatRequest(Make.Id(1), host.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0));
        host.Take<Message>();
        return host;
    }
}
