using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft.Log;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;
using Consensus.Storage.Format;

namespace Consensus.Storage.Log;

/// <summary>Where a log goes on: what recovery found, or a new log's beginning.</summary>
/// <param name="Segments">Oldest first; the last one is <paramref name="ActiveFile"/>'s.</param>
/// <param name="Cipher">Seals its frames; null when they are plain.</param>
/// <param name="LastFrame">Sequence of the last frame, all of it durable; 0 when there is none.</param>
/// <param name="LastFrameIsEmpty">True when no record would be lost with the last frame, or the active segment's header says that it is
/// durable.</param>
/// <param name="Checksum">Payload checksum of the last frame, to chain the next one to.</param>
internal sealed record LogPosition(
    LogState State,
    IReadOnlyList<Segment> Segments,
    IDiskFile ActiveFile,
    FileCipher? Cipher,
    long LastFrame,
    bool LastFrameIsEmpty,
    uint Checksum);

/// <summary>
/// The log on disk (docs/wal-format.md): each batch is one frame, one write and one fdatasync. After a failure of the disk every call
/// throws, because what the disk holds is not known any more (raft-bugs 7).
/// </summary>
public sealed class WriteAheadLog : IDurableLog
{
    /// <summary>Each costs a flush of the directory, for which the next batch waits.</summary>
    private const int SegmentsRemovedAtOnce = 2;

    /// <summary>A buffer that one huge batch made larger than this is not kept.</summary>
    private const int KeptBufferBytes = 4 << 20;

    /// <summary>What one write of zeros prepares, for frames of at most <see cref="SmallFrameBytes"/>: eight of them or more.</summary>
    private const int AheadBytes = 128 << 10;
    private const int SmallFrameBytes = AheadBytes / 8;
    private static readonly byte[] Zeros = new byte[AheadBytes];

    private readonly IDisk _disk;
    private readonly string _directory;
    private readonly StorageIdentity _identity;
    private readonly StorageOptions _options;
    private readonly List<Segment> _segments;
    private LogState _state;
    private IDiskFile _file;
    private FileCipher? _cipher;
    private long _fileBytes;
    private long _writtenBytes;
    private long _lastFrame;
    private bool _lastFrameIsEmpty;
    private uint _checksum;
    private WireWriter _frame = new(64 << 10);
    private long _sizeBytes;
    private long _flushes;
    private Exception? _failure;

    internal WriteAheadLog(IDisk disk, string directory, StorageIdentity identity, StorageOptions options, LogPosition position)
    {
        (_disk, _directory, _identity, _options) = (disk, directory, identity, options);
        _segments = [.. position.Segments];
        _state = position.State;
        _file = position.ActiveFile;
        _cipher = position.Cipher;
        _fileBytes = _file.Length;
        _lastFrame = position.LastFrame;
        _lastFrameIsEmpty = position.LastFrameIsEmpty;
        _checksum = position.Checksum;
        _sizeBytes = _segments.Sum(segment => segment.UsedBytes);
    }

    public bool LastFrameIsUncovered => !_lastFrameIsEmpty;

    public long SizeBytes => Interlocked.Read(ref _sizeBytes);

    public long Flushes => Interlocked.Read(ref _flushes);

    private Segment Active => _segments[^1];

    /// <summary>What a frame of the active segment takes beside header and records.</summary>
    private int TagBytes => _cipher is null ? 0 : FileCipher.TagBytes;

    public void Append(IReadOnlyList<PersistRequest> batch) => Guarded(() =>
    {
        BeginFrame();
        var after = _state;
        foreach (var request in batch)
        {
            after = Encode(request, after);
        }
        if (_frame.Length > FrameHeader.Bytes)
        {
            WriteFrame();
            _state = after;
        }
    });

    public void AppendEmptyFrame() => Guarded(() =>
    {
        BeginFrame();
        WriteFrame();
    });

    public bool Compact(LogIndex through)
    {
        var moreIsLeft = false;
        Guarded(() => moreIsLeft = RemoveSome(through));
        return moreIsLeft;
    }

    private bool RemoveSome(LogIndex through)
    {
        // The header of each segment repeats hard state, configuration and snapshot mark, and later frames are later segments': whatever is
        // deleted here, the newest of each is in what stays.
        var covered = LogIndex.Min(through, _state.MarkIndex);
        for (var removed = 0; _segments.Count > 1 && _segments[1].LastIndexBefore <= covered; removed++)
        {
            if (removed == SegmentsRemovedAtOnce)
            {
                return true;
            }
            // One by one, oldest first, each durable: a crash leaves no hole in the sequence.
            _disk.Delete(_segments[0].Path);
            _disk.SyncDirectory(_directory);
            _options.Keys?.Files.Remove(_segments[0].Path);
            Interlocked.Add(ref _sizeBytes, -_segments[0].UsedBytes);
            _segments.RemoveAt(0);
        }
        return false;
    }

    public void Dispose()
    {
        _file.Dispose();
        _cipher?.Dispose();
    }

    private LogState Encode(PersistRequest request, LogState state)
    {
        if (request.InstalledSnapshot is { } installed)
        {
            Require(state.TryInstall(installed, out state));
            LogRecords.WriteInstalledSnapshot(_frame, installed);
        }
        if (request.HardState is { } hardState)
        {
            Require(state.TryVote(hardState, out state));
            LogRecords.WriteHardState(_frame, hardState);
        }
        if (request.Entries.Count > 0)
        {
            Require(state.TryAppend(request.Entries[0].Index, request.Entries[^1].Index, out state));
            EncodeEntries(request.Entries);
        }
        if (request.TakenSnapshot is { } taken)
        {
            Require(state.TryTake(taken, out state));
            LogRecords.WriteTakenSnapshot(_frame, taken);
        }
        if (request.Commit > state.Commit)
        {
            Require(state.TryCommit(request.Commit, out state));
            LogRecords.WriteCommit(_frame, request.Commit);
        }
        return state;
    }

    private void EncodeEntries(IReadOnlyList<Entry> entries)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            Invariant.Require(entries[i].Index == entries[0].Index + i, "the entries of one request follow each other");
            LogRecords.WriteEntry(_frame, entries[i]);
        }
    }

    private static void Require(string? wrong) => Invariant.Require(wrong is null, wrong ?? "");

    private void BeginFrame()
    {
        if (_frame.Length > KeptBufferBytes)
        {
            _frame = new WireWriter(64 << 10);
        }
        _frame.Clear();
        _frame.Reserve(FrameHeader.Bytes);
    }

    private void WriteFrame()
    {
        var isEmpty = _frame.Length == FrameHeader.Bytes;
        if (_frame.Length + TagBytes > _fileBytes - Active.UsedBytes)
        {
            BeginSegment();
        }
        _frame.Reserve(TagBytes);
        var bytes = FrameBuffer.Writable(_frame);
        var payload = bytes[FrameHeader.Bytes..];
        var header = new FrameHeader(payload.Length, Active.Sequence, _lastFrame + 1, _lastFrame, 0);
        if (_cipher is not null)
        {
            FrameSeal.Seal(_cipher, header, _identity, payload);
        }
        var checksum = Crc32C.Append(_checksum, payload);
        (header with { PayloadChecksum = checksum }).Write(bytes, _identity.FrameSeed);
        _file.Write(Active.UsedBytes, bytes);
        WriteAhead(Active.UsedBytes + bytes.Length, bytes.Length);
        _file.SyncData();

        Interlocked.Increment(ref _flushes);
        Active.UsedBytes += bytes.Length;
        Interlocked.Add(ref _sizeBytes, bytes.Length);
        _lastFrame++;
        _lastFrameIsEmpty = isEmpty;
        _checksum = checksum;
    }

    /// <summary>
    /// Space that is allocated but was never written costs a commit of the file system's journal at the flush of the frame that reaches it, and all
    /// files of a disk wait for that one journal. So a small frame that reaches such space writes the zeros behind it too, before its flush. The segment reads the
    /// same with and without them, whatever of them a crash keeps. Large frames are few, and would write twice as much.
    /// </summary>
    private void WriteAhead(long end, int frameBytes)
    {
        if (end <= _writtenBytes)
        {
            return;
        }
        _writtenBytes = end;
        if (frameBytes <= SmallFrameBytes && end < _fileBytes)
        {
            var zeros = Zeros.AsSpan(0, (int)Math.Min(AheadBytes, _fileBytes - end));
            _file.Write(end, zeros);
            _writtenBytes += zeros.Length;
        }
    }

    private void BeginSegment()
    {
        var header = new SegmentHeader(Active.Sequence + 1, _lastFrame + 1, _checksum, 0, _state);
        var begun = SegmentFiles.Create(_disk, _directory, _identity, header, new WireWriter(), _options, _frame.Length);
        _file.Dispose();
        _cipher?.Dispose();
        (_file, _cipher) = (begun.File, begun.Cipher);
        _fileBytes = _file.Length;
        _writtenBytes = 0;
        _segments.Add(begun.Segment);
        Interlocked.Add(ref _sizeBytes, begun.Segment.UsedBytes);
    }

    private void Guarded(Action action)
    {
        if (_failure is not null)
        {
            throw new StorageFailedException($"the log failed before and takes nothing more: {_failure.Message}", _failure);
        }
        try
        {
            action();
        }
        catch (Exception e)
        {
            _failure = e;
            throw;
        }
    }
}
