using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Consensus.Primitives.Wire;

/// <summary>
/// Writes the Protocol Buffers wire format into an array that it owns and reuses. Scalars with the default value (0, empty) are
/// left out, as proto3 does, unless the method says otherwise. Not thread-safe.
/// </summary>
public sealed class WireWriter : IBufferWriter<byte>
{
    /// <summary>From about here on an array is a large object, which costs fresh pages and full collections.</summary>
    private const int LargeBytes = 64 * 1024;

    /// <summary>Room behind what is asked for: the lengths of the messages around a large value, and what is small in them, are still to come.</summary>
    private const int ClosingBytes = 128;

    /// <summary>Of 64 bits; a tag has 32.</summary>
    private const int LongestVarint = 10;
    private const int LongestTag = 5;

    private byte[] _buffer;
    private int _position;

    public WireWriter(int initialCapacity = 256) => _buffer = new byte[Math.Max(16, initialCapacity)];

    public int Length => _position;

    /// <summary>What was written so far; valid until the next write or <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _position);

    /// <summary>As <see cref="Written"/>, as memory over the writer's own array.</summary>
    public ReadOnlyMemory<byte> WrittenMemory => _buffer.AsMemory(0, _position);

    public void Clear() => _position = 0;

    /// <summary>Forgets everything written after <paramref name="length"/>.</summary>
    public void Truncate(int length)
    {
        Invariant.Require(length >= 0 && length <= _position, "only what was written can be cut");
        _position = length;
    }

    public byte[] ToArray() => Written.ToArray();

    /// <summary>
    /// Gives what was written away, and clears the writer. What is large and nearly fills its array goes with it, and the writer takes another: a copy would be one more large object.
    /// </summary>
    public ReadOnlyMemory<byte> Take()
    {
        ReadOnlyMemory<byte> taken;
        if (_position >= LargeBytes && _buffer.Length - _position <= _buffer.Length / 8)
        {
            taken = WrittenMemory;
            _buffer = new byte[256];
        }
        else
        {
            taken = ToArray();
        }
        _position = 0;
        return taken;
    }

    /// <summary>A 64-bit integer as varint (proto <c>int64</c>): a negative number takes ten bytes.</summary>
    public void Int64(int field, long value)
    {
        if (value != 0)
        {
            TagAndVarint(field, WireType.Varint, (ulong)value);
        }
    }

    /// <summary>As <see cref="Int64"/>, but written even when 0 (proto3 <c>optional</c>, or an element of a repeated field).</summary>
    public void Int64Always(int field, long value) => TagAndVarint(field, WireType.Varint, (ulong)value);

    public void Bool(int field, bool value)
    {
        if (value)
        {
            TagAndVarint(field, WireType.Varint, 1);
        }
    }

    public void Fixed64(int field, ulong value)
    {
        if (value != 0)
        {
            var span = ReserveUpTo(LongestTag + sizeof(ulong));
            var tagBytes = PutVarint(span, Tag(field, WireType.Fixed64));
            BinaryPrimitives.WriteUInt64LittleEndian(span[tagBytes..], value);
            _position += tagBytes + sizeof(ulong);
        }
    }

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        if (value.Length > 0)
        {
            BytesAlways(field, value);
        }
    }

    /// <summary>As <see cref="Bytes"/>, but written even when empty.</summary>
    public void BytesAlways(int field, ReadOnlySpan<byte> value)
    {
        TagAndVarint(field, WireType.LengthDelimited, (ulong)value.Length);
        value.CopyTo(Reserve(value.Length));
    }

    public void String(int field, string value)
    {
        if (value.Length > 0)
        {
            var count = Encoding.UTF8.GetByteCount(value);
            TagAndVarint(field, WireType.LengthDelimited, (ulong)count);
            Encoding.UTF8.GetBytes(value, Reserve(count));
        }
    }

    /// <summary>Starts a nested message; give the result to <see cref="EndMessage"/>. An empty one is written too.</summary>
    public int BeginMessage(int field)
    {
        RawVarint(Tag(field, WireType.LengthDelimited));
        Reserve(1);
        return _position;
    }

    /// <summary>Ends the nested message that <see cref="BeginMessage"/> started, with a length of minimal size.</summary>
    public void EndMessage(int start)
    {
        var length = _position - start;
        if (length >= 0x80)
        {
            var extra = VarintSize((ulong)length) - 1;
            Reserve(extra);
            _buffer.AsSpan(start, length).CopyTo(_buffer.AsSpan(start + extra));
        }
        PutVarint(_buffer.AsSpan(start - 1), (ulong)length);
    }

    /// <summary>Bytes with no tag: for framing around messages.</summary>
    public void Raw(ReadOnlySpan<byte> value) => value.CopyTo(Reserve(value.Length));

    public void RawVarint(ulong value) => _position += PutVarint(ReserveUpTo(LongestVarint), value);

    /// <summary>A writable span of exactly <paramref name="count"/> bytes, counted as written.</summary>
    public Span<byte> Reserve(int count)
    {
        var span = ReserveUpTo(count)[..count];
        _position += count;
        return span;
    }

    void IBufferWriter<byte>.Advance(int count) => _position += count;

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        ReserveUpTo(Math.Max(1, sizeHint));
        return _buffer.AsMemory(_position);
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint) => ReserveUpTo(Math.Max(1, sizeHint));

    public static int VarintSize(ulong value) => value == 0 ? 1 : (int)((70 - (uint)System.Numerics.BitOperations.LeadingZeroCount(value)) / 7);

    private static uint Tag(int field, WireType type) => (uint)((field << 3) | (int)type);

    /// <summary>Room is looked for once: nearly all that is written is short numbers, in each digest of a record some thirty.</summary>
    private void TagAndVarint(int field, WireType type, ulong value)
    {
        var span = ReserveUpTo(LongestTag + LongestVarint);
        var tagBytes = PutVarint(span, Tag(field, type));
        _position += tagBytes + PutVarint(span[tagBytes..], value);
    }

    /// <summary>How many bytes it took.</summary>
    private static int PutVarint(Span<byte> span, ulong value)
    {
        var count = 0;
        while (value >= 0x80)
        {
            span[count++] = (byte)(value | 0x80);
            value >>= 7;
        }
        span[count++] = (byte)value;
        return count;
    }

    private Span<byte> ReserveUpTo(int count)
    {
        if (_buffer.Length - _position < count)
        {
            var needed = checked(_position + count);
            Array.Resize(ref _buffer, (int)Math.Min(Math.Max(needed + (long)ClosingBytes, _buffer.Length * 2L), Array.MaxLength));
        }
        return _buffer.AsSpan(_position);
    }
}
