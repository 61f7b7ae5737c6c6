using Consensus.Node.Core;
using Consensus.Primitives;

namespace Consensus.Node.Tests.Core;

/// <summary>Rule 3: members report a drift above 1 %.</summary>
public sealed class DriftMeterTests
{
    private const long Second = 1_000_000;

    [TestCase(1_005, 5, false, TestName = "Half_a_percent_is_within_the_promise")]
    [TestCase(1_009, 9, false, TestName = "Less_than_one_percent_is_no_alarm")]
    [TestCase(1_011, 11, true, TestName = "Leader_clock_that_runs_fast_is_told")]
    [TestCase(988, -12, true, TestName = "Leader_clock_that_runs_slow_is_told")]
    public void Rate_is_measured_over_a_minute(int leaderPerThousand, int parts, bool alarms)
    {
        var meter = new DriftMeter();
        for (var second = 0; second <= 61; second++)
        {
            meter.Observe(new Term(1), new ClusterTime(7 + (second * Second * leaderPerThousand / 1000)), second * Second);
        }
        Assert.That(meter.IsAlarming, Is.EqualTo(alarms));
        Assert.That(meter.PartsPerThousand, Is.EqualTo(parts));
    }

    [Test]
    public void Jump_of_the_clock_at_a_change_of_leader_is_no_drift()
    {
        var meter = new DriftMeter();
        for (var second = 0; second <= 200; second++)
        {
            var term = 1 + (second / 50);
            meter.Observe(new Term(term), new ClusterTime((second * Second) + (term * 30 * Second)), second * Second);
        }
        Assert.That(meter.PartsPerThousand, Is.Zero, "no window of a minute lay within one term");
    }

    [Test]
    public void Pause_of_this_member_is_no_drift()
    {
        var meter = new DriftMeter();
        var paused = 0L;
        for (var second = 0; second <= 130; second++)
        {
            if (second == 40)
            {
                // The cluster's clock went on while this member's loop stood still and then took no time for it.
                paused = 20 * Second;
                meter.Restart();
            }
            meter.Observe(new Term(1), new ClusterTime((second * Second) + paused), second * Second);
        }
        Assert.That(meter.PartsPerThousand, Is.Zero);
    }

    [Test]
    public void Messages_that_waited_for_a_stopped_member_are_no_drift()
    {
        var meter = new DriftMeter();
        for (var second = 0; second <= 200; second++)
        {
            // From 40 to 49 it stood still; what came meanwhile is seen at 50, all at once, each with the leader's clock at its leaving.
            if (second is >= 40 and < 50)
            {
                continue;
            }
            if (second == 50)
            {
                meter.Restart();
                for (var queued = 40; queued < 50; queued++)
                {
                    meter.Observe(new Term(1), new ClusterTime(queued * Second), second * Second);
                }
            }
            meter.Observe(new Term(1), new ClusterTime(second * Second), second * Second);
            Assert.That(meter.PartsPerThousand, Is.Zero, $"at {second} s");
        }
    }

    [Test]
    public void Pause_of_the_leader_is_no_drift()
    {
        var meter = new DriftMeter();
        for (var second = 0; second <= 200; second++)
        {
            // It stood still for ten seconds, which are no lease time, and leads on in the same term.
            if (second is < 40 or >= 50)
            {
                meter.Observe(new Term(1), new ClusterTime((second < 40 ? second : second - 10) * Second), second * Second);
            }
            Assert.That(meter.PartsPerThousand, Is.Zero, $"at {second} s");
        }
    }

    [Test]
    public void Messages_that_come_late_now_and_then_are_no_drift()
    {
        var meter = new DriftMeter();
        var random = new DeterministicRandom(5);
        for (var tenth = 0; tenth <= 3000; tenth++)
        {
            var delay = random.Next(3) == 0 ? (long)random.Next(900_000) : 500;
            meter.Observe(new Term(1), new ClusterTime(tenth * Second / 10), (tenth * Second / 10) + delay);
            Assert.That(meter.IsAlarming, Is.False);
        }
    }

    [Test]
    public void Drift_is_seen_though_the_leader_is_stopped_now_and_then()
    {
        var meter = new DriftMeter();
        var lost = 0L;
        for (var second = 0; second <= 300; second++)
        {
            lost += second % 60 == 30 ? 3 * Second : 0;
            meter.Observe(new Term(1), new ClusterTime((second * Second * 1_020 / 1_000) + (10 * Second) - Math.Min(lost, 10 * Second)), second * Second);
        }
        Assert.That(meter.IsAlarming, Is.True);
    }
}
