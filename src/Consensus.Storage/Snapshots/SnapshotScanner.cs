using System.Buffers.Binary;
using System.Globalization;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;
using Consensus.Storage.Format;

namespace Consensus.Storage.Snapshots;

/// <summary>
/// Goes through a snapshot file's sections in order and checks each. Whatever is wrong throws <see cref="WireFormatException"/>, as the end
/// of a sentence about the file; no length is believed beyond what the file holds.
/// </summary>
internal sealed class SnapshotScanner : IDisposable
{
    private readonly IDiskFile _file;
    private readonly FileCipher? _cipher;
    private readonly uint _headerChecksum;
    private readonly long _length;
    private long _position;
    private uint _checksum;
    private long _sections;
    private bool _ended;

    /// <summary>Reads the header and checks that it is of this cluster and mark.</summary>
    public SnapshotScanner(IDiskFile file, StorageIdentity owner, SnapshotMark mark, KeyRing? keys)
        : this(file, SnapshotFormat.ReadHeader(file, owner, mark), keys)
    {
    }

    /// <param name="keys">Open a sealed file; null: it is refused.</param>
    public SnapshotScanner(IDiskFile file, SnapshotHeader header, KeyRing? keys)
    {
        (_file, _length, _position) = (file, file.Length, header.Head.Bytes);
        _headerChecksum = _checksum = header.Head.Checksum;
        _cipher = header.Head.OpenCipher(keys);
    }

    /// <summary>The key that the file is sealed with; null when it is plain.</summary>
    public string? KeyId => _cipher?.KeyId;

    /// <summary>What a section takes beside header and body.</summary>
    private int TagBytes => _cipher is null ? 0 : FileCipher.TagBytes;

    /// <summary>How much of the file was gone through.</summary>
    public long Position => _position;

    /// <summary>Reads the next section into <paramref name="body"/>, which grows as needed. False at the end of the file, which is then known to be whole.</summary>
    public bool Next(ref byte[] body, out int kind, out int length)
    {
        if (!BeginSection(out kind, out length, out var checksum, out var expected))
        {
            return false;
        }
        if (body.Length < length)
        {
            body = new byte[Math.Min(SnapshotFormat.MaxSectionBytes + TagBytes, Math.Max(length, body.Length * 2L))];
        }
        var part = body.AsSpan(0, length);
        ReadExactly(part);
        EndSection(Crc32C.Append(checksum, part), expected);
        length -= TagBytes;
        Open(kind, _sections - 1, part);
        return true;
    }

    /// <summary>Checks everything that is left, in pieces of at most the buffer's size.</summary>
    public void CheckRest(byte[] buffer)
    {
        if (_cipher is not null)
        {
            // A seal covers a section whole.
            while (Next(ref buffer, out _, out _))
            {
                // Its content is of no interest here.
            }
            return;
        }
        while (BeginSection(out _, out var length, out var checksum, out var expected))
        {
            for (var done = 0; done < length;)
            {
                var part = buffer.AsSpan(0, Math.Min(buffer.Length, length - done));
                ReadExactly(part);
                checksum = Crc32C.Append(checksum, part);
                done += part.Length;
            }
            EndSection(checksum, expected);
        }
    }

    public void Dispose() => _cipher?.Dispose();

    /// <param name="checksum">So far: the chain, kind and length.</param>
    /// <param name="expected">What the section's header says that it is with the body.</param>
    private bool BeginSection(out int kind, out int length, out uint checksum, out uint expected)
    {
        (kind, length, checksum, expected) = (SnapshotFormat.EndKind, 0, 0, 0);
        if (_ended)
        {
            return false;
        }
        Span<byte> header = stackalloc byte[SnapshotFormat.SectionHeaderBytes];
        ReadExactly(header);
        kind = BinaryPrimitives.ReadInt32LittleEndian(header);
        length = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        expected = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        checksum = Crc32C.Append(_checksum, header[..8]);
        if (kind == SnapshotFormat.EndKind && length == sizeof(long) + TagBytes)
        {
            ReadEnd(checksum, expected);
            return false;
        }
        if (kind < 0 || length < TagBytes || length > SnapshotFormat.MaxSectionBytes + TagBytes || length > _length - _position)
        {
            throw Damaged("a section's kind or length is impossible");
        }
        return true;
    }

    private void EndSection(uint checksum, uint expected)
    {
        if (checksum != expected)
        {
            throw Damaged("the checksum of a section does not match");
        }
        _checksum = checksum;
        _sections++;
    }

    private void ReadEnd(uint checksum, uint expected)
    {
        Span<byte> count = stackalloc byte[sizeof(long) + TagBytes];
        ReadExactly(count);
        if (Crc32C.Append(checksum, count) != expected)
        {
            throw Damaged("its end does not match its sections");
        }
        Open(SnapshotFormat.EndKind, _sections, count);
        if (BinaryPrimitives.ReadInt64LittleEndian(count) != _sections)
        {
            throw Damaged("its end does not match its sections");
        }
        if (_position != _length)
        {
            throw Damaged("it goes on after its end");
        }
        _ended = true;
    }

    /// <summary>
    /// Opens a section where it lies. A right checksum says that these bytes were written: they were changed, or are not of this file.
    /// </summary>
    private void Open(int kind, long number, Span<byte> part)
    {
        if (_cipher is null)
        {
            return;
        }
        Span<byte> context = stackalloc byte[SnapshotFormat.SectionContextBytes];
        SnapshotFormat.WriteSectionContext(context, _headerChecksum, kind, number);
        if (!_cipher.TryOpen(number, part, part[..^TagBytes], context))
        {
            throw new WireFormatException(string.Create(CultureInfo.InvariantCulture,
                $"holds a section {number}, before offset {_position}, "
                + $"that was changed or is of another key: its checksum is right and its seal is not"));
        }
    }

    private void ReadExactly(Span<byte> into)
    {
        if (_file.Read(_position, into) != into.Length)
        {
            throw Damaged("it is cut short");
        }
        _position += into.Length;
    }

    private WireFormatException Damaged(string how) =>
        new(string.Create(CultureInfo.InvariantCulture, $"is damaged before offset {_position}: {how}"));
}
