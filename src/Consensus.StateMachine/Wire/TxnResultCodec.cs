using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Wire;

/// <summary>The message <c>TxnResults</c> of <c>snapshot.proto</c>: a transaction's answer, kept for retries. Of what it read only how much there was.</summary>
internal static class TxnResultCodec
{
    private static readonly MessageShape Shape = new("a transaction's results");
    private static readonly int Results = Shape.Messages(1);

    /// <summary>The message <c>TxnResult</c>: one of the three.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a transaction's result");
        public static readonly int Put = Shape.Message(1);
        public static readonly int Delete = Shape.Message(2);
        public static readonly int Get = Shape.Message(3);
    }

    private static class SavedPut
    {
        public static readonly MessageShape Shape = new("a put's result");
        public static readonly int Key = Shape.Bytes(1);
        public static readonly int CreateRevision = Shape.Number(2);
        public static readonly int ModRevision = Shape.Number(3);
        public static readonly int Version = Shape.Number(4);
        public static readonly int Lease = Shape.Id(5);
    }

    private static class SavedDelete
    {
        public static readonly MessageShape Shape = new("a delete's result");
        public static readonly int Deleted = Shape.Number(1);
    }

    private static class SavedGet
    {
        public static readonly MessageShape Shape = new("a get's result");
        public static readonly int Items = Shape.Number(1);
        public static readonly int Count = Shape.Number(2);
    }

    public static byte[] Encode(ImmutableArray<TxnResult> results)
    {
        var writer = new WireWriter();
        foreach (var result in results)
        {
            var start = writer.BeginMessage(Results);
            Write(writer, result);
            writer.EndMessage(start);
        }
        return writer.ToArray();
    }

    /// <summary>With <see cref="TxnGetNotKept"/> for what was read.</summary>
    public static ImmutableArray<TxnResult> Read(ReadOnlyMemory<byte> bytes) =>
        [.. new Fields(bytes, Shape).Messages().Select(ReadResult)];

    /// <summary>A result as it is read back: of a get only how much there was.</summary>
    public static TxnResult Kept(TxnResult result) => result is TxnGetResult get ? new TxnGetNotKept(get.Items.Length, get.Count) : result;

    private static void Write(WireWriter writer, TxnResult result)
    {
        int start;
        switch (Kept(result))
        {
            case TxnPutResult put:
                start = writer.BeginMessage(Saved.Put);
                writer.Bytes(SavedPut.Key, put.Key.Bytes);
                writer.Int64(SavedPut.CreateRevision, put.CreateRevision.Value);
                writer.Int64(SavedPut.ModRevision, put.ModRevision.Value);
                writer.Int64(SavedPut.Version, put.Version);
                writer.Fixed64(SavedPut.Lease, (ulong)put.Lease.Value);
                break;
            case TxnDeleteResult delete:
                start = writer.BeginMessage(Saved.Delete);
                writer.Int64(SavedDelete.Deleted, delete.Deleted);
                break;
            case TxnGetNotKept get:
                start = writer.BeginMessage(Saved.Get);
                writer.Int64(SavedGet.Items, get.Items);
                writer.Int64(SavedGet.Count, get.Count);
                break;
            default:
                Invariant.Unreachable<int>(result);
                return;
        }
        writer.EndMessage(start);
    }

    private static TxnResult ReadResult(ReadOnlyMemory<byte> body)
    {
        var kinds = new Fields(body, Saved.Shape);
        if (kinds.Has(Saved.Put))
        {
            var put = new Fields(kinds.Bytes(Saved.Put), SavedPut.Shape);
            return new TxnPutResult(
                put.Key(SavedPut.Key),
                new Revision(put.Number(SavedPut.CreateRevision)),
                new Revision(put.Number(SavedPut.ModRevision)),
                put.Number(SavedPut.Version),
                put.Lease(SavedPut.Lease));
        }
        if (kinds.Has(Saved.Delete))
        {
            return new TxnDeleteResult(new Fields(kinds.Bytes(Saved.Delete), SavedDelete.Shape).Number(SavedDelete.Deleted));
        }
        if (kinds.Has(Saved.Get))
        {
            var get = new Fields(kinds.Bytes(Saved.Get), SavedGet.Shape);
            return new TxnGetNotKept(get.Number(SavedGet.Items), get.Number(SavedGet.Count));
        }
        throw new WireFormatException("a transaction's result of no kind");
    }
}
