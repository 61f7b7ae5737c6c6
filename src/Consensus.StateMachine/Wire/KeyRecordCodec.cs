using Consensus.Primitives;
using Consensus.Primitives.Wire;

namespace Consensus.StateMachine.Wire;

/// <summary>The message <c>KeyValue</c> of <c>snapshot.proto</c>: a key as it stands, or as the history has it.</summary>
internal static class KeyRecordCodec
{
    private static readonly MessageShape Shape = new("a key");
    private static readonly int KeyField = Shape.Bytes(1);
    private static readonly int Value = Shape.Bytes(2);
    private static readonly int CreateRevision = Shape.Number(3);
    private static readonly int ModRevision = Shape.Number(4);
    private static readonly int Version = Shape.Number(5);
    private static readonly int Lease = Shape.Id(6);

    public static void Write(WireWriter writer, Key key, KeyRecord record)
    {
        writer.Bytes(KeyField, key.Bytes);
        writer.Bytes(Value, record.Value.Span);
        writer.Int64(CreateRevision, record.CreateRevision.Value);
        writer.Int64(ModRevision, record.ModRevision.Value);
        writer.Int64(Version, record.Version);
        writer.Fixed64(Lease, (ulong)record.Lease.Value);
    }

    public static (Key Key, KeyRecord Record) Read(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Shape);
        return (fields.Key(KeyField), new KeyRecord(
            fields.Bytes(Value).ToArray(),
            new Revision(fields.Number(CreateRevision)),
            new Revision(fields.Number(ModRevision)),
            fields.Number(Version),
            fields.Lease(Lease)));
    }
}
