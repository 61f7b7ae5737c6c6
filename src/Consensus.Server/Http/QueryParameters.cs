using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Consensus.Api.Durations;
using Consensus.Translation;

namespace Consensus.Server.Http;

/// <summary>The decoded query of one request: each parameter at most once, and only those that the route takes.</summary>
internal sealed class QueryParameters
{
    public static readonly QueryParameters Empty = new();

    private readonly byte[]?[] _values = new byte[]?[QueryNameText.Count];

    public bool Has(QueryName name) => _values[(int)name] is not null;

    /// <summary>The decoded bytes (UTF-8), or null when the parameter is absent.</summary>
    public byte[]? Bytes(QueryName name) => _values[(int)name];

    public string? Text(QueryName name) => _values[(int)name] is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    /// <summary>Null with the refusal set when a parameter is unknown, doubled or badly encoded.</summary>
    public static QueryParameters? Parse(ReadOnlySpan<char> query, QueryNames allowed, out Problem? refusal)
    {
        refusal = null;
        if (query.IsEmpty)
        {
            return Empty;
        }
        var parsed = new QueryParameters();
        foreach (var range in query.Split('&'))
        {
            var pair = query[range];
            if (pair.IsEmpty)
            {
                continue;
            }
            refusal = parsed.Add(pair, allowed);
            if (refusal is not null)
            {
                return null;
            }
        }
        return parsed;
    }

    private Problem? Add(ReadOnlySpan<char> pair, QueryNames allowed)
    {
        var equals = pair.IndexOf('=');
        var nameText = equals < 0 ? pair : pair[..equals];
        var valueText = equals < 0 ? default : pair[(equals + 1)..];
        if (!TryDecodeText(nameText, out var nameBytes))
        {
            return Problem.BadRequest("a query parameter's name is not percent-encoded UTF-8");
        }
        if (!QueryNameText.TryParse(nameBytes, out var name) || ((int)allowed & (1 << (int)name)) == 0)
        {
            return Problem.BadRequest($"the query parameter \"{Excerpt.Of(nameBytes)}\" is not one that this request takes");
        }
        if (!TryDecodeText(valueText, out var value))
        {
            return Problem.BadRequest($"the query parameter \"{QueryNameText.Of(name)}\" is not percent-encoded UTF-8");
        }
        if (_values[(int)name] is not null)
        {
            return Problem.BadRequest($"the query parameter \"{QueryNameText.Of(name)}\" is given twice");
        }
        _values[(int)name] = value;
        return null;
    }

    /// <summary>A number from 0 up. False with the refusal set when it is given and is not one.</summary>
    public bool TryGetNumber(QueryName name, long max, out long? number, out Problem? refusal)
    {
        number = null;
        refusal = null;
        if (Bytes(name) is not { } bytes)
        {
            return true;
        }
        if (long.TryParse(bytes, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) && parsed <= max)
        {
            number = parsed;
            return true;
        }
        refusal = Problem.BadRequest(max == long.MaxValue
            ? $"the query parameter \"{QueryNameText.Of(name)}\" is not a number"
            : $"the query parameter \"{QueryNameText.Of(name)}\" is not a number from 1 to {max}");
        return false;
    }

    /// <summary>A duration. False with the refusal set when it is given and is not one of at most <paramref name="maxMicros"/>.</summary>
    public bool TryGetDuration(QueryName name, long maxMicros, out long? micros, out Problem? refusal)
    {
        micros = null;
        refusal = null;
        if (Text(name) is not { } text)
        {
            return true;
        }
        if (!DurationText.TryParseMicros(text, out var parsed))
        {
            refusal = Problem.BadRequest($"the query parameter \"{QueryNameText.Of(name)}\" is not {DurationText.Expected}");
        }
        else if (parsed > maxMicros)
        {
            refusal = Problem.BadRequest($"the query parameter \"{QueryNameText.Of(name)}\" is above {DurationText.Format(maxMicros)}");
        }
        else
        {
            micros = parsed;
        }
        return refusal is null;
    }

    /// <summary>A switch: absent is false; <c>?name</c> and <c>?name=true</c> are true.</summary>
    public bool TryGetSwitch(QueryName name, out bool on, out Problem? refusal)
    {
        var bytes = Bytes(name);
        on = bytes is not null && (bytes.Length == 0 || bytes.AsSpan().SequenceEqual("true"u8));
        var isOff = bytes is null || bytes.AsSpan().SequenceEqual("false"u8);
        refusal = on || isOff ? null : Problem.BadRequest($"the query parameter \"{QueryNameText.Of(name)}\" is neither true nor false");
        return refusal is null;
    }

    /// <summary>Base64, the URL alphabet too; a <c>+</c> that a client forgot to encode arrives as a space and is taken for what it was.</summary>
    public static bool TryDecodeBase64(ReadOnlySpan<byte> text, out byte[] bytes)
    {
        var characters = Encoding.Latin1.GetString(text).Replace(' ', '+').Replace('-', '+').Replace('_', '/').TrimEnd('=');
        characters = characters.PadRight((characters.Length + 3) / 4 * 4, '=');
        bytes = new byte[characters.Length / 4 * 3];
        if (!Convert.TryFromBase64String(characters, bytes, out var length))
        {
            bytes = [];
            return false;
        }
        Array.Resize(ref bytes, length);
        return true;
    }

    private static bool TryDecodeText(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = new byte[text.Length];
        if (!PercentDecoder.TryDecode(text, bytes, plusIsSpace: true, out var length) || !Utf8.IsValid(bytes.AsSpan(0, length)))
        {
            return false;
        }
        Array.Resize(ref bytes, length);
        return true;
    }
}
