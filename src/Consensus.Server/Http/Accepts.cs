using System.Globalization;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Translation;
using Microsoft.Extensions.Primitives;

namespace Consensus.Server.Http;

/// <summary>The forms that answers have. In a set, what a resource can be read as; the lowest is what it is read as unless another is asked for.</summary>
[Flags]
internal enum MediaForms
{
    None = 0,
    Json = 1,
    Bytes = 2,
    Text = 4,

    /// <summary>A watch. It has no end, so it is asked for by its name: no wildcard means it.</summary>
    EventStream = 8,

    MessagePack = 16,

    /// <summary>The forms of all that JSON can be read as.</summary>
    Documents = Json | MessagePack,
}

/// <summary>Which form of a resource a reader accepts (RFC 9110 §12.5.1).</summary>
internal static class Accepts
{
    private static readonly MediaForms[] Each =
        [MediaForms.Json, MediaForms.Bytes, MediaForms.Text, MediaForms.EventStream, MediaForms.MessagePack];

    /// <summary>How closely a media range names a form: the closest range that does decides what a form is worth.</summary>
    private enum Closeness
    {
        None,
        Anything,
        Kind,
        Exact,
    }

    private readonly record struct Worth(Closeness Closeness, decimal Weight, int Place)
    {
        /// <summary>The larger weight counts more; then the range that names its form more closely, and then the one that comes first.</summary>
        public bool IsAbove(Worth other) =>
            Weight != other.Weight ? Weight > other.Weight
            : Closeness != other.Closeness ? Closeness > other.Closeness
            : Place < other.Place;
    }

    /// <summary>
    /// The offered form that is worth most to the reader; <see cref="MediaForms.None"/> when none is worth anything. Parameters other than <c>q</c> say nothing here, and a range whose
    /// weight is no number is not there.
    /// </summary>
    public static MediaForms Choose(StringValues accept, MediaForms offered)
    {
        if (IsEmpty(accept))
        {
            return Array.Find(Each, form => offered.HasFlag(form));
        }
        var (chosen, most) = (MediaForms.None, default(Worth));
        foreach (var form in Each)
        {
            if (offered.HasFlag(form) && WorthOf(form, accept) is { Weight: > 0 } worth && (chosen == MediaForms.None || worth.IsAbove(most)))
            {
                (chosen, most) = (form, worth);
            }
        }
        return chosen;
    }

    /// <summary>The form of a document that is told whatever its reader takes: JSON unless MessagePack is worth more to it.</summary>
    public static MediaForms ChooseDocument(HttpContext http) =>
        http.Request.Headers.Accept is { Count: > 0 } accept && Choose(accept, MediaForms.Documents) == MediaForms.MessagePack
            ? MediaForms.MessagePack
            : MediaForms.Json;

    public static Problem NotAcceptable(MediaForms offered) => new(
        ProblemTypes.NotAcceptable,
        $"the Accept header takes no form that this resource can be read as: {string.Join(", ", Each.Where(form => offered.HasFlag(form)).Select(NameOf))}");

    public static string NameOf(MediaForms form) => form switch
    {
        MediaForms.MessagePack => ApiMediaTypes.MessagePack,
        MediaForms.Bytes => ApiMediaTypes.Bytes,
        MediaForms.Text => "text/plain",
        MediaForms.EventStream => ApiMediaTypes.EventStream,
        _ => ApiMediaTypes.Json,
    };

    private static Worth WorthOf(MediaForms form, StringValues accept)
    {
        var (found, place) = (default(Worth), 0);
        foreach (var value in accept)
        {
            for (var rest = value.AsSpan(); !rest.IsEmpty;)
            {
                var parameters = Next(ref rest, ',');
                var closeness = ClosenessOf(Next(ref parameters, ';').Trim(), form);
                place++;
                if (closeness > found.Closeness && TryReadWeight(parameters, out var weight))
                {
                    found = new Worth(closeness, weight, place);
                }
            }
        }
        return found;
    }

    /// <param name="range">Some old clients write <c>*</c> where they mean <c>*/*</c>.</param>
    private static Closeness ClosenessOf(ReadOnlySpan<char> range, MediaForms form)
    {
        var name = NameOf(form);
        if (range.Equals(name, StringComparison.OrdinalIgnoreCase))
        {
            return Closeness.Exact;
        }
        if (form == MediaForms.EventStream)
        {
            return Closeness.None;
        }
        if (range is "*/*" or "*")
        {
            return Closeness.Anything;
        }
        var kind = name.AsSpan(0, name.IndexOf('/', StringComparison.Ordinal) + 1);
        return range.Length == kind.Length + 1 && range[^1] == '*' && range.StartsWith(kind, StringComparison.OrdinalIgnoreCase) ? Closeness.Kind : Closeness.None;
    }

    private static bool TryReadWeight(ReadOnlySpan<char> parameters, out decimal weight)
    {
        weight = 1;
        while (!parameters.IsEmpty)
        {
            var parameter = Next(ref parameters, ';').Trim();
            if (parameter.StartsWith("q=", StringComparison.OrdinalIgnoreCase))
            {
                return decimal.TryParse(parameter[2..], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out weight);
            }
        }
        return true;
    }

    /// <summary>What comes before the separator, which is looked for outside of quotes; <paramref name="rest"/> is what comes after it.</summary>
    private static ReadOnlySpan<char> Next(ref ReadOnlySpan<char> rest, char separator)
    {
        var isQuoted = false;
        for (var i = 0; i < rest.Length; i++)
        {
            if (isQuoted && rest[i] == '\\')
            {
                i++;
            }
            else if (rest[i] == '"')
            {
                isQuoted = !isQuoted;
            }
            else if (rest[i] == separator && !isQuoted)
            {
                var next = rest[..i];
                rest = rest[(i + 1)..];
                return next;
            }
        }
        var last = rest;
        rest = default;
        return last;
    }

    /// <summary>Empty elements of a list are not there (RFC 9110 §5.6.1.2), and a list of nothing asks for nothing.</summary>
    private static bool IsEmpty(StringValues accept)
    {
        foreach (var value in accept)
        {
            if (!value.AsSpan().Trim(" \t,").IsEmpty)
            {
                return false;
            }
        }
        return true;
    }
}
