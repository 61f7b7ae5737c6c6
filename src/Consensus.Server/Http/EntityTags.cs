using System.Globalization;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Microsoft.Extensions.Primitives;

namespace Consensus.Server.Http;

/// <summary>Conditional headers (RFC 9110 §13) as compare-and-set. An entity tag is a modRevision in quotes.</summary>
internal static class EntityTags
{
    /// <summary>The condition of a write. At most one of the two headers is taken, with one tag or <c>*</c>.</summary>
    public static bool TryReadCondition(StringValues ifMatch, StringValues ifNoneMatch, out KeyCondition condition, out Problem? refusal)
    {
        condition = KeyCondition.None;
        refusal = null;
        if (ifMatch.Count == 0 && ifNoneMatch.Count == 0)
        {
            return true;
        }
        if (ifMatch.Count > 0 && ifNoneMatch.Count > 0)
        {
            refusal = Problem.BadRequest("If-Match and If-None-Match are given together");
        }
        else if (ifNoneMatch.Count > 0)
        {
            condition = new KeyCondition(KeyConditionKind.Absent);
            refusal = ifNoneMatch is ["*"] ? null : Problem.BadRequest("If-None-Match of a write takes only *");
        }
        else if (ifMatch is ["*"])
        {
            condition = new KeyCondition(KeyConditionKind.Exists);
        }
        else if (ifMatch is [{ } tag] && TryParse(tag, out var modRevision))
        {
            condition = new KeyCondition(KeyConditionKind.ModRevisionIs, modRevision);
        }
        else
        {
            refusal = Problem.BadRequest("If-Match takes a modRevision in quotes, such as \"7\", or *");
        }
        return refusal is null;
    }

    /// <summary>True when a reader that sent If-None-Match has this record already: 304. The comparison is the weak one (RFC 9110 §13.1.2): a proxy that compresses an answer weakens its tag.</summary>
    public static bool IsKnown(StringValues ifNoneMatch, Revision modRevision) => IsListed(ifNoneMatch, modRevision, weakly: true);

    /// <summary>True when a reader that sent If-Match, or did not, is to have this record; else 412 (RFC 9110 §13.1.1, the strong comparison).</summary>
    public static bool IsWanted(StringValues ifMatch, Revision modRevision) => ifMatch.Count == 0 || IsListed(ifMatch, modRevision, weakly: false);

    private static bool IsListed(StringValues tags, Revision modRevision, bool weakly)
    {
        foreach (var value in tags)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                var tag = value.AsSpan()[range].Trim();
                if (weakly && tag.StartsWith("W/"))
                {
                    tag = tag[2..];
                }
                if (tag is "*" || (TryParse(tag, out var listed) && listed == modRevision))
                {
                    return true;
                }
            }
        }
        return false;
    }

    private static bool TryParse(ReadOnlySpan<char> tag, out Revision modRevision)
    {
        modRevision = Revision.Zero;
        if (tag.Length < 3 || tag[0] != '"' || tag[^1] != '"'
            || !long.TryParse(tag[1..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }
        modRevision = new Revision(value);
        return true;
    }
}
