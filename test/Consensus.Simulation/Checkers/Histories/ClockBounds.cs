using Consensus.Simulation.Engine;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// Knows who led when, and how fast clocks ran: leases are promised only while the rates of the clocks that matter, the holder's and those
/// of the leaders, are within
/// ±0.5 % of each other (rule 3).
/// </summary>
public sealed class ClockBounds
{
    private const long Million = 1_000_000;
    private const long PromisedPartsPerThousand = 5;

    private readonly List<(SimulatedClock Clock, long From, long To)> _reigns = [];
    private readonly Dictionary<int, (SimulatedClock Clock, long From)> _now = [];

    /// <summary>A member takes itself for the leader from now on.</summary>
    public void BeginsToLead(int member, SimulatedClock clock, long at) => _now.TryAdd(member, (clock, at));

    public void CeasesToLead(int member, long at)
    {
        if (_now.Remove(member, out var reign))
        {
            _reigns.Add((reign.Clock, reign.From, at));
        }
    }

    /// <summary>True when no leader's clock ran too fast for this clock in that span of true time.</summary>
    public bool WereKept(SimulatedClock holder, long from, long to)
    {
        var slowest = holder.RatesWithin(from, to).Slowest;
        foreach (var (clock, begin, end) in _reigns)
        {
            if (begin <= to && end >= from && !IsWithin(clock.RatesWithin(Math.Max(begin, from), Math.Min(end, to)).Fastest, slowest))
            {
                return false;
            }
        }
        foreach (var (clock, begin) in _now.Values)
        {
            if (begin <= to && !IsWithin(clock.RatesWithin(Math.Max(begin, from), to).Fastest, slowest))
            {
                return false;
            }
        }
        return true;
    }

    private static bool IsWithin(int fastest, int slowest) =>
        (Million + fastest) * 1000 <= (Million + slowest) * (1000 + PromisedPartsPerThousand);
}
