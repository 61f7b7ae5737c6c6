using Consensus.Primitives;
using Consensus.Storage.Tests.Simulation;

namespace Consensus.Simulation.Nodes;

/// <summary>What is wrong with one machine's disk now.</summary>
public sealed class DiskFaults(ulong seed)
{
    private const string Snapshots = SimulatedNode.DataPath + "/snap/";

    private readonly DeterministicRandom _random = new(seed);

    /// <summary>Multiplies every latency.</summary>
    public long Slowness { get; set; } = 1;

    /// <summary>True time before which nothing completes.</summary>
    public long StalledUntil { get; set; }

    /// <summary>ENOSPC for whatever takes space.</summary>
    public bool IsFull { get; set; }

    /// <summary>The next sync fails with EIO.</summary>
    public bool NextSyncFails { get; set; }

    /// <summary>The next read of a snapshot's file fails with EIO.</summary>
    public bool NextSnapshotReadFails { get; set; }

    /// <summary>The process is ending: at each step the chance that this is where it ends, in thirds.</summary>
    public bool IsEnding { get; set; }

    /// <summary>Crash somewhere in the next recovery.</summary>
    public bool RecoveryCrashes { get; set; }

    public bool IsFaulty => IsFull || NextSyncFails || NextSnapshotReadFails || RecoveryCrashes;

    public long Injected { get; private set; }

    /// <summary>Another disk is in its place, with nothing wrong with it; how fast it is remains.</summary>
    public void Replaced() => (IsFull, NextSyncFails, NextSnapshotReadFails, RecoveryCrashes) = (false, false, false, false);

    internal DiskFault Judge(DiskOperation operation)
    {
        if (operation.Kind == DiskOperationKind.Read)
        {
            return JudgeRead(operation.Path);
        }
        if (IsEnding || RecoveryCrashes)
        {
            return _random.Next(6) switch
            {
                0 => Count(DiskFault.CrashBefore),
                1 => Count(DiskFault.CrashAfter),
                _ => DiskFault.None,
            };
        }
        if (NextSyncFails && operation.IsSync)
        {
            NextSyncFails = false;
            return Count(DiskFault.InputOutputError);
        }
        return IsFull && operation.TakesSpace ? Count(DiskFault.Full) : DiskFault.None;
    }

    private DiskFault JudgeRead(string path)
    {
        if (!NextSnapshotReadFails || IsEnding || !path.StartsWith(Snapshots, StringComparison.Ordinal))
        {
            return DiskFault.None;
        }
        NextSnapshotReadFails = false;
        return Count(DiskFault.InputOutputError);
    }

    private DiskFault Count(DiskFault fault)
    {
        Injected++;
        RecoveryCrashes = false;
        return fault;
    }
}
