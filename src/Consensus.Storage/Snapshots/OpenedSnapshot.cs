using System.Buffers.Binary;
using Consensus.Node.Ports;
using Consensus.Primitives.Wire;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;

namespace Consensus.Storage.Snapshots;

/// <summary>
/// A sealed snapshot file as the plain one that it would have been, byte for byte, for sending: keys are each member's own. Owns the file.
/// What is wrong with it throws <see cref="StorageFailedException"/>: its member takes another one then.
/// </summary>
internal sealed class OpenedSnapshot : ReadOnlyStream
{
    private readonly IDiskFile _file;
    private readonly SnapshotHeader _header;
    private readonly KeyRing? _keys;
    private readonly long _length;
    private SnapshotScanner _scanner;
    private byte[] _body = new byte[64 << 10];
    private byte[] _part = [];
    private int _partBytes;
    private long _partAt;
    private uint _checksum;
    private long _sections;
    private bool _isAtEnd;

    public OpenedSnapshot(IDiskFile file, SnapshotHeader header, KeyRing? keys)
    {
        (_file, _header, _keys) = (file, header, keys);
        _scanner = Begin();
        _length = PlainBytes();
    }

    public override long Length => _length;

    public override int Read(Span<byte> buffer)
    {
        if (Position < _partAt)
        {
            _scanner.Dispose();
            _scanner = Begin();
        }
        while (Position >= _partAt + _partBytes)
        {
            if (_isAtEnd)
            {
                return 0;
            }
            NextPart();
        }
        var rest = _part.AsSpan(0, _partBytes)[(int)(Position - _partAt)..];
        var count = Math.Min(rest.Length, buffer.Length);
        rest[..count].CopyTo(buffer);
        Position += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _scanner.Dispose();
            _file.Dispose();
        }
        base.Dispose(disposing);
    }

    /// <summary>The first part is the header of the plain file.</summary>
    private SnapshotScanner Begin()
    {
        var writer = new WireWriter();
        SnapshotFormat.WriteHeader(writer, _header.Cluster, _header.Mark);
        (_part, _partBytes, _partAt) = (writer.ToArray(), writer.Length, 0);
        (_checksum, _sections, _isAtEnd) = (BinaryPrimitives.ReadUInt32LittleEndian(_part.AsSpan(16)), 0, false);
        return Checked(() => new SnapshotScanner(_file, _header, _keys));
    }

    private void NextPart()
    {
        var kind = SnapshotFormat.EndKind;
        var length = 0;
        if (Checked(() => _scanner.Next(ref _body, out kind, out length)))
        {
            _sections++;
        }
        else
        {
            (kind, length, _isAtEnd) = (SnapshotFormat.EndKind, sizeof(long), true);
            BinaryPrimitives.WriteInt64LittleEndian(_body, _sections);
        }
        _partAt += _partBytes;
        _partBytes = SnapshotFormat.SectionHeaderBytes + length;
        if (_part.Length < _partBytes)
        {
            _part = new byte[Math.Max(_partBytes, _body.Length + SnapshotFormat.SectionHeaderBytes)];
        }
        var body = _body.AsSpan(0, length);
        _checksum = SnapshotFormat.WriteSectionHeader(_part, kind, body, _checksum);
        body.CopyTo(_part.AsSpan(SnapshotFormat.SectionHeaderBytes));
    }

    /// <summary>By the headers of the sections alone: whoever sends a file says first how long it is.</summary>
    private long PlainBytes()
    {
        long plain = _partBytes;
        Span<byte> header = stackalloc byte[SnapshotFormat.SectionHeaderBytes];
        for (long at = _header.Head.Bytes; ;)
        {
            var isThere = _file.Read(at, header) == header.Length;
            var kind = BinaryPrimitives.ReadInt32LittleEndian(header);
            var length = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
            if (!isThere || length < FileCipher.TagBytes)
            {
                throw new StorageFailedException($"{_file.Path} is damaged at offset {at}: no section begins there");
            }
            plain += SnapshotFormat.SectionHeaderBytes + length - FileCipher.TagBytes;
            if (kind == SnapshotFormat.EndKind)
            {
                return plain;
            }
            at += SnapshotFormat.SectionHeaderBytes + length;
        }
    }

    private T Checked<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (WireFormatException e)
        {
            throw new StorageFailedException($"{_file.Path} {e.Message}", e);
        }
    }
}
