using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Tests.Core;

/// <summary>What members say of each other, and of their clocks, when some of them stand still.</summary>
public sealed class MemberHealthTests
{
    private const long Second = 1_000_000;

    [Test]
    public void A_leader_knows_contact_and_round_trip_of_all_and_a_follower_those_of_its_leader_only()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        cluster.Run(2 * Second);
        foreach (var member in cluster.Members)
        {
            var status = member.Core.Status;
            foreach (var other in status.Members.Where(other => !other.IsSelf))
            {
                if (member == cluster.Leader || other.IsLeader)
                {
                    Assert.That(other.Health, Is.EqualTo(MemberHealth.Healthy));
                    Assert.That(status.NowMicros - other.HeardAtMicros, Is.InRange(0, Second));
                    Assert.That(other.RoundTripMicros, Is.InRange(1, Second));
                }
                else
                {
                    Assert.That((other.Health, other.HeardAtMicros, other.RoundTripMicros, other.MatchIndex), Is.EqualTo((MemberHealth.Unknown, (long?)null, (long?)null, (LogIndex?)null)));
                }
            }
            Assert.That(status.Members.Single(self => self.IsSelf).Health, Is.EqualTo(MemberHealth.Healthy));
        }
    }

    [Test]
    public void A_member_that_is_cut_off_is_silent_to_its_leader_and_its_leader_to_it_though_the_links_stand()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        cluster.Run(Second);
        var (leader, lost) = (cluster.Leader, cluster.Followers.First());
        cluster.CutOff(lost);
        cluster.Until(() => Of(leader, lost).Health == MemberHealth.Silent, "the leader says that it is silent");
        Assert.That(Of(leader, lost).IsLinked, Is.True);
        Assert.That(lost.Core.Status.Members.Where(other => !other.IsSelf).Select(other => other.Health), Has.None.EqualTo(MemberHealth.Healthy));
        cluster.Until(() => Of(lost, lost).Health == MemberHealth.NotReady, "and it says so of itself, once its own time-out is over");
        cluster.Reconnect(lost);
        cluster.Until(() => Of(cluster.Leader, lost).Health == MemberHealth.Healthy, "it is healthy again");
    }

    [Test]
    public void A_member_that_answers_heartbeats_and_takes_no_entry_is_not_acknowledging()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        var (leader, deaf) = (cluster.Leader, cluster.Followers.First());
        cluster.OnTheWay = (_, to, message) => to == deaf && message is RaftPeerMessage { Message: AppendRequest } ? null : message;
        leader.Send(new PutCommand(Key.FromText("a"), new byte[1], LeaseId.None, KeyCondition.None));
        cluster.Until(() => Of(leader, deaf).Health == MemberHealth.NotAcknowledging, "the leader says so");
        cluster.Run(Second);
        Assert.That(Of(leader, deaf).Health, Is.EqualTo(MemberHealth.NotAcknowledging));
        cluster.OnTheWay = (_, _, message) => message;
        cluster.Until(() => Of(leader, deaf).Health == MemberHealth.Healthy, "it is healthy again");
    }

    [Test]
    public void A_follower_that_was_stopped_for_ten_seconds_raises_no_clock_alarm()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        cluster.Run(5 * Second);
        Stop(cluster, cluster.Followers.First());
        AssertNoAlarm(cluster, 80);
    }

    [Test]
    public void A_leader_that_was_stopped_for_ten_seconds_and_leads_on_raises_no_clock_alarm()
    {
        // Of two, the other cannot lead without it.
        var cluster = new CoreCluster(2);
        cluster.UntilReady();
        cluster.Run(5 * Second);
        var (leader, term) = (cluster.Leader, cluster.Leader.Core.Term);
        Stop(cluster, leader);
        AssertNoAlarm(cluster, 80);
        Assert.That((cluster.Leader, cluster.Leader.Core.Term), Is.EqualTo((leader, term)), "else nothing was measured across the stop");
    }

    private static void Stop(CoreCluster cluster, CoreMember member)
    {
        member.IsPaused = true;
        cluster.Run(10 * Second);
        member.IsPaused = false;
    }

    private static void AssertNoAlarm(CoreCluster cluster, int seconds)
    {
        for (var second = 0; second < seconds; second++)
        {
            cluster.Run(Second);
            foreach (var member in cluster.Members)
            {
                Assert.That(member.Core.Status.Alarms, Is.Empty, $"{second} s after the stop");
            }
        }
    }

    private static MemberStatus Of(CoreMember seenBy, CoreMember member) => seenBy.Core.Status.Members.Single(known => known.Id == member.Id);
}
