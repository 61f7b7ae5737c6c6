using Consensus.Primitives;
using Consensus.Primitives.Wire;

namespace Consensus.StateMachine.Wire;

/// <summary>The message <c>KeyValue</c> of <c>snapshot.proto</c>.</summary>
internal static class KeyRecordCodec
{
    public const string Shape = "bbvvvf";

    public static void Write(WireWriter writer, Key key, KeyRecord record)
    {
        writer.Bytes(1, key.Bytes);
        writer.Bytes(2, record.Value.Span);
        writer.Int64(3, record.CreateRevision.Value);
        writer.Int64(4, record.ModRevision.Value);
        writer.Int64(5, record.Version);
        writer.Fixed64(6, (ulong)record.Lease.Value);
    }

    /// <param name="fields">Of the shape <see cref="Shape"/>.</param>
    /// <param name="value">The field 2, or a copy of it that outlives what is read.</param>
    public static KeyRecord Read(in Fields fields, ReadOnlyMemory<byte> value) =>
        new(value, new Revision(fields.Number(3)), new Revision(fields.Number(4)), fields.Number(5), fields.Lease(6));
}
