using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Consensus.Api.Json;
using MessagePack;

namespace Consensus.Api.Packed;

/// <summary>
/// Writes a piece of JSON as MessagePack. MessagePack says how many items there are before the first: they are counted for all levels in
/// one pass, so that depth costs nothing, and nothing calls itself for a level.
/// </summary>
public static class JsonPacker
{
    private const int EscapedDigits = 4;

    /// <summary>A list or object that is being counted.</summary>
    private readonly record struct Open(int Number, bool IsArray);

    /// <param name="isExact">Of a request: what MessagePack would say as something else is refused. An answer is told whatever is stored: a
    /// number that no type has room for by its digits, half of a surrogate pair as U+FFFD.</param>
    /// <returns>How many tokens of the JSON were looked at: each one twice, whatever level it is on.</returns>
    /// <exception cref="FormatException">It is no JSON, or not to be said exactly.</exception>
    public static int Write(ref MessagePackWriter writer, RawJson value, bool isExact)
    {
        var json = Encoding.UTF8.GetBytes(value.Text);
        try
        {
            var counts = CountAll(json, out var tokens);
            return tokens + Write(ref writer, json, counts, isExact);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new FormatException(e.Message, e);
        }
    }

    /// <summary>How many items or members each array and object has, in the order in which they begin.</summary>
    private static List<int> CountAll(ReadOnlySpan<byte> json, out int tokens)
    {
        tokens = 0;
        var counts = new List<int>();
        var around = new Stack<Open>();
        var reader = new Utf8JsonReader(json);
        for (; reader.Read(); tokens++)
        {
            var kind = reader.TokenType;
            if (kind is JsonTokenType.EndArray or JsonTokenType.EndObject)
            {
                around.Pop();
                continue;
            }
            if (around.TryPeek(out var open) && (open.IsArray || kind == JsonTokenType.PropertyName))
            {
                counts[open.Number]++;
            }
            if (kind is JsonTokenType.StartArray or JsonTokenType.StartObject)
            {
                around.Push(new Open(counts.Count, kind == JsonTokenType.StartArray));
                counts.Add(0);
            }
        }
        return counts;
    }

    private static int Write(ref MessagePackWriter writer, ReadOnlySpan<byte> json, List<int> counts, bool isExact)
    {
        var (begun, tokens) = (0, 0);
        var reader = new Utf8JsonReader(json);
        for (; reader.Read(); tokens++)
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    writer.WriteMapHeader(counts[begun++]);
                    break;
                case JsonTokenType.StartArray:
                    writer.WriteArrayHeader(counts[begun++]);
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    break;
                case JsonTokenType.PropertyName or JsonTokenType.String:
                    writer.Write(isExact || !reader.ValueIsEscaped ? reader.GetString() : Unescaped(reader.ValueSpan));
                    break;
                case JsonTokenType.Number:
                    WriteNumber(ref writer, ref reader, isExact);
                    break;
                case JsonTokenType.True or JsonTokenType.False:
                    writer.Write(reader.GetBoolean());
                    break;
                default:
                    writer.WriteNil();
                    break;
            }
        }
        return tokens;
    }

    private static void WriteNumber(ref MessagePackWriter writer, ref Utf8JsonReader reader, bool isExact)
    {
        if (reader.TryGetInt64(out var number) && (!isExact || IsWrittenSo(reader.ValueSpan, number)))
        {
            writer.Write(number);
        }
        else if (reader.TryGetUInt64(out var larger))
        {
            writer.Write(larger);
        }
        else if (isExact)
        {
            throw new FormatException("a number is not what an integer of 64 bits is written as");
        }
        else if (reader.ValueSpan.ContainsAny(".eE"u8) && reader.TryGetDouble(out var fraction) && double.IsFinite(fraction))
        {
            writer.Write(fraction);
        }
        else
        {
            // Larger than any type has room for: its digits say what it is.
            writer.WriteString(reader.ValueSpan);
        }
    }

    /// <summary>Not <c>-0</c>, which is no whole number to the server.</summary>
    private static bool IsWrittenSo(ReadOnlySpan<byte> written, long number)
    {
        Span<byte> digits = stackalloc byte[20];
        return Utf8Formatter.TryFormat(number, digits, out var length) && written.SequenceEqual(digits[..length]);
    }

    /// <summary>
    /// A text of valid JSON with what its escapes stand for. The reader's own refuses half of a surrogate pair, which stays one here: the
    /// writer puts U+FFFD for it.
    /// </summary>
    private static string Unescaped(ReadOnlySpan<byte> escaped)
    {
        var text = new StringBuilder(escaped.Length);
        while (escaped.IndexOf((byte)'\\') is var at and >= 0)
        {
            text.Append(Encoding.UTF8.GetString(escaped[..at]));
            var escape = (char)escaped[at + 1];
            escaped = escaped[(at + 2)..];
            if (escape == 'u')
            {
                text.Append((char)ushort.Parse(escaped[..EscapedDigits], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                escaped = escaped[EscapedDigits..];
                continue;
            }
            text.Append(escape switch
            {
                'b' => '\b',
                'f' => '\f',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                _ => escape,
            });
        }
        return text.Append(Encoding.UTF8.GetString(escaped)).ToString();
    }
}
