using System.Diagnostics;
using Consensus.Simulation.Faults;
using Consensus.Simulation.Runs;

namespace Consensus.Simulation.Commands;

/// <summary>
/// Looks for less that fails in the same way: without a kind of fault, with fewer clients, with a shorter phase one. What still fails is kept; it ends when nothing
/// more can be left out, or after <paramref name="most"/>.
/// </summary>
internal sealed class Shrinker(SimulationPlan drawn, TimeSpan most, Action<string> say)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>The least that was found, with its result.</summary>
    public (Reduction Reduction, RunResult Result) Shrink(Reduction first, RunResult failed)
    {
        var least = (Reduction: first, Result: failed);
        for (var before = -1L; before != least.Result.Events && _clock.Elapsed < most;)
        {
            before = least.Result.Events;
            foreach (var candidate in Candidates(least.Reduction, least.Result))
            {
                if (_clock.Elapsed >= most)
                {
                    break;
                }
                var reduction = candidate(least.Reduction);
                if (reduction == least.Reduction)
                {
                    continue;
                }
                var result = RunResult.Of(drawn.Reduce(reduction));
                if (result.Failure?.Checker == failed.Failure!.Checker)
                {
                    least = (reduction, result);
                    say($"still fails with {reduction}: {result.Events} events");
                }
            }
        }
        return least;
    }

    /// <summary>Each takes something out of what was found so far.</summary>
    private List<Func<Reduction, Reduction>> Candidates(Reduction from, RunResult failed)
    {
        var candidates = new List<Func<Reduction, Reduction>>();
        // All that did not happen before the failure is not needed.
        var idle = Reduction.KindsIn(drawn.Faults.Kinds & ~from.Without).Where(kind => !failed.Injected.ContainsKey(kind)).Aggregate(FaultKinds.None, (a, b) => a | b);
        candidates.Add(reduction => reduction with { Without = reduction.Without | idle });
        foreach (var kind in Reduction.KindsIn(drawn.Faults.Kinds & ~from.Without))
        {
            candidates.Add(reduction => reduction with { Without = reduction.Without | kind });
        }
        foreach (var share in new[] { 2, 4 })
        {
            candidates.Add(reduction => reduction with { Clients = Clients(reduction) / share });
        }
        candidates.Add(reduction => reduction with { Clients = Math.Max(0, Clients(reduction) - 1) });
        foreach (var percent in new[] { 10, 30, 50, 80, 90 })
        {
            candidates.Add(reduction => reduction with { PhaseOneMicros = Math.Max(100_000, PhaseOne(reduction) * percent / 100 / 100_000 * 100_000) });
        }
        return candidates;
    }

    private int Clients(Reduction reduction) => reduction.Clients ?? drawn.TotalClients;

    private long PhaseOne(Reduction reduction) => reduction.PhaseOneMicros ?? drawn.DurationMicros;
}
