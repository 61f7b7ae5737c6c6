using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Transfer;

/// <summary>Leadership transfer. Dissertation §3.10.</summary>
public sealed class TransferTests
{
    private static readonly MemberId Two = Make.Id(2);
    private static readonly MemberId Three = Make.Id(3);

    [Test]
    public void Leadership_moves_at_once_to_a_target_that_is_up_to_date()
    {
        var network = Network.OfVoters(3);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        Assert.That(network[1].Node.TransferLeadership(Three), Is.True);
        network.Settle();
        Assert.That(network[3].Node.Role, Is.EqualTo(RaftRole.Leader));
        Assert.That(network[3].Node.Term, Is.EqualTo(new Term(2)));
        Assert.That(network[1].Node.Leader, Is.EqualTo(Three));
        Assert.That(network[1].Node.TransferTarget, Is.EqualTo(MemberId.None));
    }

    [Test]
    public void Old_leader_answers_no_read_after_a_transfer()
    {
        // raft-bugs 19.
        var network = Network.OfVoters(3);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        network[1].Node.TransferLeadership(Two);
        network.Isolate(1);
        network[2].Step(new TimeoutNowRequest(Make.Id(1), Two, new Term(1)));
        network.Settle();
        Assert.That(network[2].Node.Role, Is.EqualTo(RaftRole.Leader));
        Assert.That(network[1].Node.Role, Is.EqualTo(RaftRole.Leader), "it does not know yet");
        network[1].Node.ReadIndex(7);
        network.Tick(2 * Make.T);
        Assert.That(network[1].Reads, Is.EqualTo(new[] { new ReadState(7, LogIndex.Zero, true) }));
    }

    [Test]
    public void Target_that_is_behind_catches_up_first()
    {
        var host = Settled();
        host.Propose();
        host.Take<Message>();
        Assert.That(host.Node.TransferLeadership(Two), Is.True);
        host.Pump();
        Assert.That(host.Take<TimeoutNowRequest>(), Is.Empty);
        host.AcknowledgeAll(2);
        Assert.That(host.TakeOne<TimeoutNowRequest>().To, Is.EqualTo(Two));
    }

    [Test]
    public void Proposals_are_refused_meanwhile()
    {
        var host = Settled();
        host.Node.TransferLeadership(Two);
        Assert.That(host.Propose(), Is.EqualTo(ProposeResult.Transferring));
        Assert.That(host.Node.TransferTarget, Is.EqualTo(Two));
    }

    [Test]
    public void Transfer_that_takes_an_election_timeout_is_given_up()
    {
        var host = Settled();
        host.Node.TransferLeadership(Two);
        for (var i = 0; i < 10; i++)
        {
            Assert.That(host.Node.TransferTarget, Is.EqualTo(Two));
            host.Tick(Make.T / 10);
            host.Step(new HeartbeatResponse(Three, host.Id, host.Node.Term, 0));
        }
        Assert.That(host.Node.TransferTarget, Is.EqualTo(MemberId.None));
        Assert.That(host.Propose(), Is.EqualTo(ProposeResult.Appended));
    }

    [Test]
    public void Voter_that_is_furthest_is_picked()
    {
        var host = Settled();
        host.Propose();
        host.AcknowledgeAll(3);
        Assert.That(host.Node.TransferLeadership(MemberId.None), Is.True);
        Assert.That(host.Node.TransferTarget, Is.EqualTo(Three));
    }

    [Test]
    public void Of_equals_the_one_heard_last_is_picked()
    {
        var host = Settled();
        host.Tick(10);
        host.Step(new HeartbeatResponse(Three, host.Id, host.Node.Term, 0));
        host.Node.TransferLeadership(MemberId.None);
        Assert.That(host.Node.TransferTarget, Is.EqualTo(Three));
    }

    [Test]
    public void Only_a_leader_hands_over_and_only_to_another_voter()
    {
        Assert.That(Make.Host(1, Make.Voters(3)).Node.TransferLeadership(Two), Is.False);
        var host = Make.Leader(1, Make.Configured([1, 2, 3], learners: [4]));
        Assert.Multiple(() =>
        {
            Assert.That(host.Node.TransferLeadership(host.Id), Is.False);
            Assert.That(host.Node.TransferLeadership(Make.Id(4)), Is.False);
            Assert.That(host.Node.TransferLeadership(Make.Id(9)), Is.False);
        });
        Assert.That(Make.Leader(1, Make.Voters(1)).Node.TransferLeadership(MemberId.None), Is.False);
    }

    [Test]
    public void Target_campaigns_without_a_pre_vote_and_may_override_stickiness()
    {
        var host = Make.Host(2, Make.Voters(3));
        host.Step(new HeartbeatRequest(Make.Id(1), host.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0));
        host.Take<Message>();
        host.Step(new TimeoutNowRequest(Make.Id(1), host.Id, new Term(1)));
        Assert.That(host.Take<PreVoteRequest>(), Is.Empty);
        Check.All(host.Take<VoteRequest>(), v => v.Disruptive && v.Term == new Term(2));
    }

    [Test]
    public void Only_the_present_leader_may_call_an_election()
    {
        var host = Make.Host(2, Make.Voters(3));
        host.Step(new HeartbeatRequest(Make.Id(1), host.Id, new Term(2), LogIndex.Zero, ClusterTime.Zero, 0));
        host.Step(new TimeoutNowRequest(Three, host.Id, new Term(2)));
        host.Step(new TimeoutNowRequest(Make.Id(1), host.Id, new Term(1)));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
    }

    [Test]
    public void Learner_that_is_told_to_campaign_does_not()
    {
        var host = Make.Host(4, Make.Configured([1, 2, 3], learners: [4]));
        host.Step(new HeartbeatRequest(Make.Id(1), host.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0));
        host.Step(new TimeoutNowRequest(Make.Id(1), host.Id, new Term(1)));
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
    }

    private static Host Settled()
    {
        var host = Make.Leader(1, Make.Voters(3));
        host.AcknowledgeAll(2, 3);
        host.Take<Message>();
        return host;
    }
}
