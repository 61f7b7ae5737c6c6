using System.Buffers.Binary;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.StateMachine.Snapshots;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;
using Consensus.Storage.Format;

namespace Consensus.Storage.Snapshots;

/// <summary>
/// Writes a snapshot, section by section, through one buffer to wherever its bytes go. With keys each section is sealed, under its number.
/// </summary>
internal sealed class SnapshotFileWriter : ISnapshotSink, IDisposable
{
    private const int BufferBytes = 64 << 10;

    private readonly Action<ReadOnlySpan<byte>> _write;
    private readonly FileCipher? _cipher;
    private readonly uint _headerChecksum;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private byte[] _sealed = [];
    private int _buffered;
    private uint _checksum;
    private long _sections;
    private long _written;

    /// <summary>Writes to a file, which is flushed now and then.</summary>
    public SnapshotFileWriter(IDiskFile file, StorageIdentity owner, SnapshotMark mark, KeyRing? keys)
        : this(new PacedWriter(file).Write, owner.Cluster, mark, owner, keys)
    {
    }

    /// <param name="write">Takes the file's bytes in order, at most 64 KiB at a time.</param>
    /// <param name="owner">Whose data directory a sealed file is for; null for a backup.</param>
    /// <param name="keys">Seal it; null: it is plain.</param>
    public SnapshotFileWriter(
        Action<ReadOnlySpan<byte>> write, ClusterId cluster, SnapshotMark mark, StorageIdentity? owner = null, KeyRing? keys = null)
    {
        _write = write;
        var header = new WireWriter();
        _cipher = SnapshotFormat.WriteHeader(header, cluster, mark, owner, keys);
        _headerChecksum = _checksum = BinaryPrimitives.ReadUInt32LittleEndian(header.Written[16..]);
        Put(header.Written);
    }

    /// <summary>The key that the file is sealed with; null when it is plain.</summary>
    public string? KeyId => _cipher?.KeyId;

    public void Section(int kind, ReadOnlySpan<byte> body)
    {
        Invariant.Require(kind >= 0 && body.Length <= SnapshotFormat.MaxSectionBytes, "a section that could not be read again is not written");
        Write(kind, body);
        _sections++;
    }

    /// <summary>Writes the end, after which the file is whole, though not flushed. Gives its length.</summary>
    public long End()
    {
        Span<byte> count = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(count, _sections);
        Write(SnapshotFormat.EndKind, count);
        FlushBuffer();
        return _written;
    }

    /// <summary>When the file has its name, or is given up: until then its key counts as in use.</summary>
    public void Dispose() => _cipher?.Dispose();

    private void Write(int kind, ReadOnlySpan<byte> plain)
    {
        var body = _cipher is null ? plain : Seal(_cipher, kind, plain);
        Span<byte> header = stackalloc byte[SnapshotFormat.SectionHeaderBytes];
        _checksum = SnapshotFormat.WriteSectionHeader(header, kind, body, _checksum);
        Put(header);
        Put(body);
    }

    private ReadOnlySpan<byte> Seal(FileCipher cipher, int kind, ReadOnlySpan<byte> plain)
    {
        var count = plain.Length + FileCipher.TagBytes;
        if (_sealed.Length < count)
        {
            _sealed = new byte[Math.Max(count, BufferBytes + FileCipher.TagBytes)];
        }
        plain.CopyTo(_sealed);
        Span<byte> context = stackalloc byte[SnapshotFormat.SectionContextBytes];
        SnapshotFormat.WriteSectionContext(context, _headerChecksum, kind, _sections);
        cipher.Seal(_sections, _sealed.AsSpan(0, count), context);
        return _sealed.AsSpan(0, count);
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var part = bytes[..Math.Min(bytes.Length, BufferBytes - _buffered)];
            part.CopyTo(_buffer.AsSpan(_buffered));
            _buffered += part.Length;
            bytes = bytes[part.Length..];
            if (_buffered == BufferBytes)
            {
                FlushBuffer();
            }
        }
    }

    private void FlushBuffer()
    {
        _write(_buffer.AsSpan(0, _buffered));
        _written += _buffered;
        _buffered = 0;
    }
}

/// <summary>
/// Appends to a file and flushes it at each MiB: a large file that is flushed only at its end makes the disk busy for so long that the
/// log's own flushes wait behind it.
/// </summary>
internal sealed class PacedWriter(IDiskFile file)
{
    private const long BytesPerSync = 1 << 20;
    private long _unsynced;

    public long Position { get; private set; }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        file.Write(Position, bytes);
        Position += bytes.Length;
        _unsynced += bytes.Length;
        if (_unsynced >= BytesPerSync)
        {
            file.SyncData();
            _unsynced = 0;
        }
    }
}
