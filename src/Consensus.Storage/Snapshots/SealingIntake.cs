using System.Buffers.Binary;
using System.Globalization;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Storage.Encryption;
using Consensus.Storage.Format;

namespace Consensus.Storage.Snapshots;

/// <summary>
/// Takes the bytes of a plain snapshot file as they come, and writes the same snapshot sealed: what a leader or a backup sends never lies
/// on this disk in plain. What is wrong with the bytes is said at the end, as of a file that is checked when it is there. One thread at a
/// time.
/// </summary>
/// <param name="write">Takes the sealed file's bytes in order.</param>
/// <param name="owner">Whose data directory it is for; null for a backup.</param>
/// <param name="lengthBytes">Of the plain file; the largest number where that is not known.</param>
internal sealed class SealingIntake(Action<ReadOnlySpan<byte>> write, StorageIdentity? owner, KeyRing keys, long lengthBytes)
    : IDisposable
{
    /// <summary>The header, or one section, as far as it is here.</summary>
    private byte[] _part = new byte[64 << 10];
    private int _count;
    private int _needed = FileHeader.FixedBytes;
    private bool _knowsLength;
    private SnapshotFileWriter? _writer;
    private uint _checksum;
    private long _sections;
    private bool _ended;
    private string? _wrong;

    /// <summary>How much of the plain file is here.</summary>
    public long TakenBytes { get; private set; }

    /// <summary>The key that the file is sealed with; null before its header is here, or when it came out plain.</summary>
    public string? KeyId => _writer?.KeyId;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        TakenBytes += bytes.Length;
        try
        {
            while (_wrong is null && !bytes.IsEmpty)
            {
                var taken = Math.Min(bytes.Length, _needed - _count);
                Keep(bytes[..taken]);
                bytes = bytes[taken..];
                while (_count == _needed && !_ended)
                {
                    Advance();
                }
                if (_ended && !bytes.IsEmpty)
                {
                    throw Damaged("it goes on after its end");
                }
            }
        }
        catch (WireFormatException e)
        {
            _wrong = e.Message;
        }
    }

    /// <summary>
    /// The whole plain file was here. Throws <see cref="WireFormatException"/>, as the end of a sentence about it, when that is not so.
    /// </summary>
    public void End()
    {
        if (_wrong is null && !_ended)
        {
            _wrong = Damaged("it is cut short").Message;
        }
        if (_wrong is not null)
        {
            throw new WireFormatException(_wrong);
        }
    }

    /// <summary>As of <see cref="SnapshotFileWriter.Dispose"/>.</summary>
    public void Dispose() => _writer?.Dispose();

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        // It grows with what is here, not with what a length says.
        if (_count + bytes.Length > _part.Length)
        {
            const int Most = SnapshotFormat.MaxSectionBytes + SnapshotFormat.SectionHeaderBytes;
            Array.Resize(ref _part, (int)Math.Min(Math.Max(_count + bytes.Length, _part.Length * 2L), Most));
        }
        bytes.CopyTo(_part.AsSpan(_count));
        _count += bytes.Length;
    }

    /// <summary>All is here that was needed to go on: the start of a part, or the part.</summary>
    private void Advance()
    {
        if (!_knowsLength)
        {
            _needed = _writer is null
                ? FileHeader.WholeBytes(_part, SnapshotFormat.Magic, lengthBytes)
                : SnapshotFormat.SectionHeaderBytes + SectionLength();
            _knowsLength = true;
            return;
        }
        var part = _part.AsSpan(0, _count);
        if (_writer is null)
        {
            TakeHeader(part);
        }
        else
        {
            TakeSection(_writer, part);
        }
        (_count, _needed, _knowsLength) = (0, SnapshotFormat.SectionHeaderBytes, false);
    }

    private int SectionLength()
    {
        var kind = BinaryPrimitives.ReadInt32LittleEndian(_part);
        var length = BinaryPrimitives.ReadInt32LittleEndian(_part.AsSpan(4));
        var isPossible = kind == SnapshotFormat.EndKind
            ? length == sizeof(long)
            : kind >= 0 && length is >= 0 and <= SnapshotFormat.MaxSectionBytes;
        return isPossible ? length : throw Damaged("a section's kind or length is impossible");
    }

    private void TakeHeader(ReadOnlySpan<byte> whole)
    {
        var head = FileHeader.Parse(whole, SnapshotFormat.Magic);
        if (head.Key is not null)
        {
            throw new WireFormatException($"is encrypted already, with the key {head.Key.KeyId}");
        }
        var header = SnapshotFormat.ReadHeader(head);
        _checksum = head.Checksum;
        _writer = new SnapshotFileWriter(write, header.Cluster, header.Mark, owner, keys);
    }

    private void TakeSection(SnapshotFileWriter writer, ReadOnlySpan<byte> section)
    {
        var kind = BinaryPrimitives.ReadInt32LittleEndian(section);
        var body = section[SnapshotFormat.SectionHeaderBytes..];
        _checksum = Crc32C.Append(Crc32C.Append(_checksum, section[..8]), body);
        if (_checksum != BinaryPrimitives.ReadUInt32LittleEndian(section[8..]))
        {
            throw Damaged("the checksum of a section does not match");
        }
        if (kind != SnapshotFormat.EndKind)
        {
            writer.Section(kind, body);
            _sections++;
            return;
        }
        if (BinaryPrimitives.ReadInt64LittleEndian(body) != _sections)
        {
            throw Damaged("its end does not match its sections");
        }
        writer.End();
        _ended = true;
    }

    private WireFormatException Damaged(string how) =>
        new(string.Create(CultureInfo.InvariantCulture, $"is damaged before offset {TakenBytes}: {how}"));
}
