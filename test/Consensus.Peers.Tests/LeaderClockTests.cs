using Consensus.Peers.Serving;
using Consensus.Primitives;

namespace Consensus.Peers.Tests;

public sealed class LeaderClockTests
{
    private readonly MovedTime _time = new();
    private readonly LeaderClock _clock;

    public LeaderClockTests() => _clock = new LeaderClock(_time);

    [Test]
    public void A_leader_counts_on_from_the_last_stamp_that_it_had_applied()
    {
        Assert.That(_clock.Now(term: 1, new ClusterTime(1000)), Is.EqualTo(new ClusterTime(1000)));
        _time.Move(TimeSpan.FromMicroseconds(70));
        Assert.That(_clock.Now(term: 1, new ClusterTime(1010)), Is.EqualTo(new ClusterTime(1070)));
    }

    [Test]
    public void The_time_between_two_terms_is_not_counted()
    {
        _clock.Now(term: 1, new ClusterTime(1000));
        _time.Move(TimeSpan.FromMicroseconds(500));
        Assert.That(_clock.Now(term: 3, new ClusterTime(1200)), Is.EqualTo(new ClusterTime(1200)));
    }

    [Test]
    public void It_is_never_behind_what_was_applied()
    {
        _clock.Now(term: 1, new ClusterTime(1000));
        Assert.That(_clock.Now(term: 1, new ClusterTime(5000)), Is.EqualTo(new ClusterTime(5000)));
    }

    private sealed class MovedTime : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Move(TimeSpan by) => _ticks += by.Ticks;
    }
}
