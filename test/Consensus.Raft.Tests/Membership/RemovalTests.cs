using Consensus.Primitives;
using Consensus.Raft.Membership;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Membership;

/// <summary>The way out: how a member learns that it was removed, and how a leader removes itself. Dissertation §4.2.2.</summary>
public sealed class RemovalTests
{
    private static readonly MemberId One = Make.Id(1);

    [Test]
    public void Follower_learns_from_the_log_that_it_was_removed()
    {
        var network = Settled(3);
        Remove(network, 1, 3);
        network.Settle();
        Assert.That(network[3].AppliedConfiguration.Removed, Is.EqualTo(new[] { Make.Id(3) }));
        network.Tick(Make.Options.HeartbeatIntervalTicks * 3);
        Assert.That(network[1].Node.GetProgress().Select(p => p.Member), Is.EqualTo(new[] { Make.Id(2) }));
    }

    [Test]
    public void Member_that_was_left_out_is_not_waited_for()
    {
        var network = Settled(3);
        network.Isolate(3);
        Remove(network, 1, 3);
        network.Settle();
        Assert.That(network[1].Node.ChangeIsUnderWay, Is.False);
        network.Tick(2 * Make.T);
        network.Heal();
        network.Drops = m => m.From == Make.Id(3);
        var before = network[3].Node.LastIndex;
        network[1].Propose();
        network.Tick(Make.T);
        Assert.That(network[3].Node.LastIndex, Is.EqualTo(before), "nobody sends it anything any more");
    }

    [Test]
    public void Leader_that_removes_itself_does_not_count_itself()
    {
        var host = Make.Leader(1, Make.Voters(3));
        host.AcknowledgeAll(2, 3);
        host.Node.ProposeChange(new RemoveMember(One), RequestId.None, out _, out _);
        host.Pump();
        host.AcknowledgeAll(2);
        Assert.That(host.Node.Configuration.IsJoint, Is.True, "the new half lacks one of 2 and 3");
        host.AcknowledgeAll(3);
        Assert.That(host.Node.Configuration.IsVoter(One), Is.False);
        host.AcknowledgeAll(2);
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Leader), "its own copy and that of 2 are no majority of 2 and 3");
        host.Take<Message>();
        host.AcknowledgeAll(3);
        Assert.That(host.Node.Role, Is.EqualTo(RaftRole.Follower));
        Assert.That(host.TakeOne<TimeoutNowRequest>().To, Is.EqualTo(Make.Id(3)).Or.EqualTo(Make.Id(2)));
    }

    [Test]
    public void Another_leads_at_once_after_the_leader_removed_itself()
    {
        var network = Settled(3);
        Remove(network, 1, 1);
        network.Settle();
        var leader = network.Hosts.Single(h => h.Node.Role == RaftRole.Leader);
        Assert.That(leader.Id, Is.Not.EqualTo(One));
        Assert.That(network[1].AppliedConfiguration.Removed, Is.EqualTo(new[] { One }));
        Assert.That(leader.Propose(), Is.EqualTo(ProposeResult.Appended));
        network.Settle();
        Assert.That(leader.AppliedIndex, Is.EqualTo(leader.Node.LastIndex));
        network.Tick(10 * Make.T);
        Assert.That(network[1].Node.Role, Is.EqualTo(RaftRole.Follower));
    }

    [Test]
    public void Member_that_its_newest_configuration_leaves_out_stands_while_that_may_not_be_committed()
    {
        // Found by the simulation: 1 holds the entry that leaves it out, 2 does not and cannot win against 1's longer log. Without 1 nobody leads again.
        var joint = Make.Configured([2], outgoing: [1, 2]);
        var left = Make.Configured([2]) with { Removed = [One] };
        var network = new Network(
            Make.Host(1, Make.Voters(2), [Make.Entry(1, 1), Make.ConfigurationEntry(2, 1, joint), Make.ConfigurationEntry(3, 1, left)]),
            Make.Host(2, Make.Voters(2), [Make.Entry(1, 1), Make.ConfigurationEntry(2, 1, joint)]));
        network.Tick(6 * Make.T);
        Assert.That(network[2].Node.Role, Is.EqualTo(RaftRole.Leader));
        Assert.That(network[2].Node.ChangeIsUnderWay, Is.False);
        Assert.That(network[2].Node.Configuration.Voters, Is.EqualTo(new[] { Make.Id(2) }));
    }

    [Test]
    public void Removed_member_does_not_stand_once_it_knows_that_its_removal_is_committed()
    {
        var network = Settled(3);
        Remove(network, 1, 3);
        network.Settle();
        network.Isolate(3);
        network[3].Tick(10 * Make.T);
        Assert.That(network[3].Sent, Is.Empty);
    }

    [Test]
    public void Change_survives_partition_crash_and_pause_together()
    {
        // raft-bugs 21.
        var network = Settled(5);
        network.Cut(1, 4);
        network.Cut(1, 5);
        Remove(network, 1, 2);
        network.Drops = m => m is AppendRequest { To.Value: 3 };
        network.Settle();
        Assert.That(network[1].Node.ChangeIsUnderWay, Is.True);
        network[1].CrashAndRestart();
        network[2].CrashAndRestart();
        network.Isolate(1);
        network.Drops = _ => false;
        network.Tick(6 * Make.T, 2, 3, 4, 5);
        var leader = network.Hosts.Single(h => h.Node.Role == RaftRole.Leader);
        network.Heal();
        network.Tick(6 * Make.T);
        Assert.That(leader.Node.ChangeIsUnderWay, Is.False);
        Assert.That(network.Hosts.Where(h => leader.Node.Configuration.Find(h.Id) is not null).Select(h => h.AppliedIndex), Is.All.EqualTo(leader.AppliedIndex));
    }

    private static void Remove(Network network, int leader, int member) =>
        Assert.That(
            network[leader].Node.ProposeChange(new RemoveMember(Make.Id(member)), RequestId.None, out _, out _).Verdict,
            Is.EqualTo(ChangeVerdict.Appended));

    private static Network Settled(int size)
    {
        var network = Network.OfVoters(size);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        return network;
    }
}
