using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Snapshots;

/// <summary>What a snapshot's first section says of the whole, so that a large one can be described without being decoded.</summary>
public sealed record SnapshotSummary(
    LogIndex AppliedIndex,
    ClusterTime AppliedStamp,
    Revision Revision,
    StateHash Hash,
    long Keys,
    long Leases,
    long LocksHeld,
    long Waiters,
    long Fences)
{
    /// <summary>The shape of the meta section (<see cref="Fields"/>).</summary>
    internal const string MetaShape = "vvvhvvvvvvvvvvvvv";

    /// <summary>Reads the first section of a snapshot. Throws <see cref="WireFormatException"/> when it is another one, or not of this version.</summary>
    public static SnapshotSummary Read(int kind, ReadOnlyMemory<byte> body)
    {
        if (kind != SectionKind.Meta)
        {
            throw new WireFormatException("a snapshot that does not begin with its meta section");
        }
        var meta = new Fields(body, MetaShape, "a snapshot's meta section");
        return new SnapshotSummary(
            new LogIndex(meta.Number(1)),
            meta.Time(2),
            new Revision(meta.Number(3)),
            new StateHash((ulong)meta.Number(4)),
            meta.Number(8),
            meta.Number(9),
            meta.Number(10),
            meta.Number(11),
            meta.Number(15));
    }
}
