using System.Globalization;
using System.Text;
using System.Text.Json;
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
        JsonTokenType.Null or JsonTokenType.None => null,
        JsonTokenType.String => StringValue(),
        _ => Wrong("a string"),
    };

    /// <summary>The UTF-8 form of a string.</summary>
    public byte[]? TextBytes() => Text() is { } text && Refusal is null ? Encoding.UTF8.GetBytes(text) : null;

    /// <summary>The bytes of a string of base64.</summary>
    public byte[]? Base64()
    {
        if (TextBytes() is not { } text)
        {
            return null;
        }
        if (QueryParameters.TryDecodeBase64(text, out var bytes))
        {
            return bytes;
        }
        Wrong("base64");
        return null;
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
            JsonTokenType.Null or JsonTokenType.None => null,
            JsonTokenType.Number => NumberText(),
            _ => Wrong($"a whole number from {min} to {max}"),
        };
        return text is null || Refusal is not null ? null : ToNumber(text, min, max);
    }

    /// <summary>True or false.</summary>
    public bool? Flag()
    {
        switch (Value())
        {
            case JsonTokenType.True:
                return true;
            case JsonTokenType.False:
                return false;
            case JsonTokenType.Null or JsonTokenType.None:
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
        JsonTokenType.None => null,
        JsonTokenType.Null => JsonScalar.Null,
        JsonTokenType.String => StringValue() is { } text ? new JsonScalar(JsonTokenType.String, text) : null,
        JsonTokenType.Number => new JsonScalar(JsonTokenType.Number, NumberText()),
        JsonTokenType.True => new JsonScalar(JsonTokenType.True, ""),
        JsonTokenType.False => new JsonScalar(JsonTokenType.False, ""),
        _ => NoScalar(),
    };

    /// <summary>A JSON object as it was sent.</summary>
    public ReadOnlyMemory<byte>? RawObject(int maxBytes)
    {
        var token = Value();
        if (token is JsonTokenType.Null or JsonTokenType.None)
        {
            return null;
        }
        if (token != JsonTokenType.StartObject)
        {
            Wrong("a JSON object");
            return null;
        }
        var raw = RawValue();
        if (raw.Length > maxBytes)
        {
            Refuse($"the field \"{Path()}\" has {raw.Length} bytes; at most {maxBytes} are taken");
        }
        return Refusal is null ? raw.ToArray() : null;
    }

    private string? TextOrNumber(string expected)
    {
        var text = Value() switch
        {
            JsonTokenType.Null or JsonTokenType.None => null,
            JsonTokenType.String => StringValue(),
            JsonTokenType.Number => NumberText(),
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

/// <summary>A JSON value without parts.</summary>
/// <param name="Text">A string's characters or a number's digits.</param>
internal readonly record struct JsonScalar(JsonTokenType Kind, string Text)
{
    public static readonly JsonScalar Null = new(JsonTokenType.Null, "");
}
