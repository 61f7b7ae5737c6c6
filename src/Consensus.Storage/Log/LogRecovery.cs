using System.Globalization;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Storage.Disk;
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
    private readonly List<string> _notes;
    private readonly List<string> _temporaryFiles = [];

    private LogRecovery(IDisk disk, string directory, StorageIdentity identity, List<string> notes) =>
        (_disk, _directory, _identity, _notes) = (disk, directory, identity, notes);

    /// <summary>Reads the log in <paramref name="directory"/> without changing it. Throws <see cref="StorageRefusedException"/> naming file and offset.</summary>
    /// <param name="notes">Receives what an operator should know.</param>
    public static ReadLog Read(IDisk disk, string directory, StorageIdentity identity, List<string> notes) =>
        new LogRecovery(disk, directory, identity, notes).Run();

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
                end = ReplaySegment(segments[i], next, end, replay);
            }
            if (replay.Before > replay.State.MarkIndex)
            {
                throw Refused(segments[0].Path,
                    $"begins after entry {replay.Before}, but the newest snapshot ends at {replay.State.MarkIndex}: older segments are missing");
            }
            var active = segments[^1];
            var tail = JudgeTail(active, end);
            foreach (var old in segments.SkipLast(1))
            {
                old.File.Dispose();
            }
            return new ReadLog(replay, [.. segments.Select(s => s.Summary)], active.File, active.Header.AllocatedBytes, end, tail, _temporaryFiles);
        }
        catch
        {
            segments.ForEach(segment => segment.File.Dispose());
            throw;
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
            opened.ForEach(segment => segment.File.Dispose());
            throw;
        }
    }

    private OpenSegment OpenOne(string path, long sequence)
    {
        var file = _disk.Open(path, writable: true);
        try
        {
            var header = SegmentHeader.Read(file, sequence, _identity, out var headerBytes);
            return new OpenSegment(path, file, header, headerBytes);
        }
        catch (WireFormatException e)
        {
            file.Dispose();
            throw Refused(path, e.Message);
        }
        catch
        {
            file.Dispose();
            throw;
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
        try
        {
            LogRecords.Read(payload, replay);
        }
        catch (WireFormatException e)
        {
            throw Refused(segment.Path, string.Create(CultureInfo.InvariantCulture,
                $"is corrupt at offset {end.Offset}: frame {frame.Frame} has its right checksum but cannot be replayed: {e.Message}"));
        }
        end = new FrameEnd(frame.Frame, frame.PayloadBytes == 0, frame.PayloadChecksum, end.Offset, end.Offset + frame.TotalBytes);
        return true;
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

    private sealed class OpenSegment(string path, IDiskFile file, SegmentHeader header, int headerBytes)
    {
        public string Path => path;

        public IDiskFile File => file;

        public SegmentHeader Header => header;

        public int HeaderBytes => headerBytes;

        public SegmentReader Reader { get; } = new(file);

        public Segment Summary { get; } = new(header.Sequence, path, header.State.LastIndex);
    }
}

/// <summary>Where the good frames end.</summary>
/// <param name="LastFrameOffset">Where the last frame begins; equal to <paramref name="Offset"/> when the segment has none.</param>
/// <param name="Offset">Where the next frame belongs.</param>
internal readonly record struct FrameEnd(long LastFrame, bool LastFrameIsEmpty, uint Checksum, long LastFrameOffset, long Offset);
