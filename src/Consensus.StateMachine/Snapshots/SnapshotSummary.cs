using Consensus.Primitives;
using Consensus.Primitives.Wire;

namespace Consensus.StateMachine.Snapshots;

/// <summary>What a snapshot's first section says of the whole, so that a large one can be described without being decoded.</summary>
public sealed record SnapshotSummary(
    LogIndex AppliedIndex,
    ClusterTime AppliedStamp,
    Revision Revision,
    StateHash Hash,
    long Keys,
    long Leases,
    long HoldsInUse,
    long Waiters,
    long Fences)
{
    /// <summary>Reads the first section of a snapshot. Throws <see cref="WireFormatException"/> when it is another one, or not of this version.</summary>
    public static SnapshotSummary Read(int kind, ReadOnlyMemory<byte> body)
    {
        var meta = MetaSection.Read(kind, body);
        var counts = meta.Counts;
        return new SnapshotSummary(
            meta.AppliedIndex, meta.AppliedStamp, meta.Revision, ReplicatedState.HashOf(meta.Applied, meta.Digest), counts.Keys, counts.Leases, counts.HoldsInUse, counts.Waiters, counts.Fences);
    }
}
