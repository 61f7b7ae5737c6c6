using Consensus.Api;
using Consensus.Server.Http;
using Consensus.Translation;

namespace Consensus.Server.Lists;

internal static class ListParameters
{
    /// <summary>The prefix of a list or of a delete: any bytes, no longer than a key; absent means empty.</summary>
    public static bool TryReadPrefix(QueryParameters query, out byte[] prefix, out Problem? refusal)
    {
        prefix = query.Bytes(QueryName.Prefix) ?? [];
        refusal = prefix.Length > ApiLimits.MaxKeyBytes
            ? Problem.TooLarge($"the query parameter \"prefix\" has {prefix.Length} bytes; at most {ApiLimits.MaxKeyBytes} are taken")
            : null;
        return refusal is null;
    }

    /// <summary>One item has no pages: parameters of a list beside it are a mistake worth naming.</summary>
    public static bool AreAbsent(QueryParameters query, out Problem? refusal)
    {
        refusal = null;
        foreach (var name in (ReadOnlySpan<QueryName>)[QueryName.Prefix, QueryName.Limit, QueryName.Cursor, QueryName.KeysOnly])
        {
            if (query.Has(name))
            {
                refusal = Problem.BadRequest($"the query parameter \"{QueryNameText.Of(name)}\" belongs to a list, and the request names one item");
            }
        }
        return refusal is null;
    }
}
