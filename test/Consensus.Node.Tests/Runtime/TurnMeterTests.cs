using Consensus.Node.Runtime;

namespace Consensus.Node.Tests.Runtime;

public sealed class TurnMeterTests
{
    private TimeSpan _stopped = TimeSpan.FromSeconds(9);

    [Test]
    public void Turns_their_length_their_delay_and_the_time_since_are_told()
    {
        var meter = new TurnMeter(1_000, 500_000, () => _stopped);
        meter.Begin(10_000, dueAt: 0);
        meter.End(10_400);
        meter.Begin(60_000, dueAt: 55_000);
        meter.End(60_900);
        Assert.That(meter.Read(70_900), Is.EqualTo(new Consensus.Node.LoopStatus(2, 1_300, 900, 5_000, 10_000, 500_000)), "the first turn was due at no time");
    }

    [Test]
    public void Stops_of_the_runtime_are_no_part_of_the_turn_they_fell_into()
    {
        var meter = new TurnMeter(0, 500_000, () => _stopped);
        meter.Begin(0, 0);
        _stopped += TimeSpan.FromMilliseconds(40);
        meter.End(43_000);
        Assert.That(meter.Read(43_000).LongestTurnMicros, Is.EqualTo(3_000));
        _stopped += TimeSpan.FromMilliseconds(40);
        meter.Begin(100_000, 100_000);
        meter.End(104_000);
        Assert.That(meter.Read(104_000).LongestTurnMicros, Is.EqualTo(4_000), "a stop between two turns belongs to neither");
    }

    [Test]
    public void The_longest_stop_of_the_runtime_is_told_whether_it_fell_into_a_turn_or_between_two()
    {
        var meter = new TurnMeter(0, 500_000, () => _stopped);
        meter.Begin(0, 0);
        Assert.That(meter.Read(0).LongestStopMicros, Is.Zero, "what was before the first turn is not known one by one");
        _stopped += TimeSpan.FromMilliseconds(30);
        meter.End(33_000);
        meter.Begin(40_000, 40_000);
        meter.End(41_000);
        _stopped += TimeSpan.FromMilliseconds(50);
        meter.Begin(100_000, 100_000);
        meter.End(101_000);
        _stopped += TimeSpan.FromMilliseconds(20);
        meter.Begin(200_000, 200_000);
        Assert.That(meter.Read(200_000).LongestStopMicros, Is.EqualTo(50_000));
    }

    [Test]
    public void Turns_longer_than_20_ms_are_counted_and_stops_of_the_runtime_make_none_long()
    {
        var meter = new TurnMeter(0, 500_000, () => _stopped);
        foreach (var (begin, end, stop) in new[] { (0, 20_000, 0), (100_000, 120_001, 0), (200_000, 230_000, 15), (300_000, 400_000, 0) })
        {
            meter.Begin(begin, begin);
            _stopped += TimeSpan.FromMilliseconds(stop);
            meter.End(end);
        }
        Assert.That(meter.Read(400_000).LongTurns, Is.EqualTo(2));
    }

    [Test]
    public void A_turn_that_goes_on_counts_as_idle_for_whoever_looks()
    {
        var meter = new TurnMeter(0, 500_000, () => _stopped);
        meter.Begin(100, 0);
        meter.End(200);
        meter.Begin(300, 300);
        Assert.That(meter.Read(40_000_200).IdleMicros, Is.EqualTo(40_000_000));
    }

    [Test]
    public void A_turn_that_comes_before_it_is_due_is_not_late()
    {
        var meter = new TurnMeter(0, 500_000, () => _stopped);
        meter.Begin(100, 0);
        meter.End(200);
        meter.Begin(300, dueAt: 9_000);
        meter.End(400);
        Assert.That(meter.Read(400).LongestDelayMicros, Is.Zero);
    }

    [Test]
    public void The_most_that_a_turn_applied_is_told_whatever_came_after_it()
    {
        var meter = new TurnMeter(0, 500_000, () => _stopped);
        foreach (var units in (long[])[40, 7_000, 300])
        {
            meter.Begin(0, 0);
            meter.Applied(units);
            meter.End(10);
        }
        Assert.That(meter.Read(10).MostUnits, Is.EqualTo(7_000));
    }
}
