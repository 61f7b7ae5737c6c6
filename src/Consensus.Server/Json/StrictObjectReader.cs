using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Consensus.Server.Json;

/// <summary>
/// Reads a request body that is a JSON object, field by field, and objects and arrays within it. The first thing wrong with it (malformed, unknown field, doubled
/// field, wrong type) is kept as <see cref="Refusal"/> with the path of the field (<c>success[2].put.key</c>), and reading ends; a field that is null counts as absent.
/// </summary>
internal ref partial struct StrictObjectReader
{
    private const int MaxDepth = 32;

    private readonly ReadOnlySpan<byte> _body;
    private Utf8JsonReader _json;
    private bool _started;

    /// <summary>The token under the reader is an array's item that was not looked at yet.</summary>
    private bool _isAtItem;

    private Level _level;

    /// <summary>The levels around the present one; null until there are any.</summary>
    private Stack<Level>? _around;

    public StrictObjectReader(ReadOnlySpan<byte> body)
    {
        _body = body;
        _json = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = MaxDepth });
        _level = new Level { Field = "" };
        Refusal = body.IsEmpty ? "the request body is empty; it has to be a JSON object" : null;
    }

    /// <summary>Where the reader is within one object or array.</summary>
    private struct Level
    {
        /// <summary>Fields of the object that were given, a bit each.</summary>
        public uint Seen;

        /// <summary>The object's present field.</summary>
        public string Field;

        /// <summary>The array's present item; -1 before the first.</summary>
        public int Index;

        public bool IsArray;
    }

    /// <summary>One sentence, or null while all is well.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Moves to the present object's next field. False at the end of the object, or after a refusal.</summary>
    public bool NextField()
    {
        if (!_started)
        {
            _started = true;
            if (Refusal is null && Advance() && _json.TokenType != JsonTokenType.StartObject)
            {
                Refuse("the request body is not a JSON object");
            }
        }
        if (Refusal is not null || !Advance())
        {
            return false;
        }
        if (_json.TokenType != JsonTokenType.EndObject)
        {
            return true;
        }
        if (!Leave())
        {
            // Whatever follows the outermost object is malformed, and reading on says so.
            _ = Advance();
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
        _level.Field = Encoding.UTF8.GetString(name);
        if ((_level.Seen & (1u << number)) != 0)
        {
            Refuse($"the field \"{Path()}\" is given twice");
        }
        _level.Seen |= 1u << number;
        return true;
    }

    /// <summary>For a field that is none of those the object has.</summary>
    public void Unknown()
    {
        _level.Field = FieldName();
        Refuse($"the field \"{Path()}\" is unknown");
    }

    /// <summary>Goes into the present value, an object: its fields are read next. False when it is null, or no object.</summary>
    public bool EnterObject() => Enter(JsonTokenType.StartObject, "a JSON object");

    /// <summary>Goes into the present value, an array: its items are read next. False when it is null, or no array.</summary>
    /// <param name="expected">For the refusal.</param>
    public bool EnterArray(string expected = "an array") => Enter(JsonTokenType.StartArray, expected);

    /// <summary>Moves to the present array's next item, whose value is read next. False at the end of the array, or after a refusal.</summary>
    public bool NextItem()
    {
        if (Refusal is not null || !Advance())
        {
            return false;
        }
        if (_json.TokenType == JsonTokenType.EndArray)
        {
            Leave();
            return false;
        }
        _level.Index++;
        _isAtItem = true;
        return true;
    }

    /// <summary>The path of the present field or item, for a refusal that is made elsewhere.</summary>
    public readonly string Path()
    {
        var path = new StringBuilder();
        foreach (var level in _around?.Reverse() ?? [])
        {
            Add(path, level);
        }
        Add(path, _level);
        return path.ToString();
    }

    /// <summary>Refuses the present value.</summary>
    public string? Wrong(string expected)
    {
        Refuse($"the field \"{Path()}\" is not {expected}");
        return null;
    }

    /// <summary>Refuses the body with a sentence; the first one counts.</summary>
    public void Refuse(string because) => Refusal ??= because;

    private bool Enter(JsonTokenType start, string expected)
    {
        var token = Value();
        if (token != start)
        {
            if (token is not (JsonTokenType.Null or JsonTokenType.None))
            {
                Wrong(expected);
            }
            return false;
        }
        (_around ??= new Stack<Level>()).Push(_level);
        _level = new Level { Field = "", Index = -1, IsArray = start == JsonTokenType.StartArray };
        return true;
    }

    /// <summary>False when there is nothing around the present level.</summary>
    private bool Leave()
    {
        if (_around is null || !_around.TryPop(out var around))
        {
            return false;
        }
        _level = around;
        return true;
    }

    private static void Add(StringBuilder path, in Level level)
    {
        if (level.IsArray)
        {
            path.Append(CultureInfo.InvariantCulture, $"[{level.Index}]");
        }
        else if (level.Field.Length > 0)
        {
            path.Append(path.Length > 0 ? "." : "").Append(level.Field);
        }
    }

    private JsonTokenType Value()
    {
        if (_isAtItem)
        {
            _isAtItem = false;
            return Refusal is null ? _json.TokenType : JsonTokenType.None;
        }
        return Refusal is null && Advance() ? _json.TokenType : JsonTokenType.None;
    }

    /// <summary>The bytes of the present value, an object or array, as they were sent; the reader is past it then.</summary>
    private ReadOnlySpan<byte> RawValue()
    {
        var start = (int)_json.TokenStartIndex;
        try
        {
            _json.Skip();
        }
        catch (JsonException e)
        {
            Malformed(e);
            return default;
        }
        var raw = _body[start..(int)_json.BytesConsumed];
        if (!Utf8.IsValid(raw))
        {
            Wrong("valid UTF-8");
        }
        return raw;
    }

    private string? StringValue()
    {
        try
        {
            return _json.GetString();
        }
        catch (InvalidOperationException)
        {
            Refuse($"the field \"{Path()}\" is not valid Unicode");
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
            Malformed(e);
            return false;
        }
    }

    private void Malformed(JsonException e)
    {
        // The exception has no kind: at the deepest level it may be one more that the reader does not enter.
        var what = _json.CurrentDepth < MaxDepth ? "malformed JSON" : $"malformed JSON, or nested more than {MaxDepth} deep,";
        Refuse(string.Create(CultureInfo.InvariantCulture, $"the request body is {what} at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}"));
    }
}
