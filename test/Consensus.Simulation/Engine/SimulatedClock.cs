using Consensus.Primitives;

namespace Consensus.Simulation.Engine;

/// <summary>
/// A monotonic clock that runs at a rate of its own. It remembers its rates, so that a checker can tell which clocks kept the promised bound when.
/// </summary>
public sealed class SimulatedClock(long startsAtMicros)
{
    private const long Million = 1_000_000;

    private readonly List<(long From, int Rate)> _rates = [(0, 0)];
    private long _baseTrue;
    private long _baseLocal = startsAtMicros;

    /// <summary>How much faster than true time it runs, in parts per million.</summary>
    public int Rate { get; private set; }

    /// <summary>What it shows at a true time that is not before the last change of its rate.</summary>
    public long At(long trueMicros) => _baseLocal + ((trueMicros - _baseTrue) * (Million + Rate) / Million);

    /// <summary>The first true time at which it shows at least this.</summary>
    public long WhenShows(long localMicros)
    {
        var ahead = localMicros - _baseLocal;
        if (ahead <= 0)
        {
            return _baseTrue;
        }
        return _baseTrue + (((ahead * Million) + Million + Rate - 1) / (Million + Rate));
    }

    public void SetRate(long trueNow, int partsPerMillion)
    {
        Invariant.Require(trueNow >= _baseTrue, "a clock's rate changes in order of time");
        _baseLocal = At(trueNow);
        _baseTrue = trueNow;
        Rate = partsPerMillion;
        _rates.Add((trueNow, partsPerMillion));
    }

    /// <summary>The fastest and the slowest rate within a span of true time.</summary>
    public (int Slowest, int Fastest) RatesWithin(long from, long to)
    {
        var (slowest, fastest) = (int.MaxValue, int.MinValue);
        for (var i = _rates.Count - 1; i >= 0; i--)
        {
            if (_rates[i].From <= to)
            {
                slowest = Math.Min(slowest, _rates[i].Rate);
                fastest = Math.Max(fastest, _rates[i].Rate);
            }
            if (_rates[i].From <= from)
            {
                break;
            }
        }
        return (slowest, fastest);
    }
}
