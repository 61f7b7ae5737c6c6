using System.Buffers.Binary;
using System.Globalization;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Storage.Disk;

namespace Consensus.Storage.Format;

/// <summary>
/// How every file of the data directory begins: magic (8 bytes), format version (4), length of the body (4), CRC-32C of those 16 bytes and
/// the body (4), then the body, a Protocol Buffers message. Little-endian. These 20 bytes keep their meaning in every later version.
/// </summary>
internal static class FileHeader
{
    public const int FixedBytes = 20;

    /// <summary>The format version of every file that this version writes; it reads no other.</summary>
    public const uint FormatVersion = 1;

    /// <summary>A body is a few addresses; a larger number is damage, and is not allocated.</summary>
    private const int MaxBodyBytes = 1 << 20;

    /// <summary>Writes the header with its body, which <paramref name="writeBody"/> adds.</summary>
    public static void Write(WireWriter writer, ReadOnlySpan<byte> magic, Action<WireWriter> writeBody)
    {
        Invariant.Require(writer.Length == 0 && magic.Length == 8, "a header begins its file");
        writer.Reserve(FixedBytes).Clear();
        writeBody(writer);
        var bytes = FrameBuffer.Writable(writer);
        Invariant.Require(bytes.Length - FixedBytes <= MaxBodyBytes, "a header that could not be read again is not written");
        magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], FormatVersion);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], (uint)(bytes.Length - FixedBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[16..], Checksum(bytes));
    }

    /// <summary>Reads and checks a file's header. Throws <see cref="WireFormatException"/> with what is wrong, as the end of a sentence about the file.</summary>
    /// <param name="checksum">The header's CRC, for chaining what follows to it.</param>
    /// <returns>The body; it begins <see cref="FixedBytes"/> into the file.</returns>
    public static byte[] Read(IDiskFile file, ReadOnlySpan<byte> magic, out uint checksum)
    {
        Span<byte> start = stackalloc byte[FixedBytes];
        if (file.Read(0, start) < FixedBytes)
        {
            throw new WireFormatException("is cut short within its header");
        }
        if (!start[..8].SequenceEqual(magic))
        {
            throw new WireFormatException("has a damaged header: it does not begin as a file of its kind");
        }
        var length = BinaryPrimitives.ReadUInt32LittleEndian(start[12..]);
        if (length > MaxBodyBytes || length > file.Length - FixedBytes)
        {
            throw new WireFormatException("has a damaged header: its length is impossible");
        }
        var whole = new byte[FixedBytes + (int)length];
        checksum = file.Read(0, whole) == whole.Length ? BinaryPrimitives.ReadUInt32LittleEndian(whole.AsSpan(16)) : ~Checksum(whole);
        if (checksum != Checksum(whole))
        {
            throw new WireFormatException("has a damaged header: its checksum does not match");
        }
        var version = BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        return version == FormatVersion
            ? whole[FixedBytes..]
            : throw new WireFormatException(string.Create(
                CultureInfo.InvariantCulture, $"has format version {version}, and this program reads version {FormatVersion}"));
    }

    private static uint Checksum(ReadOnlySpan<byte> header) => Crc32C.Append(Crc32C.Of(header[..16]), header[FixedBytes..]);
}
