using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.History;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Snapshots;

public static partial class SnapshotWriter
{
    /// <summary>
    /// What a key became is not written: it is what the next change of the key replaced, or else the key as it stands. So every value is written once, and a
    /// restored history shares its values with the keys as the original did.
    /// </summary>
    private static void WriteChange(WireWriter writer, Recorded recorded)
    {
        writer.Int64(1, recorded.Change.Revision.Value);
        writer.Int64(2, recorded.Stamp.Micros);
        int start;
        switch (recorded.Change)
        {
            case KeyChange change:
                writer.Bytes(3, change.Key.Bytes);
                if (change.Before is { } before)
                {
                    start = writer.BeginMessage(4);
                    KeyRecordCodec.Write(writer, default, before);
                    writer.EndMessage(start);
                }
                break;
            case ElectionChange change:
                writer.Bytes(3, change.Name.Bytes);
                start = writer.BeginMessage(5);
                if (change.Leader is { } leader)
                {
                    WriteLeader(writer, leader);
                }
                writer.EndMessage(start);
                break;
            default:
                Invariant.Unreachable<int>(recorded.Change);
                break;
        }
    }

    private static void WriteLeader(WireWriter writer, Hold leader)
    {
        var start = writer.BeginMessage(1);
        writer.String(1, leader.Owner);
        writer.Int64(2, leader.Token.Value);
        writer.Fixed64(3, (ulong)leader.Lease.Value);
        writer.Int64(4, leader.TtlMicros);
        writer.Int64(5, leader.AcquiredRevision.Value);
        writer.Int64(6, leader.Deadline.Micros);
        writer.Int64(7, leader.HoldUntil.Micros);
        writer.Int64(8, leader.LockDelayMicros);
        writer.Bytes(9, leader.Metadata.Span);
        writer.Bytes(10, leader.Value.Span);
        writer.EndMessage(start);
    }

    private static void WriteFence(WireWriter writer, Key resource, FencingToken highest)
    {
        writer.Bytes(1, resource.Bytes);
        writer.Int64(2, highest.Value);
    }
}
