using System.Globalization;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.Translation;
using Microsoft.Extensions.Primitives;

namespace Consensus.Server.Http;

/// <summary>
/// Conditional headers (RFC 9110 §13) as compare-and-set. An entity tag is a modRevision in quotes: <c>"7"</c> of the value as it was
/// put, <c>"7-json"</c> and <c>"7-msgpack"</c> of the documents that show it.
/// A cache takes two answers with one tag for the same bytes. Who writes names either: both say which record it is.
/// </summary>
internal static class EntityTags
{
    private const string JsonSuffix = "-json", PackedSuffix = "-msgpack";

    /// <summary>The tag of one form of a record.</summary>
    public static string Of(Revision modRevision, MediaForms form) => string.Create(CultureInfo.InvariantCulture, $"\"{modRevision.Value}{SuffixOf(form)}\"");

    /// <summary>The condition of a write. At most one of the two headers is taken; the tags of one record, or <c>*</c>.</summary>
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
        else if (TryReadOne(ifMatch, out var modRevision))
        {
            condition = new KeyCondition(KeyConditionKind.ModRevisionIs, modRevision);
        }
        else
        {
            refusal = Problem.BadRequest("If-Match takes a modRevision in quotes, such as \"7\" or \"7-json\", or *");
        }
        return refusal is null;
    }

    /// <summary>
    /// True when a reader that sent If-None-Match has this form of the record already: 304. The comparison is the weak one (RFC 9110 §13.1.2): a proxy that compresses an answer weakens
    /// its tag.
    /// </summary>
    public static bool IsKnown(StringValues ifNoneMatch, Revision modRevision, MediaForms form)
    {
        foreach (var value in ifNoneMatch)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                var tag = value.AsSpan()[range].Trim();
                tag = tag.StartsWith("W/") ? tag[2..] : tag;
                if (tag is "*" || (TryParse(tag, out var listed, out var of) && listed == modRevision && of == form))
                {
                    return true;
                }
            }
        }
        return false;
    }

    /// <summary>True when a reader that sent If-Match, or did not, is to have this record; else 412 (RFC 9110 §13.1.1, the strong comparison, with the tags of all forms).</summary>
    public static bool IsWanted(StringValues ifMatch, Revision modRevision)
    {
        foreach (var value in ifMatch)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                var tag = value.AsSpan()[range].Trim();
                if (tag is "*" || (TryParse(tag, out var listed, out _) && listed == modRevision))
                {
                    return true;
                }
            }
        }
        return ifMatch.Count == 0;
    }

    /// <summary>Tags that all name one record.</summary>
    private static bool TryReadOne(StringValues tags, out Revision modRevision)
    {
        modRevision = Revision.Zero;
        var isFirst = true;
        foreach (var value in tags)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                if (!TryParse(value.AsSpan()[range].Trim(), out var listed, out _) || (!isFirst && listed != modRevision))
                {
                    return false;
                }
                (modRevision, isFirst) = (listed, false);
            }
        }
        return !isFirst;
    }

    private static bool TryParse(ReadOnlySpan<char> tag, out Revision modRevision, out MediaForms form)
    {
        (modRevision, form) = (Revision.Zero, MediaForms.Bytes);
        if (tag.Length < 3 || tag[0] != '"' || tag[^1] != '"')
        {
            return false;
        }
        tag = tag[1..^1];
        if (tag.EndsWith(JsonSuffix))
        {
            tag = tag[..^JsonSuffix.Length];
            form = MediaForms.Json;
        }
        else if (tag.EndsWith(PackedSuffix))
        {
            tag = tag[..^PackedSuffix.Length];
            form = MediaForms.MessagePack;
        }
        if (!long.TryParse(tag, NumberStyles.None, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }
        modRevision = new Revision(value);
        return true;
    }

    private static string SuffixOf(MediaForms form) => form switch
    {
        MediaForms.Json => JsonSuffix,
        MediaForms.MessagePack => PackedSuffix,
        _ => "",
    };
}
