using System.Buffers.Binary;
using System.Text;

namespace Consensus.Primitives.Wire;

/// <summary>How a field's value is laid out on the wire; groups are not supported.</summary>
public enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    LengthDelimited = 2,
    Fixed32 = 5,
}

/// <summary>
/// Reads the Protocol Buffers wire format from a span without copying. Every malformed input throws
/// <see cref="WireFormatException"/>; nothing reads past the span.
/// </summary>
/// <remarks>
/// Use: <c>while (reader.NextField()) switch (reader.Field) { case 1: x = reader.Int64(); break; default: reader.Skip(); }</c>.
/// Between peers an unknown field is skipped; in a command or snapshot it is refused with <see cref="RefuseUnknown"/> (rule 12).
/// </remarks>
public ref struct WireReader(ReadOnlySpan<byte> message)
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
    private ReadOnlySpan<byte> _rest = message;

    /// <summary>The number of the field that <see cref="NextField"/> moved to.</summary>
    public int Field { get; private set; }

    /// <summary>The wire type of the field that <see cref="NextField"/> moved to.</summary>
    public WireType Type { get; private set; }

    public readonly int Remaining => _rest.Length;

    /// <summary>Moves to the next field; false at the end. The value must be read or skipped before the next call.</summary>
    public bool NextField()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }
        var tag = RawVarint();
        if (tag > int.MaxValue || tag >> 3 == 0)
        {
            throw new WireFormatException("a field number out of range");
        }
        Field = (int)(tag >> 3);
        Type = (WireType)(tag & 7);
        return true;
    }

    public long Int64()
    {
        Expect(WireType.Varint);
        return (long)RawVarint();
    }

    public int Int32()
    {
        var value = Int64();
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw new WireFormatException($"field {Field} is out of range");
    }

    public bool Bool()
    {
        var value = Int64();
        return value is 0 or 1 ? value == 1 : throw new WireFormatException($"field {Field} is not a boolean");
    }

    public ulong Fixed64()
    {
        Expect(WireType.Fixed64);
        return BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
    }

    /// <summary>A bytes field or the body of a nested message, as a part of the span that is being read.</summary>
    public ReadOnlySpan<byte> Bytes()
    {
        Expect(WireType.LengthDelimited);
        var length = RawVarint();
        return length <= (ulong)_rest.Length ? Take((int)length) : throw new WireFormatException($"field {Field} is cut short");
    }

    public string String()
    {
        var bytes = Bytes();
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw new WireFormatException($"field {Field} is not UTF-8");
        }
    }

    public void Skip()
    {
        switch (Type)
        {
            case WireType.Varint:
                RawVarint();
                break;
            case WireType.Fixed64:
                Take(8);
                break;
            case WireType.LengthDelimited:
                Bytes();
                break;
            case WireType.Fixed32:
                Take(4);
                break;
            default:
                throw new WireFormatException($"field {Field} has the unknown wire type {(int)Type}");
        }
    }

    /// <summary>For commands and snapshots: a replica that ignored half of one would diverge (rule 12).</summary>
    public readonly void RefuseUnknown(string message) =>
        throw new WireFormatException($"{message} has the field {Field}, which this version does not know");

    public ulong RawVarint()
    {
        ulong value = 0;
        for (var i = 0; i < _rest.Length && i < 10; i++)
        {
            var b = _rest[i];
            if (i == 9 && b > 1)
            {
                break;
            }
            value |= (ulong)(b & 0x7F) << (7 * i);
            if (b < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return value;
            }
        }
        throw new WireFormatException("a varint is cut short or longer than 64 bits");
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (_rest.Length < count)
        {
            throw new WireFormatException($"field {Field} is cut short");
        }
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private readonly void Expect(WireType type)
    {
        if (Type != type)
        {
            throw new WireFormatException($"field {Field} has wire type {(int)Type} where {(int)type} belongs");
        }
    }
}
