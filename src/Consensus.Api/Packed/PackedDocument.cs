using System.Buffers;
using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Consensus.Api.Json;
using MessagePack;

namespace Consensus.Api.Packed;

/// <summary>
/// Writes a document of the contract as MessagePack, by the description that its JSON is written by: the members that JSON would have, in
/// the same order and by the same names. A member
/// that JSON carries in base64 goes as <c>bin</c> under its name without that ending.
/// </summary>
public static class PackedDocument
{
    /// <summary>
    /// Whether a body is MessagePack: no JSON begins with a byte above 0x7F, but for the mark of a byte order, and no map or array of
    /// MessagePack with one below.
    /// </summary>
    public static bool IsPacked(ReadOnlySpan<byte> body) => !body.IsEmpty && body[0] is >= 0x80 and < 0xE0;

    /// <summary>
    /// What the reader of MessagePack throws for bytes that are none or end early; of a text whose header declares 2 GiB or more it is
    /// the failure of its own arithmetic.
    /// </summary>
    public static bool IsFault(Exception error) =>
        error is MessagePackSerializationException or EndOfStreamException or ArgumentOutOfRangeException or OverflowException;

    /// <summary>How a document is written.</summary>
    /// <param name="Check">Is called with each text before it is written; may throw. Null: of an answer, which is told always.</param>
    private readonly record struct Manner(JsonSerializerOptions Options, Action<string>? Check)
    {
        public bool IsExact => Check is not null;
    }

    /// <summary>An answer.</summary>
    public static void Write<T>(IBufferWriter<byte> output, T document, JsonTypeInfo<T> type)
    {
        ArgumentNullException.ThrowIfNull(type);
        Write(output, document, new Manner(type.Options, null));
    }

    /// <summary>A request, which says exactly what its JSON says.</summary>
    /// <param name="check">Is called with each text before it is written; may throw.</param>
    /// <exception cref="FormatException">A member in base64 is none, or a piece of JSON is none or has what MessagePack says otherwise:
    /// JSON could say it, and whoever reads it judges it.</exception>
    public static void WriteRequest<T>(IBufferWriter<byte> output, T document, JsonTypeInfo<T> type, Action<string> check)
    {
        ArgumentNullException.ThrowIfNull(type);
        Write(output, document, new Manner(type.Options, check));
    }

    private static void Write(IBufferWriter<byte> output, object? document, Manner manner)
    {
        var writer = new MessagePackWriter(output);
        Write(ref writer, document, manner);
        writer.Flush();
    }

    private static void Write(ref MessagePackWriter writer, object? value, Manner manner)
    {
        switch (value)
        {
            case null:
                writer.WriteNil();
                break;
            case string text:
                manner.Check?.Invoke(text);
                writer.Write(text);
                break;
            case bool flag:
                writer.Write(flag);
                break;
            case int number:
                writer.Write(number);
                break;
            case long number:
                writer.Write(number);
                break;
            case double number:
                writer.Write(number);
                break;
            case RawJson json:
                manner.Check?.Invoke(json.Text);
                JsonPacker.Write(ref writer, json, manner.IsExact);
                break;
            case IReadOnlyDictionary<string, bool> flags:
                WriteFlags(ref writer, flags);
                break;
            case IEnumerable items:
                WriteItems(ref writer, items, manner);
                break;
            default:
                WriteObject(ref writer, value, manner);
                break;
        }
    }

    private static void WriteFlags(ref MessagePackWriter writer, IReadOnlyDictionary<string, bool> flags)
    {
        writer.WriteMapHeader(flags.Count);
        foreach (var (name, flag) in flags)
        {
            writer.Write(name);
            writer.Write(flag);
        }
    }

    private static void WriteItems(ref MessagePackWriter writer, IEnumerable items, Manner manner)
    {
        var known = items as ICollection ?? items.Cast<object?>().ToList();
        writer.WriteArrayHeader(known.Count);
        foreach (var item in known)
        {
            Write(ref writer, item, manner);
        }
    }

    private static void WriteObject(ref MessagePackWriter writer, object value, Manner manner)
    {
        var properties = manner.Options.GetTypeInfo(value.GetType()).Properties;
        var members = 0;
        foreach (var property in properties)
        {
            members += IsWritten(property, value) ? 1 : 0;
        }
        writer.WriteMapHeader(members);
        foreach (var property in properties)
        {
            if (!IsWritten(property, value))
            {
                continue;
            }
            var member = property.Get!(value);
            if (member is string base64 && property.Name.EndsWith(ApiMediaTypes.Base64Suffix, StringComparison.Ordinal))
            {
                writer.Write(property.Name.AsSpan(0, property.Name.Length - ApiMediaTypes.Base64Suffix.Length));
                writer.Write(Convert.FromBase64String(base64));
            }
            else
            {
                writer.Write(property.Name);
                Write(ref writer, member, manner);
            }
        }
    }

    private static bool IsWritten(JsonPropertyInfo property, object value) =>
        property.Get is { } get && (property.ShouldSerialize is not { } should || should(value, get(value)));
}
