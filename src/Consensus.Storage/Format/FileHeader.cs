using System.Buffers.Binary;
using System.Globalization;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;

namespace Consensus.Storage.Format;

/// <summary>
/// How every file of the data directory begins: magic (8 bytes), format version (4), length of the body (4), CRC-32C of those 16 bytes and
/// the body (4), then the body, a Protocol Buffers message. Little-endian. These 20 bytes keep their meaning in every later version.
/// </summary>
internal static class FileHeader
{
    public const int FixedBytes = 20;

    /// <summary>The format version of a plain file.</summary>
    public const uint PlainVersion = 1;

    /// <summary>The format version of a sealed file: programs that cannot open it refuse it by this number.</summary>
    public const uint SealedVersion = 2;

    /// <summary>More than a sealed key takes in a header.</summary>
    public const int MostKeyBytes = 160;

    /// <summary>The last field of a sealed file's header. What stands before it is sealed along with it.</summary>
    private const int KeyField = 15;

    /// <summary>Magic and version.</summary>
    private const int NameBytes = 12;

    /// <summary>A body is a few addresses; a larger number is damage, and is not allocated.</summary>
    private const int MaxBodyBytes = 1 << 20;

    /// <summary>Writes the header with its body, which <paramref name="writeBody"/> adds.</summary>
    /// <param name="keys">Draws the file's data key; null: the file is plain.</param>
    /// <returns>Seals what follows; null when the file is plain.</returns>
    public static FileCipher? Write(WireWriter writer, ReadOnlySpan<byte> magic, Action<WireWriter> writeBody, KeyRing? keys)
    {
        Invariant.Require(writer.Length == 0 && magic.Length == 8, "a header begins its file");
        writer.Reserve(FixedBytes).Clear();
        writeBody(writer);
        SealedKey? carried = null;
        var cipher = keys?.Draw(Context(magic, writer.Written[FixedBytes..]), out carried);
        if (carried is not null)
        {
            var start = writer.BeginMessage(KeyField);
            carried.Write(writer);
            writer.EndMessage(start);
        }
        var bytes = FrameBuffer.Writable(writer);
        Invariant.Require(bytes.Length - FixedBytes <= MaxBodyBytes, "a header that could not be read again is not written");
        magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], cipher is null ? PlainVersion : SealedVersion);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], (uint)(bytes.Length - FixedBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[16..], Checksum(bytes));
        return cipher;
    }

    /// <summary>Reads and checks a file's header. Throws <see cref="WireFormatException"/> with what is wrong, as the end of a sentence about the file.</summary>
    public static FileHead Read(IDiskFile file, ReadOnlySpan<byte> magic)
    {
        Span<byte> start = stackalloc byte[FixedBytes];
        if (file.Read(0, start) < FixedBytes)
        {
            throw new WireFormatException("is cut short within its header");
        }
        var whole = new byte[WholeBytes(start, magic, file.Length)];
        return file.Read(0, whole) == whole.Length ? Parse(whole, magic) : throw WrongChecksum();
    }

    /// <summary>
    /// How long a header is, by its first <see cref="FixedBytes"/>. Throws <see cref="WireFormatException"/> when it is none of this kind.
    /// </summary>
    /// <param name="fileBytes">How long its file is.</param>
    public static int WholeBytes(ReadOnlySpan<byte> start, ReadOnlySpan<byte> magic, long fileBytes)
    {
        if (!start[..8].SequenceEqual(magic))
        {
            throw new WireFormatException("has a damaged header: it does not begin as a file of its kind");
        }
        var length = BinaryPrimitives.ReadUInt32LittleEndian(start[12..]);
        return length <= MaxBodyBytes && length <= fileBytes - FixedBytes
            ? FixedBytes + (int)length
            : throw new WireFormatException("has a damaged header: its length is impossible");
    }

    /// <summary>Checks a whole header.</summary>
    public static FileHead Parse(ReadOnlySpan<byte> whole, ReadOnlySpan<byte> magic)
    {
        var checksum = BinaryPrimitives.ReadUInt32LittleEndian(whole[16..]);
        if (checksum != Checksum(whole))
        {
            throw WrongChecksum();
        }
        var version = BinaryPrimitives.ReadUInt32LittleEndian(whole[8..]);
        if (version is not (PlainVersion or SealedVersion))
        {
            throw new WireFormatException(string.Create(
                CultureInfo.InvariantCulture,
                $"has format version {version}, and this program reads versions {PlainVersion} and {SealedVersion}"));
        }
        var body = whole[FixedBytes..];
        if (version == PlainVersion)
        {
            return new FileHead(body.ToArray(), whole.Length, checksum, null, []);
        }
        var plainBytes = KeyOffset(body, out var carried);
        return new FileHead(body[..plainBytes].ToArray(), whole.Length, checksum, carried, Context(magic, body[..plainBytes]));
    }

    /// <summary>Where the sealed key's field begins, which is the last one.</summary>
    private static int KeyOffset(ReadOnlySpan<byte> body, out SealedKey carried)
    {
        var reader = new WireReader(body);
        for (var at = 0; reader.NextField(); at = body.Length - reader.Remaining)
        {
            if (reader.Field == KeyField)
            {
                carried = SealedKey.Read(reader.Bytes());
                return reader.Remaining == 0 ? at : throw new WireFormatException("has a damaged header: something follows its sealed key");
            }
            reader.Skip();
        }
        throw new WireFormatException("has a damaged header: its sealed key is missing");
    }

    private static byte[] Context(ReadOnlySpan<byte> magic, ReadOnlySpan<byte> plainBody)
    {
        var context = new byte[NameBytes + plainBody.Length];
        magic.CopyTo(context);
        BinaryPrimitives.WriteUInt32LittleEndian(context.AsSpan(8), SealedVersion);
        plainBody.CopyTo(context.AsSpan(NameBytes));
        return context;
    }

    private static WireFormatException WrongChecksum() => new("has a damaged header: its checksum does not match");

    private static uint Checksum(ReadOnlySpan<byte> header) => Crc32C.Append(Crc32C.Of(header[..16]), header[FixedBytes..]);
}

/// <summary>A file's header as it was read, with its checksum right.</summary>
/// <param name="Body">The message, without the sealed key.</param>
/// <param name="Bytes">Where what follows the header begins.</param>
/// <param name="Checksum">The header's CRC, for chaining what follows to it.</param>
/// <param name="Key">The file's data key; null when the file is plain.</param>
/// <param name="Context">What is sealed along with the data key.</param>
internal sealed record FileHead(byte[] Body, int Bytes, uint Checksum, SealedKey? Key, byte[] Context)
{
    /// <summary>Opens what follows; null when it is plain. Throws <see cref="WireFormatException"/> without the right key.</summary>
    public FileCipher? OpenCipher(KeyRing? keys)
    {
        if (Key is null)
        {
            return null;
        }
        return keys is not null
            ? keys.Open(Key, Context)
            : throw new WireFormatException(
                $"is encrypted with the key {Key.KeyId}, and no key file was given: "
                    + "consensusd takes --encryption-key FILE, consensusctl --key-file FILE");
    }
}
