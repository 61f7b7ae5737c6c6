using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Time;

/// <summary>When members were heard and how far away they are, by the owner's time: for people, and nothing is decided by it.</summary>
public sealed class ContactTests
{
    [Test]
    public void Leader_measures_the_way_from_a_heartbeats_leaving_to_its_answers_arrival_and_tells_the_follower()
    {
        var leader = Make.Leader(1, Make.Voters(3));
        leader.Node.ObserveTime(1_000_000, wasPaused: false);
        Assert.That(Answered(leader, after: 800).RoundTripMicros, Is.Zero, "not known yet");
        Assert.That(Progress(leader, 2).RoundTripMicros, Is.EqualTo(800));
        Assert.That(Progress(leader, 2).HeardMicros, Is.EqualTo(1_000_800));
        Assert.That(Answered(leader, after: 1_600).RoundTripMicros, Is.EqualTo(800));
        Assert.That(Progress(leader, 2).RoundTripMicros, Is.EqualTo(900), "an eighth of the new one");
        Assert.That((Progress(leader, 3).RoundTripMicros, Progress(leader, 3).HeardMicros), Is.EqualTo(((long?)null, (long?)null)), "it never answered");
    }

    [Test]
    public void What_waited_while_the_leader_was_paused_measures_nothing()
    {
        var leader = Make.Leader(1, Make.Voters(3));
        leader.Node.ObserveTime(1_000_000, wasPaused: false);
        Answered(leader, after: 800);
        leader.Sent.Clear();
        leader.Tick(100);
        var request = leader.Sent.OfType<HeartbeatRequest>().Single(sent => sent.To == Make.Id(2));
        leader.Node.ObserveTime(11_000_000, wasPaused: true);
        leader.Step(new HeartbeatResponse(Make.Id(2), leader.Id, leader.Node.Term, 0) { SentMicros = request.SentMicros });
        Assert.That((Progress(leader, 2).RoundTripMicros, Progress(leader, 2).HeardMicros), Is.EqualTo((800L, 11_000_000L)));
    }

    [TestCase(0)]
    [TestCase(long.MaxValue)]
    public void An_answer_with_a_time_that_was_never_told_measures_nothing(long sent)
    {
        var leader = Make.Leader(1, Make.Voters(3));
        leader.Node.ObserveTime(1_000_000, wasPaused: false);
        leader.Step(new HeartbeatResponse(Make.Id(2), leader.Id, leader.Node.Term, 0) { SentMicros = sent });
        Assert.That(Progress(leader, 2).RoundTripMicros, Is.Null);
    }

    [Test]
    public void Follower_knows_when_it_heard_its_leader_and_what_that_measured()
    {
        var follower = Make.Host(1, Make.Voters(3));
        follower.Node.ObserveTime(5_000_000, wasPaused: false);
        follower.Step(new HeartbeatRequest(Make.Id(2), follower.Id, new Term(1), LogIndex.Zero, ClusterTime.Zero, 0) { SentMicros = 77, RoundTripMicros = 400 });
        Assert.That(follower.Node.LeaderContact, Is.EqualTo((5_000_000L, (long?)400L)));
        Assert.That(follower.Sent.OfType<HeartbeatResponse>().Single().SentMicros, Is.EqualTo(77));
        follower.Node.ObserveTime(6_000_000, wasPaused: false);
        follower.Step(new HeartbeatRequest(Make.Id(3), follower.Id, new Term(2), LogIndex.Zero, ClusterTime.Zero, 0));
        Assert.That(follower.Node.LeaderContact, Is.EqualTo((6_000_000L, (long?)null)), "another leader has measured nothing yet");
    }

    /// <summary>The heartbeat of the next interval, answered by member 2 so many microseconds later.</summary>
    private static HeartbeatRequest Answered(Host leader, long after)
    {
        leader.Sent.Clear();
        leader.Tick(100);
        var request = leader.Sent.OfType<HeartbeatRequest>().Single(sent => sent.To == Make.Id(2));
        leader.Node.ObserveTime(request.SentMicros + after, wasPaused: false);
        leader.Step(new HeartbeatResponse(Make.Id(2), leader.Id, leader.Node.Term, 0) { SentMicros = request.SentMicros });
        return request;
    }

    private static ProgressStatus Progress(Host leader, int member) => leader.Node.GetProgress().Single(known => known.Member == Make.Id(member));
}
