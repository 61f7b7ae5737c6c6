using System.Buffers.Binary;
using Consensus.Primitives;

namespace Consensus.Storage.Log;

/// <summary>What stands before the records of each flushed batch (rule 10). 40 bytes, little-endian.</summary>
/// <param name="PayloadBytes">Length of what follows the header: the records, and in a sealed segment the tag behind them.</param>
/// <param name="Segment">Sequence of the segment that it was written to.</param>
/// <param name="Frame">This frame's sequence; the first frame of a log is 1, and each next one is one more, across segments.</param>
/// <param name="DurableThrough">Sequence of the last frame that had been flushed when this one was written.</param>
/// <param name="PayloadChecksum">CRC-32C of the payload as it is on disk, chained to the previous frame's.</param>
internal readonly record struct FrameHeader(int PayloadBytes, long Segment, long Frame, long DurableThrough, uint PayloadChecksum)
{
    public const int Bytes = 40;
    public const int StartBytes = 32;

    /// <summary>The first four bytes. Not valid UTF-8, so that text does not hold it.</summary>
    public static ReadOnlySpan<byte> Magic => [0xF7, 0x57, 0x41, 0x4C];

    public long TotalBytes => Bytes + (long)PayloadBytes;

    public void Write(Span<byte> into, uint seed)
    {
        WriteStart(into);
        BinaryPrimitives.WriteUInt32LittleEndian(into[32..], PayloadChecksum);
        BinaryPrimitives.WriteUInt32LittleEndian(into[36..], Crc32C.Append(seed, into[..36]));
    }

    /// <summary>The first <see cref="StartBytes"/>: all but the checksums, which cover what is on disk and so are known last.</summary>
    public void WriteStart(Span<byte> into)
    {
        Magic.CopyTo(into);
        BinaryPrimitives.WriteInt32LittleEndian(into[4..], PayloadBytes);
        BinaryPrimitives.WriteInt64LittleEndian(into[8..], Segment);
        BinaryPrimitives.WriteInt64LittleEndian(into[16..], Frame);
        BinaryPrimitives.WriteInt64LittleEndian(into[24..], DurableThrough);
    }

    /// <summary>False when these bytes are not a frame header of this log; the payload is not looked at.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, uint seed, out FrameHeader header)
    {
        header = default;
        if (from.Length < Bytes
            || !from[..4].SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(from[36..]) != Crc32C.Append(seed, from[..36]))
        {
            return false;
        }
        header = new FrameHeader(
            BinaryPrimitives.ReadInt32LittleEndian(from[4..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[24..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[32..]));
        return header is { PayloadBytes: >= 0, Frame: > 0, DurableThrough: >= 0 } && header.DurableThrough < header.Frame;
    }
}
