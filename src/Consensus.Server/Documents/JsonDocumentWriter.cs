using System.Text.Json;
using System.Text.Unicode;

namespace Consensus.Server.Documents;

/// <summary>Documents as JSON: bytes are a string where they are UTF-8, and else base64 in a field whose name says so.</summary>
internal readonly struct JsonDocumentWriter(Utf8JsonWriter json) : IDocumentWriter
{
    private const int SegmentBytes = 4096;

    public long EscapedBytes => json.BytesCommitted + json.BytesPending;

    public void BeginObject(int fields) => json.WriteStartObject();

    public void EndObject() => json.WriteEndObject();

    public void BeginArray(FieldName name, int items) => json.WriteStartArray(name.Json);

    public void EndArray() => json.WriteEndArray();

    public void BeginItems(FieldName name) => json.WriteStartArray(name.Json);

    public void EndItems(int items) => json.WriteEndArray();

    public void Name(FieldName name) => json.WritePropertyName(name.Json);

    public void Number(FieldName name, long value) => json.WriteNumber(name.Json, value);

    public void Flag(FieldName name, bool value) => json.WriteBoolean(name.Json, value);

    public void Text(FieldName name, string? value) => json.WriteString(name.Json, value);

    public void TextOrBytes(FieldName name, ReadOnlySpan<byte> bytes) => Bytes(name, bytes);

    public void Bytes(FieldName name, ReadOnlySpan<byte> bytes)
    {
        if (!Utf8.IsValid(bytes))
        {
            json.WriteBase64String(name.JsonBase64, bytes);
        }
        else if (bytes.Length <= SegmentBytes)
        {
            json.WriteString(name.Json, bytes);
        }
        else
        {
            WriteLong(name, bytes);
        }
    }

    /// <summary>In segments: the writer takes memory for every byte of a string to become six.</summary>
    private void WriteLong(FieldName name, ReadOnlySpan<byte> text)
    {
        json.WritePropertyName(name.Json);
        for (; text.Length > SegmentBytes; text = text[SegmentBytes..])
        {
            json.WriteStringValueSegment(text[..SegmentBytes], isFinalSegment: false);
        }
        json.WriteStringValueSegment(text, isFinalSegment: true);
    }
}
