using Consensus.Api;
using Consensus.Server.Documents;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.StateMachine;

namespace Consensus.Server.KeyValue;

/// <summary>One page of a list of keys, which ends where it is full.</summary>
/// <param name="buffer">That it is written to: once that is refused, the rest need not be.</param>
internal readonly struct KeyPage(JsonBuffer buffer, ListReader lists, ListPage page, Key prefix, bool keysOnly) : IDocument
{
    /// <summary>
    /// A control character takes six bytes: a page of them must have room among the answers too, however little there is.
    /// </summary>
    private const long MaxEscapedBytes = 2L * ApiLimits.MaxPageBytes;

    private static readonly FieldName Items = new("items");
    private static readonly FieldName Count = new("count");
    private static readonly FieldName Revision = new("revision");
    private static readonly FieldName NextCursor = new("nextCursor");

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IDocumentWriter, allows ref struct
    {
        writer.BeginObject(fields: 4);
        writer.BeginItems(Items);
        Key? after = page.After is { } last ? new Key(last.Span) : null;
        var items = 0;
        long bytes = 0;
        var count = page.Count ?? CountKeys();
        string? nextCursor = null;
        foreach (var (key, record) in KeysAfter(after))
        {
            if (buffer.IsRefused)
            {
                return;
            }
            if (items == page.Limit || bytes >= ApiLimits.MaxPageBytes || writer.EscapedBytes >= MaxEscapedBytes)
            {
                nextCursor = lists.Continue(page, ListKind.Keys, after!.Value.Memory, count);
                break;
            }
            KeyDocument.WriteItem(ref writer, key, record, !keysOnly);
            after = key;
            items++;
            bytes += key.Length + (keysOnly ? 0 : record.Value.Length);
        }
        writer.EndItems(items);
        writer.Number(Count, count);
        writer.Number(Revision, page.At.Value);
        writer.Text(NextCursor, nextCursor);
        writer.EndObject();
    }

    private IEnumerable<KeyItem> KeysAfter(Key? after) =>
        page.At == page.View.Revision ? page.View.ListKeys(prefix, after) : page.View.ListKeysAt(prefix, after, page.At);

    /// <summary>The present is counted in O(log n), the past by going through it: once, for the first page.</summary>
    private long CountKeys() =>
        page.At == page.View.Revision ? page.View.CountKeys(prefix) : page.View.ListKeysAt(prefix, null, page.At).LongCount();
}
