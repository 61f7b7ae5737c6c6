using System.Globalization;
using System.Runtime.CompilerServices;
using Consensus.Api.Packed;
using MessagePack;

namespace Consensus.Server.Json;

/// <summary>
/// A body of MessagePack, token by token. The length that a header declares is counted down and nothing else: no memory is taken for it,
/// and nothing calls itself for a level.
/// </summary>
internal ref struct PackedTokens
{
    private MessagePackReader _reader;

    /// <summary>Where the present value begins.</summary>
    private MessagePackReader _value;

    private Levels _levels;
    private int _depth;
    private bool _hasBegun;

    public PackedTokens(ReadOnlyMemory<byte> body) => _reader = new MessagePackReader(body);

    private struct Level
    {
        /// <summary>Names and values that still come; of a map an even number before each name.</summary>
        public long Left;

        public bool IsMap;
    }

    [InlineArray(PackedJson.MaxDepth)]
    private struct Levels
    {
        private Level _first;
    }

    public TokenKind Kind { get; private set; }

    /// <summary>Of a text or a name its UTF-8, checked of a text only; of bytes these.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Of a number: its digits.</summary>
    public string Number { get; private set; } = "";

    /// <summary>What is wrong with the body; null while nothing is.</summary>
    public string? Fault { get; private set; }

    /// <summary>Moves to the next token. False at the end, or when something is wrong.</summary>
    public bool Read()
    {
        try
        {
            Kind = Next();
        }
        catch (Exception e) when (PackedDocument.IsFault(e))
        {
            Fail("is malformed MessagePack, or ends early,");
        }
        return Kind != TokenKind.None;
    }

    /// <summary>The present value, an object, as JSON; the reader is past it then.</summary>
    /// <param name="maxBytes">That it may have.</param>
    /// <exception cref="FormatException">It has more, or what JSON has not.</exception>
    public byte[] ToJson(int maxBytes)
    {
        _reader = _value;
        _depth--;
        return PackedJson.ToJson(ref _reader, PackedJson.MaxDepth - _depth, maxBytes);
    }

    private TokenKind Next()
    {
        if (_depth == 0)
        {
            return _hasBegun ? End() : Value();
        }
        ref var level = ref _levels[_depth - 1];
        if (level.Left == 0)
        {
            _depth--;
            return level.IsMap ? TokenKind.EndObject : TokenKind.EndArray;
        }
        level.Left--;
        return level.IsMap && level.Left % 2 != 0 ? Name() : Value();
    }

    private TokenKind End()
    {
        if (!_reader.End)
        {
            Fail("goes on after its end");
        }
        return TokenKind.None;
    }

    private TokenKind Name()
    {
        if (_reader.NextMessagePackType != MessagePackType.String || !_reader.TryReadStringSpan(out var name))
        {
            return Fail("has a field whose name is no text");
        }
        Bytes = name;
        return TokenKind.Name;
    }

    private TokenKind Value()
    {
        _hasBegun = true;
        _value = _reader;
        switch (_reader.NextMessagePackType)
        {
            case MessagePackType.Nil:
                _reader.ReadNil();
                return TokenKind.Null;
            case MessagePackType.Boolean:
                return _reader.ReadBoolean() ? TokenKind.True : TokenKind.False;
            case MessagePackType.Integer:
                Number = _reader.NextCode == MessagePackCode.UInt64
                    ? _reader.ReadUInt64().ToString(CultureInfo.InvariantCulture)
                    : _reader.ReadInt64().ToString(CultureInfo.InvariantCulture);
                return TokenKind.Number;
            case MessagePackType.Float:
                Number = Digits(_reader.ReadDouble());
                return TokenKind.Number;
            case MessagePackType.String when _reader.TryReadStringSpan(out var text):
                Bytes = text;
                return TokenKind.Text;
            case MessagePackType.Binary:
                Bytes = _reader.ReadBytes()!.Value.FirstSpan;
                return TokenKind.Bytes;
            case MessagePackType.Map:
                return Enter(2L * _reader.ReadMapHeader(), isMap: true);
            case MessagePackType.Array:
                return Enter(_reader.ReadArrayHeader(), isMap: false);
            default:
                return Fail("has a value that is none of JSON's, nor bytes,");
        }
    }

    /// <summary>A number with a point is no whole number, whatever stands behind it: as in JSON.</summary>
    private static string Digits(double number)
    {
        var text = number.ToString("R", CultureInfo.InvariantCulture);
        return double.IsInteger(number) && !text.Contains('E', StringComparison.Ordinal) ? text + ".0" : text;
    }

    private TokenKind Enter(long left, bool isMap)
    {
        if (_depth == PackedJson.MaxDepth)
        {
            return Fail($"is nested more than {PackedJson.MaxDepth} deep");
        }
        _levels[_depth++] = new Level { Left = left, IsMap = isMap };
        return isMap ? TokenKind.BeginObject : TokenKind.BeginArray;
    }

    private TokenKind Fail(string what)
    {
        Fault ??= string.Create(CultureInfo.InvariantCulture, $"the request body {what} at byte {_reader.Consumed + 1}");
        return Kind = TokenKind.None;
    }
}
