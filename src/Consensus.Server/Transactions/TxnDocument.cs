using Consensus.Primitives;
using Consensus.Server.Documents;
using Consensus.Server.KeyValue;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Transactions;

/// <summary>What a transaction did: the shape of <see cref="Api.Transactions.TxnAnswer"/>.</summary>
/// <param name="withReads">False where there is no room for what it read: that is said to be omitted.</param>
internal readonly struct TxnDocument(TxnDone done, bool withReads) : IDocument
{
    private static readonly FieldName Succeeded = new("succeeded");
    private static readonly FieldName Revision = new("revision");
    private static readonly FieldName Results = new("results");
    private static readonly FieldName Put = new("put");
    private static readonly FieldName Delete = new("delete");
    private static readonly FieldName Deleted = new("deleted");
    private static readonly FieldName Get = new("get");
    private static readonly FieldName Items = new("items");
    private static readonly FieldName Count = new("count");
    private static readonly FieldName Omitted = new("omitted");

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IDocumentWriter, allows ref struct
    {
        writer.BeginObject(fields: 3);
        writer.Flag(Succeeded, done.Succeeded);
        writer.Number(Revision, done.Revision.Value);
        writer.BeginArray(Results, done.Results.Length);
        foreach (var result in done.Results)
        {
            writer.BeginObject(fields: 1);
            if (result is TxnGetResult && !withReads)
            {
                WriteOmitted(ref writer);
            }
            else
            {
                Write(ref writer, result);
            }
            writer.EndObject();
        }
        writer.EndArray();
        writer.EndObject();
    }

    private static void Write<TWriter>(ref TWriter writer, TxnResult result)
        where TWriter : IDocumentWriter, allows ref struct
    {
        switch (result)
        {
            case TxnPutResult put:
                writer.Name(Put);
                KeyDocument.WritePut(ref writer, put.Key, put.CreateRevision, put.ModRevision, put.Version, put.Lease);
                break;
            case TxnDeleteResult delete:
                writer.Name(Delete);
                writer.BeginObject(fields: 1);
                writer.Number(Deleted, delete.Deleted);
                writer.EndObject();
                break;
            case TxnGetResult get:
                WriteItems(ref writer, get);
                break;
            case TxnGetNotKept:
                WriteOmitted(ref writer);
                break;
            default:
                Invariant.Unreachable<int>(result);
                break;
        }
    }

    private static void WriteItems<TWriter>(ref TWriter writer, TxnGetResult get)
        where TWriter : IDocumentWriter, allows ref struct
    {
        writer.Name(Get);
        writer.BeginObject(fields: 2);
        writer.BeginArray(Items, get.Items.Length);
        foreach (var (key, record) in get.Items)
        {
            KeyDocument.WriteItem(ref writer, key, record, withValue: true);
        }
        writer.EndArray();
        writer.Number(Count, get.Count);
        writer.EndObject();
    }

    private static void WriteOmitted<TWriter>(ref TWriter writer)
        where TWriter : IDocumentWriter, allows ref struct
    {
        writer.Name(Get);
        writer.BeginObject(fields: 1);
        writer.Flag(Omitted, true);
        writer.EndObject();
    }
}
