using System.Globalization;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;
using Consensus.Storage.Format;

namespace Consensus.Storage.Log;

/// <summary>
/// Reads a log back (docs/wal-format.md, "Recovery"). It first looks at everything and refuses what it cannot trust; only then does it
/// change anything: cut a torn tail, and make durable what it is about to call recovered.
/// </summary>
internal sealed class LogRecovery
{
    private readonly IDisk _disk;
    private readonly string _directory;
    private readonly StorageIdentity _identity;
    private readonly KeyRing? _keys;
    private readonly List<string> _notes;
    private readonly List<string> _temporaryFiles = [];
    private byte[] _records = [];

    private LogRecovery(IDisk disk, string directory, StorageIdentity identity, KeyRing? keys, List<string> notes) =>
        (_disk, _directory, _identity, _keys, _notes) = (disk, directory, identity, keys, notes);

    /// <summary>Reads the log in <paramref name="directory"/> without changing it. Throws <see cref="StorageRefusedException"/> naming file and offset.</summary>
    /// <param name="keys">Open sealed segments; null: they are refused.</param>
    /// <param name="notes">Receives what an operator should know.</param>
    public static ReadLog Read(IDisk disk, string directory, StorageIdentity identity, KeyRing? keys, List<string> notes) =>
        new LogRecovery(disk, directory, identity, keys, notes).Run();

    private ReadLog Run()
    {
        var segments = OpenSegments();
        try
        {
            var replay = new LogReplay(segments[0].Header.State);
            var end = new FrameEnd(segments[0].Header.FirstFrame - 1, true, segments[0].Header.PreviousChecksum, 0, 0);
            for (var i = 0; i < segments.Count; i++)
            {
                var next = i + 1 < segments.Count ? segments[i + 1] : null;
                segments[i].BeginReading(_disk);
                end = ReplaySegment(segments[i], next, end, replay);
                if (next is not null)
                {
                    segments[i].Dispose();
                }
            }
            if (replay.Before > replay.State.MarkIndex)
            {
                throw Refused(segments[0].Path,
                    $"begins after entry {replay.Before}, but the newest snapshot ends at {replay.State.MarkIndex}: older segments are missing");
            }
            var active = segments[^1];
            var tail = JudgeTail(active, end);
            var summaries = segments.Select(segment => segment.Summary).ToList();
            return new ReadLog(replay, summaries, active.TakeFile(), active.Header.AllocatedBytes, end, tail, _temporaryFiles)
            {
                IsSealed = active.IsSealed,
            };
        }
        finally
        {
            segments.ForEach(segment => segment.Dispose());
        }
    }

    private List<OpenSegment> OpenSegments()
    {
        var sequences = new List<long>();
        foreach (var name in _disk.List(_directory))
        {
            if (SegmentFiles.TryParse(name, out var sequence))
            {
                sequences.Add(sequence);
            }
            else if (name.EndsWith(SegmentFiles.TemporaryExtension, StringComparison.Ordinal))
            {
                _temporaryFiles.Add(Path.Combine(_directory, name));
            }
        }
        if (sequences.Count == 0)
        {
            throw new StorageRefusedException($"{_directory} holds no log segment, though the data directory was formed: its log is missing");
        }
        var opened = new List<OpenSegment>();
        try
        {
            foreach (var sequence in sequences)
            {
                var path = Path.Combine(_directory, SegmentFiles.NameOf(sequence));
                if (opened.Count > 0 && opened[^1].Header.Sequence + 1 != sequence)
                {
                    var missing = Path.Combine(_directory, SegmentFiles.NameOf(opened[^1].Header.Sequence + 1));
                    throw new StorageRefusedException($"the log segment {missing} is missing, though segments before and after it are there");
                }
                opened.Add(OpenOne(path, sequence));
            }
            return opened;
        }
        catch
        {
            opened.ForEach(segment => segment.Dispose());
            throw;
        }
    }

    /// <summary>
    /// Its frames are read later, one segment after the other: a log may have more of them than a process may have files open.
    /// </summary>
    private OpenSegment OpenOne(string path, long sequence)
    {
        using var file = _disk.Open(path, writable: false);
        try
        {
            var header = SegmentHeader.Read(file, sequence, _identity, out var head);
            _keys?.Demand(head.Key?.KeyId);
            var cipher = head.OpenCipher(_keys);
            _keys?.Files.Add(path, cipher?.KeyId);
            return new OpenSegment(path, header, head.Bytes, cipher);
        }
        catch (WireFormatException e)
        {
            throw Refused(path, e.Message);
        }
    }

    /// <summary>Replays the frames of a segment up to its last good one, or, when there is a next segment, up to the one before that segment's first.</summary>
    private FrameEnd ReplaySegment(OpenSegment segment, OpenSegment? next, FrameEnd end, LogReplay replay)
    {
        var header = segment.Header;
        if (header.FirstFrame != end.LastFrame + 1 || header.PreviousChecksum != end.Checksum || header.State.HardState != replay.State.HardState
            || header.State.LastIndex != replay.State.LastIndex || header.State.MarkIndex != replay.State.MarkIndex)
        {
            throw Refused(segment.Path, "does not follow from the segments before it");
        }
        end = end with { Offset = segment.HeaderBytes, LastFrameOffset = segment.HeaderBytes };
        while (next is null || end.LastFrame + 1 < next.Header.FirstFrame)
        {
            if (TryReplayFrame(segment, ref end, replay))
            {
                continue;
            }
            if (next is null)
            {
                break;
            }
            throw Refused(segment.Path, string.Create(CultureInfo.InvariantCulture,
                $"is corrupt at offset {end.Offset}: frame {end.LastFrame + 1} is damaged, and {Path.GetFileName(next.Path)} says that it was durable"));
        }
        segment.Summary.UsedBytes = end.Offset;
        segment.Summary.FileBytes = segment.Reader.Length;
        return end;
    }

    private bool TryReplayFrame(OpenSegment segment, ref FrameEnd end, LogReplay replay)
    {
        var reader = segment.Reader;
        if (reader.Length - end.Offset < FrameHeader.Bytes
            || !FrameHeader.TryRead(reader.At(end.Offset, FrameHeader.Bytes), _identity.FrameSeed, out var frame)
            || frame.Segment != segment.Header.Sequence
            || frame.Frame != end.LastFrame + 1
            || frame.TotalBytes > reader.Length - end.Offset)
        {
            return false;
        }
        var payload = reader.At(end.Offset + FrameHeader.Bytes, frame.PayloadBytes);
        if (Crc32C.Append(end.Checksum, payload) != frame.PayloadChecksum)
        {
            return false;
        }
        var records = segment.Cipher is null ? payload : Open(segment, frame, payload);
        try
        {
            LogRecords.Read(records, replay);
        }
        catch (WireFormatException e)
        {
            throw Refused(segment.Path, string.Create(CultureInfo.InvariantCulture,
                $"is corrupt at offset {end.Offset}: frame {frame.Frame} has its right checksum but cannot be replayed: {e.Message}"));
        }
        end = new FrameEnd(frame.Frame, records.IsEmpty, frame.PayloadChecksum, end.Offset, end.Offset + frame.TotalBytes);
        return true;
    }

    /// <summary>A right checksum says that these bytes were written, so this is no tear: they were changed, or are not ours.</summary>
    private ReadOnlySpan<byte> Open(OpenSegment segment, in FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        var count = payload.Length - FileCipher.TagBytes;
        if (_records.Length < count)
        {
            _records = new byte[Math.Max(count, Math.Min(Array.MaxLength, _records.Length * 2L))];
        }
        return count >= 0 && FrameSeal.TryOpen(segment.Cipher!, frame, _identity, payload, _records.AsSpan(0, count))
            ? _records.AsSpan(0, count)
            : throw new StorageRefusedException(string.Create(
                CultureInfo.InvariantCulture,
                $"frame {frame.Frame} of {segment.Path} was changed, or is of another key: its checksum is right and its seal is not"));
    }

    /// <summary>Decides what follows the last good frame: nothing, a tear, or corruption (rule 10).</summary>
    private TailScan JudgeTail(OpenSegment active, FrameEnd end)
    {
        var tail = TailScan.Run(active.Reader, end.Offset, active.Header.Sequence, end.LastFrame + 1, _identity.FrameSeed);
        if (tail.WitnessOffset >= 0)
        {
            throw Refused(active.Path, string.Create(CultureInfo.InvariantCulture,
                $"is corrupt at offset {end.Offset}: frame {end.LastFrame + 1} is damaged, and a later frame at offset {tail.WitnessOffset} says that it was durable"));
        }
        if (active.Reader.Length < active.Header.AllocatedBytes)
        {
            if (tail.EndOfContent > end.Offset || active.Reader.Length - end.Offset < FrameHeader.Bytes)
            {
                throw Refused(active.Path, string.Create(CultureInfo.InvariantCulture,
                    $"is corrupt at offset {active.Reader.Length}: it ends there, but {active.Header.AllocatedBytes} bytes were allocated, so frames may have been cut off"));
            }
            _notes.Add(string.Create(CultureInfo.InvariantCulture,
                $"{active.Path} ends at offset {active.Reader.Length} instead of {active.Header.AllocatedBytes}, behind its last frame; its space is allocated again"));
        }
        if (tail.EndOfContent > end.Offset)
        {
            _notes.Add(string.Create(CultureInfo.InvariantCulture,
                $"{active.Path}: {tail.EndOfContent - end.Offset} bytes of a torn write after frame {end.LastFrame} were cut at offset {end.Offset}; nothing in them was acknowledged"));
        }
        return tail;
    }

    private static StorageRefusedException Refused(string path, string what) => new($"{path} {what}");

    private sealed class OpenSegment(string path, SegmentHeader header, int headerBytes, FileCipher? cipher) : IDisposable
    {
        private IDiskFile? _file;
        private SegmentReader? _reader;

        public string Path => path;

        public SegmentHeader Header => header;

        public int HeaderBytes => headerBytes;

        /// <summary>Opens its frames; null when they are plain.</summary>
        public FileCipher? Cipher => cipher;

        public bool IsSealed => cipher is not null;

        public SegmentReader Reader => _reader ?? throw new InvalidOperationException("the segment is not being read");

        public Segment Summary { get; } = new(header.Sequence, path, header.State.LastIndex);

        public void BeginReading(IDisk disk)
        {
            _file = disk.Open(path, writable: true);
            _reader = new SegmentReader(_file);
        }

        /// <summary>The file is its caller's from now on.</summary>
        public IDiskFile TakeFile()
        {
            var file = _file ?? throw new InvalidOperationException("the segment is not being read");
            _file = null;
            return file;
        }

        public void Dispose()
        {
            _file?.Dispose();
            _file = null;
            _reader = null;
            cipher?.Dispose();
        }
    }
}

/// <summary>Where the good frames end.</summary>
/// <param name="LastFrameOffset">Where the last frame begins; equal to <paramref name="Offset"/> when the segment has none.</param>
/// <param name="Offset">Where the next frame belongs.</param>
internal readonly record struct FrameEnd(long LastFrame, bool LastFrameIsEmpty, uint Checksum, long LastFrameOffset, long Offset);
