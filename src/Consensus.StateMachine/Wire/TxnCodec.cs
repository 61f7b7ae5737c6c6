using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;

namespace Consensus.StateMachine.Wire;

/// <summary>The message <c>Txn</c> of <c>commands.proto</c>: it nests, so it has a codec of its own.</summary>
internal static class TxnCodec
{
    // Three repeated messages: a shape has one.
    private const int Compares = 1;
    private const int Success = 2;
    private const int Failure = 3;

    /// <summary>The message <c>TxnCompare</c>.</summary>
    private static class Compare
    {
        public static readonly MessageShape Shape = new("a compare");
        public static readonly int Target = Shape.Number(1);
        public static readonly int Comparison = Shape.Number(2);
        public static readonly int Name = Shape.Bytes(3);
        public static readonly int Number = Shape.Number(4);
        public static readonly int Value = Shape.Bytes(5);
        public static readonly int Space = Shape.Number(6);
    }

    /// <summary>The message <c>TxnOperation</c>: one of the three.</summary>
    private static class Operation
    {
        public static readonly MessageShape Shape = new("a transaction's operation");
        public static readonly int Put = Shape.Message(1);
        public static readonly int Delete = Shape.Message(2);
        public static readonly int Get = Shape.Message(3);
    }

    private static class Put
    {
        public static readonly MessageShape Shape = new("a put of a transaction");
        public static readonly int Key = Shape.Bytes(1);
        public static readonly int Value = Shape.Bytes(2);
        public static readonly int Lease = Shape.Id(3);
    }

    private static class Delete
    {
        public static readonly MessageShape Shape = new("a delete of a transaction");
        public static readonly int Key = Shape.Bytes(1);
        public static readonly int IsPrefix = Shape.Number(2);
    }

    private static class Get
    {
        public static readonly MessageShape Shape = new("a get of a transaction");
        public static readonly int Key = Shape.Bytes(1);
        public static readonly int IsPrefix = Shape.Number(2);
        public static readonly int Limit = Shape.Number(3);
    }

    public static void Write(WireWriter writer, TxnCommand txn)
    {
        foreach (var compare in txn.Compares)
        {
            var start = writer.BeginMessage(Compares);
            writer.Int64(Compare.Target, (int)compare.Target);
            writer.Int64(Compare.Comparison, (int)compare.Operator);
            writer.Bytes(Compare.Name, compare.Name.Bytes);
            writer.Int64(Compare.Number, compare.Number);
            writer.Bytes(Compare.Value, compare.Value.Span);
            writer.Int64(Compare.Space, (int)compare.Space);
            writer.EndMessage(start);
        }
        WriteBranch(writer, Success, txn.Success);
        WriteBranch(writer, Failure, txn.Failure);
    }

    public static TxnCommand Read(ReadOnlyMemory<byte> body)
    {
        var compares = ImmutableArray.CreateBuilder<TxnCompare>();
        var success = ImmutableArray.CreateBuilder<TxnOperation>();
        var failure = ImmutableArray.CreateBuilder<TxnOperation>();
        var reader = new WireReader(body.Span);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case Compares:
                    compares.Add(ReadCompare(Fields.Slice(body, ref reader)));
                    break;
                case Success:
                    success.Add(ReadOperation(Fields.Slice(body, ref reader)));
                    break;
                case Failure:
                    failure.Add(ReadOperation(Fields.Slice(body, ref reader)));
                    break;
                default:
                    reader.RefuseUnknown("a transaction");
                    break;
            }
        }
        return new TxnCommand(compares.ToImmutable(), success.ToImmutable(), failure.ToImmutable());
    }

    private static void WriteBranch(WireWriter writer, int field, ImmutableArray<TxnOperation> branch)
    {
        foreach (var operation in branch)
        {
            var start = writer.BeginMessage(field);
            WriteOperation(writer, operation);
            writer.EndMessage(start);
        }
    }

    private static void WriteOperation(WireWriter writer, TxnOperation operation)
    {
        int start;
        switch (operation)
        {
            case TxnPut put:
                start = writer.BeginMessage(Operation.Put);
                writer.Bytes(Put.Key, put.Key.Bytes);
                writer.Bytes(Put.Value, put.Value.Span);
                writer.Fixed64(Put.Lease, (ulong)put.Lease.Value);
                break;
            case TxnDelete delete:
                start = writer.BeginMessage(Operation.Delete);
                writer.Bytes(Delete.Key, delete.Key.Bytes);
                writer.Bool(Delete.IsPrefix, delete.IsPrefix);
                break;
            case TxnGet get:
                start = writer.BeginMessage(Operation.Get);
                writer.Bytes(Get.Key, get.Key.Bytes);
                writer.Bool(Get.IsPrefix, get.IsPrefix);
                writer.Int64(Get.Limit, get.Limit);
                break;
            default:
                Invariant.Unreachable<int>(operation);
                return;
        }
        writer.EndMessage(start);
    }

    private static TxnCompare ReadCompare(ReadOnlyMemory<byte> body)
    {
        var fields = new Fields(body, Compare.Shape);
        var (target, comparison) = (fields.Number(Compare.Target), fields.Number(Compare.Comparison));
        return target is >= (long)CompareTarget.Version and <= (long)CompareTarget.Hold
            && comparison is >= (long)CompareOperator.Equal and <= (long)CompareOperator.Greater
            ? new TxnCompare(
                (CompareTarget)target,
                (CompareOperator)comparison,
                fields.Key(Compare.Name),
                fields.Number(Compare.Number),
                fields.Bytes(Compare.Value),
                fields.Space(Compare.Space))
            : throw new WireFormatException("a compare of an unknown kind");
    }

    private static TxnOperation ReadOperation(ReadOnlyMemory<byte> body)
    {
        var fields = new Fields(body, Operation.Shape);
        return (fields.Has(Operation.Put), fields.Has(Operation.Delete), fields.Has(Operation.Get)) switch
        {
            (true, false, false) => ReadPut(fields.Bytes(Operation.Put)),
            (false, true, false) => ReadDelete(fields.Bytes(Operation.Delete)),
            (false, false, true) => ReadGet(fields.Bytes(Operation.Get)),
            _ => throw new WireFormatException("an operation of no kind, or of two"),
        };
    }

    private static TxnPut ReadPut(ReadOnlyMemory<byte> body)
    {
        var fields = new Fields(body, Put.Shape);
        return new TxnPut(fields.Key(Put.Key), fields.Bytes(Put.Value), fields.Lease(Put.Lease));
    }

    private static TxnDelete ReadDelete(ReadOnlyMemory<byte> body)
    {
        var fields = new Fields(body, Delete.Shape);
        return new TxnDelete(fields.Key(Delete.Key), fields.Flag(Delete.IsPrefix));
    }

    private static TxnGet ReadGet(ReadOnlyMemory<byte> body)
    {
        var fields = new Fields(body, Get.Shape);
        return new TxnGet(fields.Key(Get.Key), fields.Flag(Get.IsPrefix), fields.Number(Get.Limit));
    }
}
