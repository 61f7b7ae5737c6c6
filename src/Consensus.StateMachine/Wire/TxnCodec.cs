using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;

namespace Consensus.StateMachine.Wire;

/// <summary>The message <c>Txn</c> of <c>commands.proto</c>: it nests, so it has a codec of its own.</summary>
internal static class TxnCodec
{
    private const int PutField = 1;
    private const int DeleteField = 2;
    private const int GetField = 3;

    public static void Write(WireWriter writer, TxnCommand txn)
    {
        foreach (var compare in txn.Compares)
        {
            var start = writer.BeginMessage(1);
            writer.Int64(1, (int)compare.Target);
            writer.Int64(2, (int)compare.Operator);
            writer.Bytes(3, compare.Name.Bytes);
            writer.Int64(4, compare.Number);
            writer.Bytes(5, compare.Value.Span);
            writer.Int64(6, (int)compare.Space);
            writer.EndMessage(start);
        }
        WriteBranch(writer, 2, txn.Success);
        WriteBranch(writer, 3, txn.Failure);
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
                case 1:
                    compares.Add(Compare(new Fields(Fields.Slice(body, ref reader), "vvbvbv", "a compare")));
                    break;
                case 2:
                    success.Add(Operation(Fields.Slice(body, ref reader)));
                    break;
                case 3:
                    failure.Add(Operation(Fields.Slice(body, ref reader)));
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
                start = writer.BeginMessage(PutField);
                writer.Bytes(1, put.Key.Bytes);
                writer.Bytes(2, put.Value.Span);
                writer.Fixed64(3, (ulong)put.Lease.Value);
                break;
            case TxnDelete delete:
                start = writer.BeginMessage(DeleteField);
                writer.Bytes(1, delete.Key.Bytes);
                writer.Bool(2, delete.IsPrefix);
                break;
            case TxnGet get:
                start = writer.BeginMessage(GetField);
                writer.Bytes(1, get.Key.Bytes);
                writer.Bool(2, get.IsPrefix);
                writer.Int64(3, get.Limit);
                break;
            default:
                Invariant.Unreachable<int>(operation);
                return;
        }
        writer.EndMessage(start);
    }

    private static TxnCompare Compare(in Fields fields)
    {
        var (target, comparison) = (fields.Number(1), fields.Number(2));
        return target is >= (long)CompareTarget.Version and <= (long)CompareTarget.Hold
            && comparison is >= (long)CompareOperator.Equal and <= (long)CompareOperator.Greater
            ? new TxnCompare(
                (CompareTarget)target,
                (CompareOperator)comparison,
                fields.Key(3),
                fields.Number(4),
                fields.Bytes(5),
                CommandCodec.Space(fields.Number(6)))
            : throw new WireFormatException("a compare of an unknown kind");
    }

    private static TxnOperation Operation(ReadOnlyMemory<byte> body)
    {
        TxnOperation? operation = null;
        var reader = new WireReader(body.Span);
        while (reader.NextField())
        {
            if (operation is not null)
            {
                throw new WireFormatException("two operations where one stands");
            }
            switch (reader.Field)
            {
                case PutField:
                    var put = new Fields(Fields.Slice(body, ref reader), "bbf", "a put");
                    operation = new TxnPut(put.Key(1), put.Bytes(2), put.Lease(3));
                    break;
                case DeleteField:
                    var delete = new Fields(Fields.Slice(body, ref reader), "bv", "a delete");
                    operation = new TxnDelete(delete.Key(1), delete.Flag(2));
                    break;
                case GetField:
                    var get = new Fields(Fields.Slice(body, ref reader), "bvv", "a get");
                    operation = new TxnGet(get.Key(1), get.Flag(2), get.Number(3));
                    break;
                default:
                    reader.RefuseUnknown("a transaction's operation");
                    break;
            }
        }
        return operation ?? throw new WireFormatException("an operation of no kind");
    }
}
