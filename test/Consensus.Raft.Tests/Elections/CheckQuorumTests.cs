using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Elections;

/// <summary>A leader that cannot do its work steps down (dissertation §6.2; raft-bugs 25).</summary>
public sealed class CheckQuorumTests
{
    [Test]
    public void Leader_that_hears_nobody_for_an_election_timeout_steps_down_in_its_term()
    {
        var host = Make.Leader(1, Make.Voters(3));
        host.Tick(Make.T - 1);
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Leader));
        host.Tick(1);
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
        Assert.That(host.Node.Leader, Is.EqualTo(MemberId.None));
        Assert.That(host.Node.Term, Is.EqualTo(new Term(1)));
    }

    [Test]
    public void Leader_that_hears_a_quorum_stays()
    {
        var host = Make.Leader(1, Make.Voters(5));
        for (var i = 0; i < 50; i++)
        {
            host.Tick(Make.T / 5);
            host.Step(new HeartbeatResponse(Make.Id(2), host.Id, new Term(1), 0));
            host.Step(new HeartbeatResponse(Make.Id(4), host.Id, new Term(1), 0));
        }
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Leader));
        var active = host.Node.GetProgress().Where(p => p.RecentlyActive).Select(p => p.Member);
        Assert.That(active, Is.EqualTo(new[] { Make.Id(2), Make.Id(4) }));
    }

    [Test]
    public void Answers_of_learners_do_not_keep_a_leader()
    {
        var host = Make.Leader(1, Make.Configured([1, 2, 3], learners: [4, 5]));
        for (var i = 0; i < 6; i++)
        {
            host.Tick(Make.T / 5);
            host.Step(new HeartbeatResponse(Make.Id(4), host.Id, new Term(1), 0));
            host.Step(new HeartbeatResponse(Make.Id(5), host.Id, new Term(1), 0));
        }
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
    }

    [Test]
    public void Joint_configuration_needs_both_majorities_to_stay()
    {
        var host = Make.Leader(1, Make.Configured([1, 2, 3], outgoing: [3, 4, 5]));
        for (var i = 0; i < 6; i++)
        {
            host.Tick(Make.T / 5);
            host.Step(new HeartbeatResponse(Make.Id(2), host.Id, new Term(1), 0));
            host.Step(new HeartbeatResponse(Make.Id(3), host.Id, new Term(1), 0));
        }
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower), "only one of 3, 4, 5 was heard");
    }

    [Test]
    public void Single_voter_stays()
    {
        var host = Make.Leader(1, Make.Voters(1));
        host.Tick(Make.T / 2);
        host.Tick(Make.T);
        host.Tick(Make.T);
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Leader));
    }

    [Test]
    public void Leader_whose_disk_stalls_calls_on_the_furthest_voter_to_stand_at_once()
    {
        var host = Make.Leader(1, Make.Voters(3));
        host.AcknowledgeAll(2, 3);
        host.PersistsAtOnce = false;
        host.Propose();
        for (var i = 0; i < 10 && host.Node.Role == RaftRole.Leader; i++)
        {
            host.Tick(Make.T / 5);
            host.Step(new AppendResponse(Make.Id(3), host.Id, host.Node.Term, true, host.Node.LastIndex, LogIndex.Zero, Term.Zero, 0));
            host.Step(new HeartbeatResponse(Make.Id(2), host.Id, new Term(1), 0));
        }
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
        Assert.That(host.Node.IsHeldUpByDisk, Is.True);
        var call = host.TakeOne<TimeoutNowRequest>();
        Assert.That((call.To, call.Term), Is.EqualTo((Make.Id(3), new Term(1))));
    }

    [Test]
    public void Leader_that_lost_its_quorum_calls_on_nobody()
    {
        var host = Make.Leader(1, Make.Voters(3));
        host.Tick(Make.T);
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
        Assert.That(host.Take<TimeoutNowRequest>(), Is.Empty);
    }

    [Test]
    public void Leader_whose_disk_stalls_steps_down_within_two_election_timeouts_and_does_not_stand_again()
    {
        var network = Network.OfVoters(3);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        network[1].PersistsAtOnce = false;
        network[1].Propose();
        network.Drops = message => message is TimeoutNowRequest;
        network.Tick((2 * Make.T) - 1, 1);
        Assert.That(network[1].Node.Role, Is.EqualTo(RaftRole.Follower));
        network.Tick(10 * Make.T, 1);
        Assert.That(network[1].Node.Term, Is.EqualTo(new Term(1)), "it never stood for election");
        network.Tick(3 * Make.T);
        Assert.That(network.Hosts.Single(h => h.Node.Role == RaftRole.Leader).Id, Is.Not.EqualTo(Make.Id(1)));
    }

    [Test]
    public void Leader_whose_disk_is_slow_but_moves_stays()
    {
        var network = Network.OfVoters(3);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        network[1].PersistsAtOnce = false;
        network[1].Propose();
        for (var i = 0; i < 10; i++)
        {
            network[1].Propose();
            network.Tick(Make.T - 1);
            network[1].PersistOne();
        }
        Assert.That(network[1].Node.Role, Is.EqualTo(RaftRole.Leader));
    }

    [Test]
    public void Deposed_leader_stands_again_once_its_disk_moves()
    {
        var host = Make.Leader(1, Make.Voters(1));
        host.PersistsAtOnce = false;
        host.Propose();
        host.Tick(Make.T);
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
        host.TickToTimeout();
        host.TickToTimeout();
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
        host.PersistsAtOnce = true;
        host.PersistAll();
        host.TickToTimeout();
        host.TickToTimeout();
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Leader));
    }
}
