using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Wire;

/// <summary>The message <c>TxnResults</c> of <c>snapshot.proto</c>: a transaction's answer, kept for retries. Of what it read only how much there was.</summary>
internal static class TxnResultCodec
{
    private const int PutField = 1;
    private const int DeleteField = 2;
    private const int GetField = 3;

    public static byte[] Encode(ImmutableArray<TxnResult> results)
    {
        var writer = new WireWriter();
        foreach (var result in results)
        {
            var start = writer.BeginMessage(1);
            Write(writer, result);
            writer.EndMessage(start);
        }
        return writer.ToArray();
    }

    /// <summary>With <see cref="TxnGetNotKept"/> for what was read.</summary>
    public static ImmutableArray<TxnResult> Read(ReadOnlyMemory<byte> bytes) =>
        [.. new Fields(bytes, "B", "a transaction's results").Messages().Select(ReadResult)];

    private static void Write(WireWriter writer, TxnResult result)
    {
        int start;
        switch (result)
        {
            case TxnPutResult put:
                start = writer.BeginMessage(PutField);
                writer.Bytes(1, put.Key.Bytes);
                writer.Int64(2, put.CreateRevision.Value);
                writer.Int64(3, put.ModRevision.Value);
                writer.Int64(4, put.Version);
                writer.Fixed64(5, (ulong)put.Lease.Value);
                break;
            case TxnDeleteResult delete:
                start = writer.BeginMessage(DeleteField);
                writer.Int64(1, delete.Deleted);
                break;
            case TxnGetResult get:
                start = writer.BeginMessage(GetField);
                writer.Int64(1, get.Items.Length);
                writer.Int64(2, get.Count);
                break;
            default:
                Invariant.Unreachable<int>(result);
                return;
        }
        writer.EndMessage(start);
    }

    private static TxnResult ReadResult(ReadOnlyMemory<byte> body)
    {
        var kinds = new Fields(body, "bbb", "a transaction's result");
        if (kinds.Has(PutField))
        {
            var put = new Fields(kinds.Bytes(PutField), "bvvvf", "a put's result");
            return new TxnPutResult(put.Key(1), new Revision(put.Number(2)), new Revision(put.Number(3)), put.Number(4), put.Lease(5));
        }
        if (kinds.Has(DeleteField))
        {
            return new TxnDeleteResult(new Fields(kinds.Bytes(DeleteField), "v", "a delete's result").Number(1));
        }
        if (kinds.Has(GetField))
        {
            var get = new Fields(kinds.Bytes(GetField), "vv", "a get's result");
            return new TxnGetNotKept(get.Number(1), get.Number(2));
        }
        throw new WireFormatException("a transaction's result of no kind");
    }
}
