using System.Text.Json;
using System.Text.Unicode;
using Consensus.Primitives;
using Consensus.StateMachine;

namespace Consensus.Server.KeyValue;

/// <summary>Keys and values as JSON, straight from their bytes: the shape of <see cref="Api.KeyValue.KeyAnswer"/>.</summary>
internal static class KeyJson
{
    private const int SegmentBytes = 4096;

    private static readonly JsonEncodedText KeyName = JsonEncodedText.Encode("key");
    private static readonly JsonEncodedText KeyBase64 = JsonEncodedText.Encode("keyBase64");
    private static readonly JsonEncodedText Value = JsonEncodedText.Encode("value");
    private static readonly JsonEncodedText ValueBase64 = JsonEncodedText.Encode("valueBase64");
    private static readonly JsonEncodedText CreateRevision = JsonEncodedText.Encode("createRevision");
    private static readonly JsonEncodedText ModRevision = JsonEncodedText.Encode("modRevision");
    private static readonly JsonEncodedText Version = JsonEncodedText.Encode("version");
    private static readonly JsonEncodedText Lease = JsonEncodedText.Encode("lease");

    /// <summary>
    /// Of a key as text, of which JSON may write a byte as six and each of a character beyond ASCII as three, or as base64 where it is none.
    /// </summary>
    public static long MostBytesOf(Key key)
    {
        var bytes = 0L;
        foreach (var each in key.Bytes)
        {
            bytes += each > 0x7F ? 3 : each is < 0x20 or 0x7F || "\"&'+<>\\`".Contains((char)each) ? 6 : 1;
        }
        return Math.Max(bytes, (key.Length + 2L) / 3 * 4);
    }

    public static void WriteItem(Utf8JsonWriter json, Key key, KeyRecord record, bool withValue)
    {
        json.WriteStartObject();
        WriteMembers(json, key, record, withValue);
        json.WriteEndObject();
    }

    /// <summary>The members of an item, within an object that may have more.</summary>
    public static void WriteMembers(Utf8JsonWriter json, Key key, KeyRecord record, bool withValue)
    {
        WriteKey(json, key);
        if (withValue)
        {
            WriteBytes(json, Value, ValueBase64, record.Value.Span);
        }
        WriteFacts(json, record.CreateRevision, record.ModRevision, record.Version, record.Lease);
    }

    public static void WritePut(Utf8JsonWriter json, Key key, Revision createRevision, Revision modRevision, long version, LeaseId lease)
    {
        json.WriteStartObject();
        WriteKey(json, key);
        WriteFacts(json, createRevision, modRevision, version, lease);
        json.WriteEndObject();
    }

    public static void WriteKey(Utf8JsonWriter json, Key key) => WriteBytes(json, KeyName, KeyBase64, key.Bytes);

    private static void WriteFacts(Utf8JsonWriter json, Revision createRevision, Revision modRevision, long version, LeaseId lease)
    {
        json.WriteNumber(CreateRevision, createRevision.Value);
        json.WriteNumber(ModRevision, modRevision.Value);
        json.WriteNumber(Version, version);
        if (lease.IsNone)
        {
            json.WriteNull(Lease);
        }
        else
        {
            json.WriteString(Lease, lease.ToString());
        }
    }

    private static void WriteBytes(Utf8JsonWriter json, JsonEncodedText asText, JsonEncodedText asBase64, ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            WriteText(json, asText, bytes);
        }
        else
        {
            json.WriteBase64String(asBase64, bytes);
        }
    }

    /// <summary>In segments when it is long: the writer takes memory for every byte of a string to become six.</summary>
    private static void WriteText(Utf8JsonWriter json, JsonEncodedText name, ReadOnlySpan<byte> text)
    {
        if (text.Length <= SegmentBytes)
        {
            json.WriteString(name, text);
            return;
        }
        json.WritePropertyName(name);
        for (; text.Length > SegmentBytes; text = text[SegmentBytes..])
        {
            json.WriteStringValueSegment(text[..SegmentBytes], isFinalSegment: false);
        }
        json.WriteStringValueSegment(text, isFinalSegment: true);
    }
}
