using System.Globalization;
using System.Text;
using Consensus.Api.Durations;
using Consensus.Primitives;
using Consensus.Server.Http;

namespace Consensus.Server.Json;

/// <summary>The values of fields and items, each read once, after <see cref="Is"/> or <see cref="NextItem"/>. Null: absent, or refused.</summary>
internal ref partial struct StrictObjectReader
{
    private const string ExpectedToken = "a fencing token: a whole number above 0";

    public string? Text() => Value() switch
    {
        TokenKind.Null or TokenKind.None => null,
        TokenKind.Text => StringValue(),
        _ => Wrong("a string"),
    };

    /// <summary>The UTF-8 form of a string.</summary>
    public byte[]? TextBytes() => Text() is { } text && Refusal is null ? Encoding.UTF8.GetBytes(text) : null;

    private byte[]? TextOrBytes() => Value() switch
    {
        TokenKind.Null or TokenKind.None => null,
        TokenKind.Text => StringValue() is { } text ? Encoding.UTF8.GetBytes(text) : null,
        TokenKind.Bytes => _tokens.Bytes(),
        _ => NoBytes("a string"),
    };

    /// <summary>The bytes of a string of base64; of MessagePack bytes too, as they are.</summary>
    public byte[]? Base64()
    {
        switch (Value())
        {
            case TokenKind.Null or TokenKind.None:
                return null;
            case TokenKind.Bytes:
                return _tokens.Bytes();
            case TokenKind.Text:
                return StringValue() is not { } text ? null
                    : QueryParameters.TryDecodeBase64(Encoding.UTF8.GetBytes(text), out var bytes) ? bytes
                    : NoBytes("base64");
            default:
                return NoBytes("a string");
        }
    }

    /// <summary>A duration in microseconds, from a string with a unit or a number of seconds.</summary>
    public long? DurationMicros()
    {
        if (TextOrNumber(DurationText.Expected) is not { } text)
        {
            return null;
        }
        if (DurationText.TryParseMicros(text, out var micros))
        {
            return micros;
        }
        Wrong(DurationText.Expected);
        return null;
    }

    /// <summary>A whole number from <paramref name="min"/> up.</summary>
    public long? Number(long min, long max)
    {
        var text = Value() switch
        {
            TokenKind.Null or TokenKind.None => null,
            TokenKind.Number => _tokens.Digits(),
            _ => Wrong($"a whole number from {min} to {max}"),
        };
        return text is null || Refusal is not null ? null : ToNumber(text, min, max);
    }

    /// <summary>True or false.</summary>
    public bool? Flag()
    {
        switch (Value())
        {
            case TokenKind.True:
                return true;
            case TokenKind.False:
                return false;
            case TokenKind.Null or TokenKind.None:
                return null;
            default:
                Wrong("true or false");
                return null;
        }
    }

    /// <summary>A fencing token, from a number or a string (a client whose numbers are doubles keeps it as a string).</summary>
    public FencingToken? Token()
    {
        if (TextOrNumber(ExpectedToken) is not { } text)
        {
            return null;
        }
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0)
        {
            return new FencingToken(value);
        }
        Wrong(ExpectedToken);
        return null;
    }

    public LeaseId? Lease()
    {
        if (Text() is not { } text || Refusal is not null)
        {
            return null;
        }
        if (LeaseId.TryParse(text, out var lease))
        {
            return lease;
        }
        Wrong("a lease id: up to 16 hexadecimal digits");
        return null;
    }

    /// <summary>A string, number or boolean that is understood later, when it is known what is asked.</summary>
    public JsonScalar? Scalar() => Value() switch
    {
        TokenKind.None => null,
        TokenKind.Null => JsonScalar.Null,
        TokenKind.Text => StringValue() is { } text ? new JsonScalar(TokenKind.Text, text) : null,
        TokenKind.Number => new JsonScalar(TokenKind.Number, _tokens.Digits()),
        TokenKind.True => new JsonScalar(TokenKind.True, ""),
        TokenKind.False => new JsonScalar(TokenKind.False, ""),
        TokenKind.Bytes => new JsonScalar(TokenKind.Bytes, "") { Bytes = _tokens.Bytes() },
        _ => NoScalar(),
    };

    /// <summary>A JSON object as it was sent; of MessagePack a map, as JSON.</summary>
    public ReadOnlyMemory<byte>? RawObject(int maxBytes)
    {
        switch (Value())
        {
            case TokenKind.Null or TokenKind.None:
                return null;
            case TokenKind.BeginObject:
                if (_tokens.RawObject(maxBytes, out var wrong) is { } raw)
                {
                    return raw;
                }
                Refuse(_tokens.Fault ?? $"the field \"{Path()}\" {wrong}");
                return null;
            default:
                Wrong(AnObject);
                return null;
        }
    }

    private byte[]? NoBytes(string expected)
    {
        Wrong(expected);
        return null;
    }

    private string? TextOrNumber(string expected)
    {
        var text = Value() switch
        {
            TokenKind.Null or TokenKind.None => null,
            TokenKind.Text => StringValue(),
            TokenKind.Number => _tokens.Digits(),
            _ => Wrong(expected),
        };
        return Refusal is null ? text : null;
    }

    private long? ToNumber(string text, long min, long max)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
        {
            return number;
        }
        Wrong($"a whole number from {min} to {max}");
        return null;
    }

    private JsonScalar? NoScalar()
    {
        Wrong("a string, a number or a boolean");
        return null;
    }
}

/// <summary>A value without parts.</summary>
/// <param name="Text">A string's characters or a number's digits.</param>
internal readonly record struct JsonScalar(TokenKind Kind, string Text)
{
    /// <summary>Of bytes of MessagePack.</summary>
    public byte[] Bytes { get; init; } = [];

    public static readonly JsonScalar Null = new(TokenKind.Null, "");
}
