using Consensus.Primitives;

namespace Consensus.Simulation.Engine;

/// <summary>
/// A monotonic clock that runs at a rate of its own. It remembers its rates, so that a checker can tell which clocks kept the promised bound when.
/// </summary>
public sealed class SimulatedClock(long startsAtMicros)
{
    private const long Million = 1_000_000;

    private readonly List<Stretch> _stretches = [new Stretch(0, startsAtMicros, 0)];

    /// <summary>How much faster than true time it runs, in parts per million.</summary>
    public int Rate => Last.Rate;

    private Stretch Last => _stretches[^1];

    /// <summary>What it shows, or showed, at a true time.</summary>
    public long At(long trueMicros)
    {
        var i = _stretches.Count - 1;
        while (i > 0 && _stretches[i].From > trueMicros)
        {
            i--;
        }
        return _stretches[i].At(trueMicros);
    }

    /// <summary>The first true time at which it shows, or showed, at least this.</summary>
    public long WhenShows(long localMicros)
    {
        var i = _stretches.Count - 1;
        while (i > 0 && _stretches[i].Shows > localMicros)
        {
            i--;
        }
        var (from, shows, rate) = _stretches[i];
        return localMicros <= shows ? from : from + ((((localMicros - shows) * Million) + Million + rate - 1) / (Million + rate));
    }

    public void SetRate(long trueNow, int partsPerMillion)
    {
        Invariant.Require(trueNow >= Last.From, "a clock's rate changes in order of time");
        _stretches.Add(new Stretch(trueNow, Last.At(trueNow), partsPerMillion));
    }

    /// <summary>The fastest and the slowest rate within a span of true time.</summary>
    public (int Slowest, int Fastest) RatesWithin(long from, long to)
    {
        var (slowest, fastest) = (int.MaxValue, int.MinValue);
        for (var i = _stretches.Count - 1; i >= 0; i--)
        {
            if (_stretches[i].From <= to)
            {
                slowest = Math.Min(slowest, _stretches[i].Rate);
                fastest = Math.Max(fastest, _stretches[i].Rate);
            }
            if (_stretches[i].From <= from)
            {
                break;
            }
        }
        return (slowest, fastest);
    }

    private readonly record struct Stretch(long From, long Shows, int Rate)
    {
        public long At(long trueMicros) => Shows + ((trueMicros - From) * (Million + Rate) / Million);
    }
}
