using System.Text.Unicode;

namespace Consensus.Server.Http;

/// <summary>
/// The path of a raw request target, decoded by us, once, strictly (rule 26): <c>%2F</c> equals <c>/</c>, empty segments are kept; NUL, bad UTF-8 and the segments
/// <c>.</c> and <c>..</c> are refused, so that no proxy or client library can make one name out of another.
/// </summary>
internal static class RequestPath
{
    /// <summary>Splits a target (RFC 9112 §3.2) into path and query. False for the forms that name no resource: <c>*</c> and an authority.</summary>
    public static bool TrySplit(ReadOnlySpan<char> target, out ReadOnlySpan<char> path, out ReadOnlySpan<char> query)
    {
        path = query = default;
        if (!target.StartsWith('/'))
        {
            var scheme = target.IndexOf("://");
            if (scheme < 0)
            {
                return false;
            }
            target = target[(scheme + 3)..];
            var authorityEnd = target.IndexOfAny('/', '?');
            target = authorityEnd < 0 ? "/" : target[authorityEnd..];
        }
        var mark = target.IndexOf('?');
        path = mark < 0 ? target : target[..mark];
        query = mark < 0 ? default : target[(mark + 1)..];
        return true;
    }

    /// <summary>Decodes into <paramref name="destination"/>, which is at least as long as <paramref name="path"/>.</summary>
    /// <param name="refusal">A sentence, when the path is refused.</param>
    public static bool TryDecode(ReadOnlySpan<char> path, Span<byte> destination, out int length, out string refusal)
    {
        if (!PercentDecoder.TryDecode(path, destination, plusIsSpace: false, out length))
        {
            refusal = "the path holds a '%' that is not followed by two hexadecimal digits, or a character that needs percent-encoding";
            return false;
        }
        ReadOnlySpan<byte> decoded = destination[..length];
        if (decoded.Contains((byte)0))
        {
            refusal = "the path holds a NUL byte";
            return false;
        }
        if (!Utf8.IsValid(decoded))
        {
            refusal = "the path is not UTF-8; give a key of other bytes as ?keyBase64=";
            return false;
        }
        if (HasDotSegment(decoded))
        {
            refusal = "the path holds a '.' or '..' segment; give such a key as ?key=";
            return false;
        }
        refusal = "";
        return true;
    }

    private static bool HasDotSegment(ReadOnlySpan<byte> path)
    {
        for (var start = path.IndexOf("/."u8); start >= 0;)
        {
            var rest = path[(start + 2)..];
            if (rest.IsEmpty || rest[0] == '/' || (rest[0] == '.' && (rest.Length == 1 || rest[1] == '/')))
            {
                return true;
            }
            var next = rest.IndexOf("/."u8);
            start = next < 0 ? -1 : start + 2 + next;
        }
        return false;
    }
}
