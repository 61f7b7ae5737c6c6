using Consensus.Raft;
using Consensus.Simulation.Network;
using Consensus.Simulation.Watches;
using Consensus.StateMachine;
using Consensus.Storage;

namespace Consensus.Simulation.Nodes;

/// <summary>What a cluster is made of; all times in microseconds.</summary>
public sealed record ClusterPlan
{
    public required ulong Seed { get; init; }

    /// <summary>1 to 7.</summary>
    public int Nodes { get; init; } = 3;

    /// <summary>Machines that are not members at first, and may join. With any, who is linked with whom follows the configuration.</summary>
    public int Spares { get; init; }

    public RaftOptions Raft { get; init; } = new();

    public StorageOptions Storage { get; init; } = new() { SegmentBytes = 256 << 10, MaxSnapshotBytes = 64 << 20 };

    public long SnapshotEntries { get; init; } = 1_000;

    /// <summary>What one turn may apply, in units of the production budget.</summary>
    public long TurnUnits { get; init; } = 5_000;

    public Limits Limits { get; init; } = Limits.Default;

    /// <summary>
    /// Members are started with different settings for a new cluster: those of the first that announces itself are in force, on all.
    /// </summary>
    public bool MembersDiffer { get; init; }

    public NetworkOptions Network { get; init; } = new();

    public DiskTiming Disk { get; init; } = new();

    public WorkCost Cost { get; init; } = new();

    public WatcherOptions Watches { get; init; } = new();

    /// <summary>Lines of trace to keep; 0 for none.</summary>
    public int TraceLines { get; init; }
}

/// <summary>What the work of a member costs in virtual time, beside what <see cref="DiskTiming"/> says.</summary>
public sealed record WorkCost
{
    /// <summary>Microseconds for each unit of the turn's budget that a turn applies: what it asks for is done only then, as is the next turn.</summary>
    public long UnitMicros { get; init; } = 1;

    /// <summary>Bytes of snapshots that are encoded and written, or read and decoded, in a second; 0 for as many as there are.</summary>
    public long SnapshotBytesPerSecond { get; init; }

    /// <summary>How long it takes, in microseconds, to do something with so many bytes of a snapshot.</summary>
    public long SnapshotMicros(long bytes) => SnapshotBytesPerSecond == 0 ? 0 : bytes * 1_000_000 / SnapshotBytesPerSecond;
}

/// <summary>How long the disk takes when nothing is wrong with it, in microseconds.</summary>
public sealed record DiskTiming
{
    public long SyncMicros { get; init; } = 500;

    public long JitterMicros { get; init; } = 500;

    public long SnapshotMicros { get; init; } = 5_000;
}
