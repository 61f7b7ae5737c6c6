using System.Globalization;
using System.Text;
using System.Text.Json;
using Consensus.Api.Durations;
using Consensus.Primitives;

namespace Consensus.Server.Json;

/// <summary>
/// Reads a request body that is one flat JSON object, field by field. The first thing wrong with it (malformed, unknown field, doubled field, wrong type) is kept
/// as <see cref="Refusal"/>, and reading ends; a field that is null counts as absent.
/// </summary>
internal ref struct StrictObjectReader
{
    private const int MaxDepth = 8;

    private Utf8JsonReader _json;
    private bool _started;
    private uint _seen;
    private string _field;

    public StrictObjectReader(ReadOnlySpan<byte> body)
    {
        _json = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = MaxDepth });
        _field = "";
        Refusal = body.IsEmpty ? "the request body is empty; it has to be a JSON object" : null;
    }

    /// <summary>One sentence, or null while all is well.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Moves to the next field that is not null. False at the end of the object, or after a refusal.</summary>
    public bool NextField()
    {
        while (Refusal is null)
        {
            if (!_started)
            {
                _started = true;
                if (Advance() && _json.TokenType != JsonTokenType.StartObject)
                {
                    Refuse("the request body is not a JSON object");
                }
                continue;
            }
            if (!Advance())
            {
                return false;
            }
            if (_json.TokenType == JsonTokenType.EndObject)
            {
                // Whatever follows the object is malformed, and reading on says so.
                _ = Advance();
                return false;
            }
            return true;
        }
        return false;
    }

    /// <summary>True when the present field has this name; then its value is read next.</summary>
    /// <param name="number">Of the field within its object, 0 to 31: to notice a doubled one.</param>
    public bool Is(ReadOnlySpan<byte> name, int number)
    {
        if (Refusal is not null || _json.TokenType != JsonTokenType.PropertyName || !_json.ValueTextEquals(name))
        {
            return false;
        }
        _field = Encoding.UTF8.GetString(name);
        if ((_seen & (1u << number)) != 0)
        {
            Refuse($"the field \"{_field}\" is given twice");
        }
        _seen |= 1u << number;
        return true;
    }

    /// <summary>For a field that is none of those the request has.</summary>
    public void Unknown() => Refuse($"the field \"{FieldName()}\" is unknown");

    /// <summary>For a field of the contract that this version does not have.</summary>
    public void Unsupported(string field) => Refuse($"the field \"{field}\" is not supported by this version");

    public string? Text() => Value() switch
    {
        JsonTokenType.Null or JsonTokenType.None => null,
        JsonTokenType.String => StringValue(),
        _ => Wrong("a string"),
    };

    /// <summary>A duration in microseconds, from a string with a unit or a number of seconds.</summary>
    public long? DurationMicros()
    {
        var text = Value() switch
        {
            JsonTokenType.Null or JsonTokenType.None => null,
            JsonTokenType.String => StringValue(),
            JsonTokenType.Number => NumberText(),
            _ => Wrong(DurationText.Expected),
        };
        if (text is null || Refusal is not null)
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

    /// <summary>A fencing token, from a number or a string (a client whose numbers are doubles keeps it as a string).</summary>
    public FencingToken? Token()
    {
        var text = Value() switch
        {
            JsonTokenType.Null or JsonTokenType.None => null,
            JsonTokenType.String => StringValue(),
            JsonTokenType.Number => NumberText(),
            _ => Wrong("a fencing token: a whole number above 0"),
        };
        if (text is null || Refusal is not null)
        {
            return null;
        }
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0)
        {
            return new FencingToken(value);
        }
        Wrong("a fencing token: a whole number above 0");
        return null;
    }

    public LeaseId? Lease() => Text() is { } text && Refusal is null ? ParseLease(text) : null;

    /// <summary>An array of lease ids.</summary>
    public List<LeaseId>? Leases(int most)
    {
        if (Value() is var token && token != JsonTokenType.StartArray)
        {
            if (token is not (JsonTokenType.Null or JsonTokenType.None))
            {
                Wrong("an array of lease ids");
            }
            return null;
        }
        var leases = new List<LeaseId>();
        while (Refusal is null && Advance() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (_json.TokenType != JsonTokenType.String)
            {
                Wrong("an array of lease ids");
            }
            else if (leases.Count == most)
            {
                Refuse($"the field \"{_field}\" names more than {most} leases");
            }
            else if (StringValue() is { } text && ParseLease(text) is { } lease)
            {
                leases.Add(lease);
            }
        }
        return Refusal is null ? leases : null;
    }

    private LeaseId? ParseLease(string text)
    {
        if (LeaseId.TryParse(text, out var lease))
        {
            return lease;
        }
        Wrong("a lease id: up to 16 hexadecimal digits");
        return null;
    }

    private JsonTokenType Value() => Refusal is null && Advance() ? _json.TokenType : JsonTokenType.None;

    private string? StringValue()
    {
        try
        {
            return _json.GetString();
        }
        catch (InvalidOperationException)
        {
            Refuse($"the field \"{_field}\" is not valid Unicode");
            return null;
        }
    }

    private readonly string NumberText() => Encoding.UTF8.GetString(_json.ValueSpan);

    private readonly string FieldName()
    {
        try
        {
            return _json.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            return "\uFFFD";
        }
    }

    private bool Advance()
    {
        try
        {
            return _json.Read();
        }
        catch (JsonException e)
        {
            Refuse(string.Create(
                CultureInfo.InvariantCulture, $"the request body is malformed JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}"));
            return false;
        }
    }

    private string? Wrong(string expected)
    {
        Refuse($"the field \"{_field}\" is not {expected}");
        return null;
    }

    private void Refuse(string because) => Refusal ??= because;
}
