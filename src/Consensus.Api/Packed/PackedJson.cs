using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using MessagePack;

namespace Consensus.Api.Packed;

/// <summary>
/// Between MessagePack and JSON, value by value. Nothing is taken on the word of a header: memory grows with what is there, and no value
/// is deeper than it may be.
/// </summary>
public static class PackedJson
{
    /// <summary>As deep as a request may be.</summary>
    public const int MaxDepth = 32;

    /// <summary>As deep as an answer may be, which has what requests brought in it.</summary>
    private const int MaxAnswerDepth = 64;

    /// <summary>
    /// Levels of an answer around what is passed over in it, at most: the answer to a transaction, its results, one of them, what that got,
    /// its items, one of these.
    /// </summary>
    private const int LevelsAround = 6;

    private const int PieceBytes = 64 * 1024;

    /// <summary>For the next value that is passed over on this thread.</summary>
    [ThreadStatic]
    private static Nowhere? _nowhere;

    /// <summary>That the writer of JSON asks for beyond what it writes.</summary>
    private const int WriterBytes = 8 * 1024;

    private static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>
    /// A whole document as the API's JSON: bytes are a text where they are UTF-8, and else base64 in a member whose name ends so.
    /// </summary>
    /// <param name="maxBytes">That the JSON may have; it may be six times as long as the document. No memory is taken for more.</param>
    /// <exception cref="FormatException">It is no MessagePack, not one document, too deep, too large, or has what JSON has not.</exception>
    public static byte[] ToJson(ReadOnlyMemory<byte> document, int maxBytes = int.MaxValue)
    {
        var measured = new Nowhere();
        Write(document, measured, maxBytes);
        var output = new ArrayBufferWriter<byte>((int)measured.Length + WriterBytes);
        Write(document, output, maxBytes);
        return output.WrittenSpan.ToArray();
    }

    private static void Write(ReadOnlyMemory<byte> document, IBufferWriter<byte> output, int maxBytes)
    {
        using var json = new Utf8JsonWriter(output, WriterOptions);
        var reader = new MessagePackReader(document);
        Read(ref reader, json, MaxAnswerDepth, maxBytes, takesBytes: true);
        if (!reader.End)
        {
            throw new FormatException("it goes on after its end");
        }
    }

    /// <summary>
    /// Passes over a value within an answer that <see cref="ToJson(ReadOnlyMemory{byte}, int)"/> is to take as a whole, if it would.
    /// </summary>
    /// <exception cref="FormatException">It is no MessagePack, too deep, or has what JSON has not.</exception>
    public static void PassOver(ref MessagePackReader reader)
    {
        var nowhere = _nowhere ?? new Nowhere();
        // An answer of a newer member may have a member that is not known here in each of its thousand rows.
        _nowhere = null;
        using var json = new Utf8JsonWriter(nowhere, WriterOptions);
        Read(ref reader, json, MaxAnswerDepth - LevelsAround, int.MaxValue, takesBytes: true);
        _nowhere = nowhere.IsSmall ? nowhere : null;
    }

    /// <summary>The next value as JSON, without any bytes in it.</summary>
    /// <param name="depth">Levels that it may have.</param>
    /// <param name="maxBytes">That the JSON may have.</param>
    /// <exception cref="FormatException">It is no MessagePack, too deep, larger than that, or has what JSON has not.</exception>
    public static byte[] ToJson(ref MessagePackReader reader, int depth, int maxBytes)
    {
        var output = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(output, WriterOptions);
        Read(ref reader, json, depth, maxBytes, takesBytes: false);
        json.Flush();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Passes over a value, however deep it is and whatever is in it: of what was read before.</summary>
    public static void Skip(ref MessagePackReader reader)
    {
        for (var left = 1L; left > 0; left--)
        {
            switch (reader.NextMessagePackType)
            {
                case MessagePackType.Map:
                    left += 2L * reader.ReadMapHeader();
                    break;
                case MessagePackType.Array:
                    left += reader.ReadArrayHeader();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    private static void Read(ref MessagePackReader reader, Utf8JsonWriter json, int depth, long maxBytes, bool takesBytes)
    {
        try
        {
            Read(ref reader, json, null, depth, maxBytes, takesBytes);
            _ = Left(json, maxBytes);
        }
        catch (Exception e) when (PackedDocument.IsFault(e))
        {
            throw new FormatException("it ends early, or is no MessagePack", e);
        }
    }

    /// <param name="name">Of the member that the value is of; null in an array.</param>
    private static void Read(ref MessagePackReader reader, Utf8JsonWriter json, string? name, int depth, long maxBytes, bool takesBytes)
    {
        _ = Left(json, maxBytes);
        var type = reader.NextMessagePackType;
        if (name is not null && type != MessagePackType.Binary)
        {
            json.WritePropertyName(name);
        }
        switch (type)
        {
            case MessagePackType.Nil:
                reader.ReadNil();
                json.WriteNullValue();
                break;
            case MessagePackType.Boolean:
                json.WriteBooleanValue(reader.ReadBoolean());
                break;
            case MessagePackType.Integer when reader.NextCode == MessagePackCode.UInt64:
                json.WriteNumberValue(reader.ReadUInt64());
                break;
            case MessagePackType.Integer:
                json.WriteNumberValue(reader.ReadInt64());
                break;
            case MessagePackType.Float:
                var number = reader.ReadDouble();
                json.WriteNumberValue(double.IsFinite(number) ? number : throw new FormatException("it has a number that JSON has not"));
                break;
            case MessagePackType.String:
                WriteText(json, Text(ref reader, Left(json, maxBytes)), maxBytes);
                break;
            case MessagePackType.Binary when takesBytes:
                var bytes = reader.ReadBytes()!.Value;
                WriteBytes(json, name, bytes.Length <= Left(json, maxBytes) ? bytes.ToArray() : throw TooLarge());
                break;
            case MessagePackType.Array:
                json.WriteStartArray();
                for (var left = Enter(reader.ReadArrayHeader(), depth); left > 0; left--)
                {
                    Read(ref reader, json, null, depth - 1, maxBytes, takesBytes);
                }
                json.WriteEndArray();
                break;
            case MessagePackType.Map:
                json.WriteStartObject();
                for (var left = Enter(reader.ReadMapHeader(), depth); left > 0; left--)
                {
                    var member = Encoding.UTF8.GetString(Text(ref reader, Left(json, maxBytes)));
                    Read(ref reader, json, member, depth - 1, maxBytes, takesBytes);
                }
                json.WriteEndObject();
                break;
            default:
                throw new FormatException("it has a value that JSON has not");
        }
    }

    private static int Enter(int count, int depth) => depth > 0 ? count : throw new FormatException("it is nested too deep");

    /// <summary>Bytes of JSON that may still come.</summary>
    private static long Left(Utf8JsonWriter json, long maxBytes)
    {
        var left = maxBytes - json.BytesCommitted - json.BytesPending;
        return left >= 0 ? left : throw TooLarge();
    }

    private static FormatException TooLarge() => new("it is too large");

    private static ReadOnlySpan<byte> Text(ref MessagePackReader reader, long maxBytes)
    {
        if (reader.NextMessagePackType != MessagePackType.String || !reader.TryReadStringSpan(out var text))
        {
            throw new FormatException("the name of a member is no text");
        }
        return text.Length > maxBytes ? throw TooLarge() : Utf8.IsValid(text) ? text : throw new FormatException("a text is not UTF-8");
    }

    /// <summary>A long one goes piece by piece: the writer takes six times the size of what it is given at once.</summary>
    private static void WriteText(Utf8JsonWriter json, ReadOnlySpan<byte> text, long maxBytes)
    {
        if (text.Length <= PieceBytes)
        {
            json.WriteStringValue(text);
            return;
        }
        for (; text.Length > PieceBytes; text = text[PieceBytes..])
        {
            json.WriteStringValueSegment(text[..PieceBytes], isFinalSegment: false);
            _ = Left(json, maxBytes);
        }
        json.WriteStringValueSegment(text, isFinalSegment: true);
    }

    private static void WriteBytes(Utf8JsonWriter json, string? name, byte[] bytes)
    {
        var isText = Utf8.IsValid(bytes);
        if (name is not null)
        {
            json.WritePropertyName(isText ? name : name + ApiMediaTypes.Base64Suffix);
        }
        if (isText)
        {
            json.WriteStringValue(bytes);
        }
        else
        {
            json.WriteBase64StringValue(bytes);
        }
    }

    /// <summary>Where what is written is counted and let go of.</summary>
    private sealed class Nowhere : IBufferWriter<byte>
    {
        private byte[] _memory = new byte[4 * 1024];

        /// <summary>It never had to take a long value, and may be kept for the next.</summary>
        public bool IsSmall => _memory.Length <= 64 * 1024;

        public long Length { get; private set; }

        public void Advance(int count) => Length += count;

        public Memory<byte> GetMemory(int sizeHint = 0) => _memory = sizeHint > _memory.Length ? new byte[sizeHint] : _memory;

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}
