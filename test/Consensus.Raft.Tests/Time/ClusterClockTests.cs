using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Tests.Support;
using Consensus.Raft.Time;

namespace Consensus.Raft.Tests.Time;

/// <summary>Rule 1.</summary>
public sealed class ClusterClockTests
{
    [Test]
    public void Higher_terms_time_replaces_a_lower_terms_even_if_it_is_smaller()
    {
        var clock = new ClusterClock(new Term(3), new ClusterTime(1000));
        clock.Observe(new Term(4), new ClusterTime(200));
        Assert.That(clock.Now, Is.EqualTo(new ClusterTime(200)));
    }

    [Test]
    public void In_the_same_term_the_later_time_is_kept()
    {
        var clock = new ClusterClock(new Term(3), new ClusterTime(1000));
        clock.Observe(new Term(3), new ClusterTime(200));
        Assert.That(clock.Now, Is.EqualTo(new ClusterTime(1000)));
        clock.Observe(new Term(3), new ClusterTime(1200));
        Assert.That(clock.Now, Is.EqualTo(new ClusterTime(1200)));
    }

    [Test]
    public void Lower_terms_time_says_nothing()
    {
        var clock = new ClusterClock(new Term(3), new ClusterTime(1000));
        clock.Observe(new Term(2), new ClusterTime(5000));
        Assert.That(clock.Now, Is.EqualTo(new ClusterTime(1000)));
    }

    [TestCase(100, 900, 900)]
    [TestCase(900, 100, 900)]
    public void New_leader_starts_at_the_later_of_last_stamp_and_kept_time(long kept, long lastStamp, long expected)
    {
        var clock = new ClusterClock(new Term(3), new ClusterTime(kept));
        clock.StartLeading(new Term(4), new ClusterTime(lastStamp));
        Assert.That(clock.Now, Is.EqualTo(new ClusterTime(expected)));
        clock.Observe(new Term(3), new ClusterTime(9999));
        Assert.That(clock.Now, Is.EqualTo(new ClusterTime(expected)));
    }

    [Test]
    public void Clock_never_runs_backward() =>
        Assert.That(() => new ClusterClock(Term.Zero, ClusterTime.Zero).Advance(-1), Throws.TypeOf<InvariantViolationException>());

    [Test]
    public void Clock_runs_only_while_leading()
    {
        var host = Make.Host(1, Make.Voters(3), [Make.Entry(1, 1, stamp: 500)]);
        host.Node.AdvanceClock(1000);
        Assert.That(host.Node.Clock, Is.EqualTo(new ClusterTime(500)), "leaderless time is not counted");
        host.BecomeLeader();
        Assert.That(host.Node.LastStamp, Is.EqualTo(new ClusterTime(500)));
        host.Node.AdvanceClock(1000);
        Assert.That(host.Node.Clock, Is.EqualTo(new ClusterTime(1500)));
        host.Propose();
        Assert.That(host.Node.LastStamp, Is.EqualTo(new ClusterTime(1500)));
    }

    [Test]
    public void New_leader_starts_from_the_last_log_entry_not_the_last_applied_one()
    {
        var host = Make.Leader(1, Make.Voters(3), [Make.Entry(1, 1, stamp: 500), Make.Entry(2, 1, stamp: 800)]);
        Assert.That(host.Node.CommitIndex, Is.EqualTo(LogIndex.Zero));
        Assert.That(host.Node.Clock, Is.EqualTo(new ClusterTime(800)));
    }

    [Test]
    public void Every_message_of_a_leader_carries_its_clock()
    {
        var host = Make.Leader(1, Make.Voters(3));
        host.AcknowledgeAll(2, 3);
        host.Take<Message>();
        host.Node.AdvanceClock(700);
        host.Propose();
        Check.All(host.Take<AppendRequest>(), a => a.Clock == new ClusterTime(700));
        host.Node.AdvanceClock(1);
        host.Tick(Make.Options.HeartbeatIntervalTicks);
        Check.All(host.Take<HeartbeatRequest>(), h => h.Clock == new ClusterTime(701));
    }

    [Test]
    public void Follower_keeps_its_leaders_time_and_takes_a_new_leaders_smaller_one()
    {
        var host = Make.Host(1, Make.Voters(3));
        host.Step(new HeartbeatRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, new ClusterTime(9000), 0));
        Assert.That(host.Node.Clock, Is.EqualTo(new ClusterTime(9000)));
        host.Step(new AppendRequest(Make.Id(3), host.Id, new Term(2), LogIndex.Zero, Term.Zero, [], LogIndex.Zero, new ClusterTime(4000), 0));
        Assert.That(host.Node.Clock, Is.EqualTo(new ClusterTime(4000)));
        host.Step(new HeartbeatRequest(Make.Id(2), host.Id, new Term(1), LogIndex.Zero, new ClusterTime(9500), 0));
        Assert.That(host.Node.Clock, Is.EqualTo(new ClusterTime(4000)));
    }

    [Test]
    public void Stamp_that_decreases_along_the_log_ends_the_process()
    {
        var host = Make.Host(1, Make.Voters(3), [Make.Entry(1, 1, stamp: 500)]);
        var request = new AppendRequest(
            Make.Id(2), host.Id, new Term(1), new LogIndex(1), new Term(1), [Make.Entry(2, 1, stamp: 499)], LogIndex.Zero, ClusterTime.Zero, 0);
        Assert.That(() => host.Step(request), Throws.TypeOf<InvariantViolationException>());
    }

    [Test]
    public void Time_entry_is_logged_with_its_stamp_only()
    {
        var host = Make.Leader(1, Make.Voters(1));
        host.Node.AdvanceClock(50);
        host.Node.Propose(new Proposal(EntryKind.Time, RequestId.None, default), out _, out _);
        host.Pump();
        Assert.That((host.Applied[^1].Kind, host.Applied[^1].Stamp), Is.EqualTo((EntryKind.Time, new ClusterTime(50))));
    }
}
