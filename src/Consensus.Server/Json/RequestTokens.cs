using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Consensus.Api.Packed;

namespace Consensus.Server.Json;

/// <summary>
/// The tokens of a request's body: of JSON, or of MessagePack when it begins as that does. Whoever reads them need not know which.
/// </summary>
internal ref struct RequestTokens
{
    private readonly ReadOnlySpan<byte> _body;
    private Utf8JsonReader _json;
    private PackedTokens _packed;

    public RequestTokens(ReadOnlyMemory<byte> body)
    {
        _body = body.Span;
        IsPacked = PackedDocument.IsPacked(_body);
        if (IsPacked)
        {
            _packed = new PackedTokens(body);
        }
        else
        {
            _json = new Utf8JsonReader(_body, new JsonReaderOptions { MaxDepth = PackedJson.MaxDepth });
        }
    }

    /// <summary>Whether the body is MessagePack.</summary>
    public bool IsPacked { get; }

    /// <summary>What is wrong with the body as a whole, in a sentence; null while nothing is.</summary>
    public string? Fault { get; private set; }

    public readonly TokenKind Kind => IsPacked ? _packed.Kind : _json.TokenType switch
    {
        JsonTokenType.Null => TokenKind.Null,
        JsonTokenType.True => TokenKind.True,
        JsonTokenType.False => TokenKind.False,
        JsonTokenType.Number => TokenKind.Number,
        JsonTokenType.String => TokenKind.Text,
        JsonTokenType.StartObject => TokenKind.BeginObject,
        JsonTokenType.EndObject => TokenKind.EndObject,
        JsonTokenType.StartArray => TokenKind.BeginArray,
        JsonTokenType.EndArray => TokenKind.EndArray,
        JsonTokenType.PropertyName => TokenKind.Name,
        _ => TokenKind.None,
    };

    /// <summary>Moves to the next token. False at the end, or when something is wrong.</summary>
    public bool Read()
    {
        if (IsPacked)
        {
            var isThere = _packed.Read();
            Fault ??= _packed.Fault;
            return isThere;
        }
        try
        {
            return _json.Read();
        }
        catch (JsonException e)
        {
            Malformed(e);
            return false;
        }
    }

    public readonly bool IsName(ReadOnlySpan<byte> name) =>
        Kind == TokenKind.Name && (IsPacked ? _packed.Bytes.SequenceEqual(name) : _json.ValueTextEquals(name));

    /// <summary>Of a text or a name; null when it is not Unicode.</summary>
    public readonly string? Text()
    {
        if (IsPacked)
        {
            return Utf8.IsValid(_packed.Bytes) ? Encoding.UTF8.GetString(_packed.Bytes) : null;
        }
        try
        {
            return _json.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Of bytes of MessagePack.</summary>
    public readonly byte[] Bytes() => _packed.Bytes.ToArray();

    /// <summary>Of a number: as JSON writes it.</summary>
    public readonly string Digits() => IsPacked ? _packed.Number : Encoding.UTF8.GetString(_json.ValueSpan);

    /// <summary>
    /// The present value, an object, as JSON: as it was sent where it came so. The reader is past it then. Null when it is none, of which
    /// <see cref="Fault"/> or
    /// <paramref name="wrong"/> tells.
    /// </summary>
    /// <param name="maxBytes">That it may have; JSON that was sent as such may be longer.</param>
    /// <param name="wrong">What is wrong with the object, to be said after its name.</param>
    public byte[]? RawObject(int maxBytes, out string? wrong)
    {
        wrong = null;
        if (IsPacked)
        {
            try
            {
                return _packed.ToJson(maxBytes);
            }
            catch (FormatException e)
            {
                wrong = $"cannot be kept as JSON of at most {maxBytes} bytes: {e.Message}";
                return null;
            }
        }
        var start = (int)_json.TokenStartIndex;
        try
        {
            _json.Skip();
        }
        catch (JsonException e)
        {
            Malformed(e);
            return null;
        }
        var raw = _body[start..(int)_json.BytesConsumed];
        wrong = raw.Length > maxBytes ? $"has {raw.Length} bytes; at most {maxBytes} are taken"
            : !Utf8.IsValid(raw) ? "is not valid UTF-8"
            : !IsText(raw) ? "is not valid Unicode"
            : null;
        return wrong is null ? raw.ToArray() : null;
    }

    /// <summary>False where an escape stands for half a surrogate pair: it can be read again by nobody.</summary>
    private static bool IsText(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
            {
                if (reader.ValueIsEscaped)
                {
                    _ = reader.GetString();
                }
            }
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private void Malformed(JsonException e)
    {
        // The exception has no kind: at the deepest level it may be one more that the reader does not enter.
        var isDeep = _json.CurrentDepth >= PackedJson.MaxDepth;
        var what = isDeep ? $"malformed JSON, or nested more than {PackedJson.MaxDepth} deep," : "malformed JSON";
        var (line, at) = (e.LineNumber + 1, e.BytePositionInLine + 1);
        Fault ??= string.Create(CultureInfo.InvariantCulture, $"the request body is {what} at line {line}, byte {at}");
    }
}
