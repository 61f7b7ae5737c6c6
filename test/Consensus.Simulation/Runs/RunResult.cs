using Consensus.Primitives;
using Consensus.Simulation.Checkers;
using Consensus.Simulation.Faults;
using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Runs;

/// <summary>What one run was and how it ended.</summary>
/// <param name="VirtualMicros">Virtual time that passed.</param>
/// <param name="Injected">How often each kind of fault happened.</param>
/// <param name="Undecided">Objects whose history was too long a search.</param>
/// <param name="Told">Messages that watches were told.</param>
/// <param name="WatchesOpened">Watches that began, at one member or another.</param>
/// <param name="WatchesCompacted">How often what a watch was to be told next was forgotten.</param>
/// <param name="Trace">Running hash over every event.</param>
/// <param name="Failure">Null when every promise was kept.</param>
public sealed record RunResult(
    SimulationPlan Plan,
    long VirtualMicros,
    long Events,
    long Operations,
    long Entries,
    int Elections,
    long SnapshotsTaken,
    IReadOnlyDictionary<FaultKinds, long> Injected,
    int Undecided,
    long Told,
    long WatchesOpened,
    long WatchesCompacted,
    StateHash Trace,
    SimulationFailureException? Failure)
{
    /// <summary>Runs a plan to its end, or to the first promise that is broken.</summary>
    /// <param name="plan">What is run.</param>
    /// <param name="wiring">Null for the right one.</param>
    /// <param name="watches">Null for all checkers.</param>
    /// <param name="trace">Given the run's trace, when it is over.</param>
    public static RunResult Of(SimulationPlan plan, Wiring? wiring = null, WatchOptions? watches = null, Action<IEnumerable<string>>? trace = null)
    {
        var run = new SimulationRun(plan, wiring, watches);
        SimulationFailureException? failure = null;
        try
        {
            run.Run();
        }
        catch (SimulationFailureException broken)
        {
            failure = broken;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Production code threw where the simulator expects nothing of the kind, or the simulator itself did: as bad, and to be replayed as well.
            failure = new SimulationFailureException("exception", e.Message, e);
        }
        trace?.Invoke(run.Cluster.Trace.Lines);
        return new RunResult(
            plan,
            run.Cluster.Time.Now,
            run.Cluster.Time.Events,
            run.History.Operations.Count,
            run.Entries,
            run.Elections,
            run.Cluster.SnapshotsTaken,
            Counted(run),
            run.Undecided,
            run.Told,
            run.WatchesOpened,
            run.WatchesCompacted,
            run.Cluster.Trace.Hash,
            failure);
    }

    private static SortedDictionary<FaultKinds, long> Counted(SimulationRun run)
    {
        var counts = new SortedDictionary<FaultKinds, long>();
        foreach (var (kind, count) in run.Injected)
        {
            counts[kind] = count;
        }
        var network = run.Cluster.Network;
        foreach (var (kind, count) in new[]
        {
            (FaultKinds.Loss, network.Lost), (FaultKinds.Duplication, network.Duplicated), (FaultKinds.Reordering, network.Overtaken),
        })
        {
            if (count > 0)
            {
                counts[kind] = count;
            }
        }
        return counts;
    }
}
