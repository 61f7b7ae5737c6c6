using System.Buffers.Binary;
using System.Text.Unicode;
using Consensus.Server.Http;
using MessagePack;

namespace Consensus.Server.Documents;

/// <summary>Documents as MessagePack. What was written is in the buffer after <see cref="Flush"/>.</summary>
internal ref struct PackedDocumentWriter : IDocumentWriter
{
    private readonly JsonBuffer _buffer;
    private MessagePackWriter _writer;

    /// <summary>
    /// Where the header of the array of <see cref="BeginItems"/> is, whose length is filled in when it has ended: the longest header,
    /// that of an array of any length.
    /// </summary>
    private long _itemsAt;

    public PackedDocumentWriter(JsonBuffer buffer)
    {
        _buffer = buffer;
        _writer = new MessagePackWriter(buffer);
    }

    public readonly long EscapedBytes => 0;

    public void Flush() => _writer.Flush();

    public void BeginObject(int fields) => _writer.WriteMapHeader(fields);

    public readonly void EndObject()
    {
    }

    public void BeginArray(FieldName name, int items)
    {
        Name(name);
        _writer.WriteArrayHeader(items);
    }

    public readonly void EndArray()
    {
    }

    public void BeginItems(FieldName name)
    {
        Name(name);
        _writer.Flush();
        _itemsAt = _buffer.Length;
        _writer.WriteRaw([MessagePackCode.Array32, 0, 0, 0, 0]);
    }

    public void EndItems(int items)
    {
        _writer.Flush();
        Span<byte> count = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(count, items);
        _buffer.Overwrite(_itemsAt + 1, count);
    }

    public void Name(FieldName name) => _writer.WriteRaw(name.Packed);

    public void Number(FieldName name, long value)
    {
        Name(name);
        _writer.Write(value);
    }

    public void Flag(FieldName name, bool value)
    {
        Name(name);
        _writer.Write(value);
    }

    public void Text(FieldName name, string? value)
    {
        Name(name);
        _writer.Write(value);
    }

    public void TextOrBytes(FieldName name, ReadOnlySpan<byte> bytes)
    {
        if (!Utf8.IsValid(bytes))
        {
            Bytes(name, bytes);
            return;
        }
        Name(name);
        _writer.WriteString(bytes);
    }

    public void Bytes(FieldName name, ReadOnlySpan<byte> bytes)
    {
        Name(name);
        _writer.Write(bytes);
    }
}
