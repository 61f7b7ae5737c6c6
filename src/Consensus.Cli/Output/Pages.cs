using System.Text.Json.Nodes;
using Consensus.Cli.Commands;
using Consensus.Client;

namespace Consensus.Cli.Output;

/// <summary>Shows a list that comes in pages as one table, or as one document: the first page's, with all pages' items.</summary>
internal static class Pages
{
    /// <param name="fetch">Gets the page that begins at a cursor; told how many items came before.</param>
    /// <param name="next">A page's cursor to the next one; null ends the list.</param>
    public static async Task<int> ShowAsync<TPage, TItem>(
        CommandSession session,
        Func<string?, int, Task<ApiResult<TPage>>> fetch,
        Func<TPage, IReadOnlyList<TItem>> itemsOf,
        Func<TPage, string?> next,
        Func<IReadOnlyList<TItem>, TextTable> table,
        int limit = int.MaxValue)
    {
        var items = new List<TItem>();
        JsonObject? document = null;
        var packed = new List<ReadOnlyMemory<byte>>();
        string? cursor = null;
        do
        {
            var page = await fetch(cursor, items.Count);
            if (!page.Succeeded)
            {
                return session.Fail(page.Problem);
            }
            items.AddRange(itemsOf(page.Value));
            cursor = next(page.Value);
            if (session.Format == OutputFormat.Json)
            {
                document = Append(document, page.Json);
            }
            else if (session.Format == OutputFormat.MsgPack)
            {
                packed.Add(CommandSession.PackedOf(page));
            }
        }
        while (cursor is not null && items.Count < limit);

        if (document is not null)
        {
            session.WriteJson(document.ToJsonString());
        }
        else if (session.Format == OutputFormat.MsgPack)
        {
            session.WritePacked(PackedPages.Join(packed));
        }
        else
        {
            table(items).Write(session.Environment);
        }
        return ExitCode.Done;
    }

    private static JsonObject Append(JsonObject? document, string page)
    {
        var next = JsonNode.Parse(page)!.AsObject();
        if (document is null)
        {
            return next;
        }
        var items = document["items"]!.AsArray();
        foreach (var item in next["items"]!.AsArray())
        {
            items.Add(item?.DeepClone());
        }
        document["nextCursor"] = next["nextCursor"]?.DeepClone();
        return document;
    }
}
