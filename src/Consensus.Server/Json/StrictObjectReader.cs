using System.Globalization;
using System.Text;
using Consensus.Translation;

namespace Consensus.Server.Json;

/// <summary>
/// Reads a request body that is an object of JSON or of MessagePack, field by field, and objects and arrays within it. The first thing
/// wrong with it (malformed, unknown field, doubled
/// field, wrong type) is kept as <see cref="Refusal"/> with the path of the field (<c>success[2].put.key</c>), and reading ends; a field that is null counts as absent.
/// </summary>
internal ref partial struct StrictObjectReader
{
    private RequestTokens _tokens;
    private bool _started;

    /// <summary>The token under the reader is an array's item that was not looked at yet.</summary>
    private bool _isAtItem;

    private Level _level;

    /// <summary>The levels around the present one; null until there are any.</summary>
    private Stack<Level>? _around;

    public StrictObjectReader(ReadOnlyMemory<byte> body)
    {
        _tokens = new RequestTokens(body);
        _level = new Level { Field = "" };
        Refusal = body.IsEmpty ? "the request body is empty; it has to be an object of JSON, or a map of MessagePack" : null;
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

    /// <summary>Whether the body is MessagePack, which has bytes as they are.</summary>
    public readonly bool IsPacked => _tokens.IsPacked;

    /// <summary>What an object is called where its sender's form has another word for it.</summary>
    public readonly string AnObject => IsPacked ? "a map of MessagePack" : "a JSON object";

    /// <summary>Moves to the present object's next field. False at the end of the object, or after a refusal.</summary>
    public bool NextField()
    {
        if (!_started)
        {
            _started = true;
            if (Refusal is null && Advance() && _tokens.Kind != TokenKind.BeginObject)
            {
                Refuse($"the request body is not {AnObject}");
            }
        }
        if (Refusal is not null || !Advance())
        {
            return false;
        }
        if (_tokens.Kind != TokenKind.EndObject)
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
        if (Refusal is not null || !_tokens.IsName(name))
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

    /// <summary>
    /// True when the present field is bytes under this name; then they were read. They are given as a text or, in JSON, in base64 under
    /// the name that says so; in MessagePack as they are.
    /// </summary>
    /// <param name="number">Of the field within its object; the name of base64 has the next one.</param>
    /// <param name="bytes">Null: refused, or the field is null.</param>
    public bool IsBytes(ReadOnlySpan<byte> name, ReadOnlySpan<byte> base64, int number, out byte[]? bytes)
    {
        var isPlain = Is(name, number);
        var isThere = isPlain || (!_tokens.IsPacked && Is(base64, number + 1));
        bytes = isPlain ? TextOrBytes() : isThere ? Base64() : null;
        return isThere;
    }

    /// <summary>For a field that is none of those the object has.</summary>
    public void Unknown()
    {
        _level.Field = Excerpt.Of(_tokens.Text() ?? "\uFFFD");
        Refuse($"the field \"{Path()}\" is unknown");
    }

    /// <summary>Goes into the present value, an object: its fields are read next. False when it is null, or no object.</summary>
    public bool EnterObject() => Enter(TokenKind.BeginObject, AnObject);

    /// <summary>Goes into the present value, an array: its items are read next. False when it is null, or no array.</summary>
    /// <param name="expected">For the refusal.</param>
    public bool EnterArray(string expected = "an array") => Enter(TokenKind.BeginArray, expected);

    /// <summary>Moves to the present array's next item, whose value is read next. False at the end of the array, or after a refusal.</summary>
    public bool NextItem()
    {
        if (Refusal is not null || !Advance())
        {
            return false;
        }
        if (_tokens.Kind == TokenKind.EndArray)
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

    private bool Enter(TokenKind start, string expected)
    {
        var token = Value();
        if (token != start)
        {
            if (token is not (TokenKind.Null or TokenKind.None))
            {
                Wrong(expected);
            }
            return false;
        }
        (_around ??= new Stack<Level>()).Push(_level);
        _level = new Level { Field = "", Index = -1, IsArray = start == TokenKind.BeginArray };
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

    private TokenKind Value()
    {
        if (_isAtItem)
        {
            _isAtItem = false;
            return Refusal is null ? _tokens.Kind : TokenKind.None;
        }
        return Refusal is null && Advance() ? _tokens.Kind : TokenKind.None;
    }

    private string? StringValue()
    {
        if (_tokens.Text() is { } text)
        {
            return text;
        }
        Refuse($"the field \"{Path()}\" is not valid Unicode");
        return null;
    }

    private bool Advance()
    {
        var isThere = _tokens.Read();
        if (_tokens.Fault is { } fault)
        {
            Refuse(fault);
        }
        return isThere;
    }
}
