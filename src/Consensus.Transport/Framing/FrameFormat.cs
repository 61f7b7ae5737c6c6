using System.Buffers.Binary;
using Consensus.Primitives;

namespace Consensus.Transport.Framing;

/// <summary>
/// Every message on a peer connection: magic u32, body length u32, CRC-32C of that length and the body u32 (all little-endian), body. Each kind of
/// connection has its own magic, so that bytes of one are never taken for another's. <c>peer.proto</c> beside this describes the bodies.
/// </summary>
internal static class FrameFormat
{
    /// <summary>"CNSH": Hello, Welcome, Refusal.</summary>
    public const uint HandshakeMagic = 0x48534E43;

    /// <summary>"CNSL": a frame of a link; its body is the node's.</summary>
    public const uint LinkMagic = 0x4C534E43;

    /// <summary>"CNSS": a part of a snapshot transfer.</summary>
    public const uint SnapshotMagic = 0x53534E43;

    public const int HeaderSize = 12;

    /// <summary>Longest body of a handshake frame: a stranger can make us hold no more than this.</summary>
    public const int MaxHandshakeBytes = 4096;

    public static void WriteHeader(Span<byte> header, uint magic, ReadOnlySpan<byte> body)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], (uint)body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], Checksum(body));
    }

    /// <summary>With the length, because the CRC of nothing is 0: a stretch of zeros after a magic would be a frame.</summary>
    public static uint Checksum(ReadOnlySpan<byte> body)
    {
        Span<byte> length = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)body.Length);
        return Crc32C.Append(Crc32C.Of(length), body);
    }

    /// <summary>False when these are not the first bytes of such a frame, or its body would be longer than <paramref name="maxBody"/>.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> header, uint magic, int maxBody, out int length, out uint crc)
    {
        var declared = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        length = (int)Math.Min(declared, int.MaxValue);
        crc = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        return BinaryPrimitives.ReadUInt32LittleEndian(header) == magic && declared <= (uint)maxBody;
    }
}
