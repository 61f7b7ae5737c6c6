using System.Text.Unicode;
using Consensus.Api;
using Consensus.Server.Routing;
using Consensus.StateMachine;
using Consensus.Translation;

namespace Consensus.Server.Http;

/// <summary>Which key or lock a request means: the rest of its path, or <c>?key=</c>, or <c>?keyBase64=</c> (rule 26).</summary>
internal static class Names
{
    /// <summary>True when the request gives a name, in any of the three ways.</summary>
    public static bool IsGiven(ApiCall call) =>
        !call.Name.IsEmpty || call.Query.Has(QueryName.Key) || call.Query.Has(QueryName.KeyBase64);

    /// <summary>A key: any bytes, at least one. A key that is not UTF-8, or holds NUL, can be given as <c>?keyBase64=</c> only.</summary>
    public static bool TryGetKey(ApiCall call, out Key key, out Problem? refusal) => TryGet(call, "key", out key, out refusal);

    /// <summary>The name of a lock and the like: UTF-8 without NUL, however it is given.</summary>
    /// <param name="what">For the refusal: <c>lock name</c>.</param>
    public static bool TryGetName(ApiCall call, string what, out Key name, out Problem? refusal)
    {
        if (TryGet(call, what, out name, out refusal))
        {
            refusal = Judge(name, what, isText: true);
        }
        return refusal is null;
    }

    /// <summary>Null for a name that can be had; else what is wrong with it.</summary>
    /// <param name="isText">UTF-8 without NUL.</param>
    public static Problem? Judge(Key name, string what, bool isText)
    {
        if (name.IsEmpty)
        {
            return Problem.BadRequest($"the {what} is empty");
        }
        if (name.Length > ApiLimits.MaxKeyBytes)
        {
            return Problem.TooLarge($"the {what} has {name.Length} bytes; at most {ApiLimits.MaxKeyBytes} are taken");
        }
        return isText && (!Utf8.IsValid(name.Bytes) || name.Bytes.Contains((byte)0))
            ? Problem.BadRequest($"the {what} is not UTF-8 without NUL")
            : null;
    }

    private static bool TryGet(ApiCall call, string what, out Key key, out Problem? refusal)
    {
        refusal = null;
        key = call.Name;
        var text = call.Query.Bytes(QueryName.Key);
        var base64 = call.Query.Bytes(QueryName.KeyBase64);
        if ((key.IsEmpty ? 0 : 1) + (text is null ? 0 : 1) + (base64 is null ? 0 : 1) > 1)
        {
            refusal = Problem.BadRequest($"the {what} is given more than once: in the path, as \"key\" or as \"keyBase64\"");
            return false;
        }
        if (text is not null)
        {
            key = Key.Own(text);
            refusal = text.Contains((byte)0) ? Problem.BadRequest("the query parameter \"key\" holds a NUL byte") : null;
        }
        else if (base64 is not null)
        {
            refusal = QueryParameters.TryDecodeBase64(base64, out var bytes) ? null : Problem.BadRequest("the query parameter \"keyBase64\" is not base64");
            key = Key.Own(bytes);
        }
        refusal ??= Judge(key, what, isText: false);
        return refusal is null;
    }
}
