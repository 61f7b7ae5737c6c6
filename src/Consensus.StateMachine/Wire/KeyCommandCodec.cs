using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;

namespace Consensus.StateMachine.Wire;

/// <summary>Commands about keys, as <c>commands.proto</c> has them.</summary>
internal static class KeyCommandCodec
{
    /// <summary>The message <c>Put</c>.</summary>
    public static class Put
    {
        private static readonly MessageShape Shape = new("a put");
        private static readonly int Key = Shape.Bytes(1);
        private static readonly int Value = Shape.Bytes(2);
        private static readonly int Lease = Shape.Id(3);
        private static readonly int Condition = Shape.Number(4);
        private static readonly int ConditionModRevision = Shape.Number(5);

        public static void Write(WireWriter writer, PutCommand put)
        {
            writer.Bytes(Key, put.Key.Bytes);
            writer.Bytes(Value, put.Value.Span);
            writer.Fixed64(Lease, (ulong)put.Lease.Value);
            WriteCondition(writer, Condition, ConditionModRevision, put.Condition);
        }

        public static PutCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            var condition = ReadCondition(fields, Condition, ConditionModRevision);
            return new PutCommand(fields.Key(Key), fields.Bytes(Value), fields.Lease(Lease), condition);
        }
    }

    /// <summary>The message <c>Delete</c>.</summary>
    public static class Delete
    {
        private static readonly MessageShape Shape = new("a delete");
        private static readonly int Key = Shape.Bytes(1);
        private static readonly int Condition = Shape.Number(4);
        private static readonly int ConditionModRevision = Shape.Number(5);

        public static void Write(WireWriter writer, DeleteCommand delete)
        {
            writer.Bytes(Key, delete.Key.Bytes);
            WriteCondition(writer, Condition, ConditionModRevision, delete.Condition);
        }

        public static DeleteCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new DeleteCommand(fields.Key(Key), ReadCondition(fields, Condition, ConditionModRevision));
        }
    }

    /// <summary>The message <c>DeletePrefix</c>.</summary>
    public static class DeletePrefix
    {
        private static readonly MessageShape Shape = new("a delete of a prefix");
        private static readonly int Prefix = Shape.Bytes(1);

        public static void Write(WireWriter writer, DeletePrefixCommand delete) => writer.Bytes(Prefix, delete.Prefix.Bytes);

        public static DeletePrefixCommand Read(ReadOnlyMemory<byte> body) => new(new Fields(body, Shape).Key(Prefix));
    }

    /// <summary>The message <c>Compact</c>.</summary>
    public static class Compact
    {
        private static readonly MessageShape Shape = new("a compaction");
        private static readonly int UpTo = Shape.Number(1);

        public static void Write(WireWriter writer, CompactCommand compact) => writer.Int64(UpTo, compact.UpTo.Value);

        public static CompactCommand Read(ReadOnlyMemory<byte> body) => new(new Revision(new Fields(body, Shape).Number(UpTo)));
    }

    private static void WriteCondition(WireWriter writer, int kind, int modRevision, KeyCondition condition)
    {
        writer.Int64(kind, (int)condition.Kind);
        writer.Int64(modRevision, condition.ModRevision.Value);
    }

    private static KeyCondition ReadCondition(in Fields fields, int kind, int modRevision) => fields.Number(kind) is var number
        && number <= (long)KeyConditionKind.Exists
            ? new KeyCondition((KeyConditionKind)number, new Revision(fields.Number(modRevision)))
            : throw new WireFormatException($"a key condition of the unknown kind {number}");
}
