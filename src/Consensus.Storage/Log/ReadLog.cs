using Consensus.Node.Ports;
using Consensus.Primitives.Wire;
using Consensus.Storage.Disk;
using Consensus.Storage.Format;

namespace Consensus.Storage.Log;

/// <summary>
/// A log that was read and judged, and not changed yet. Owns the last segment's file until <see cref="Resume"/> hands it to the log, or
/// goes on in another.
/// </summary>
/// <param name="AllocatedBytes">How long the last segment's file should be.</param>
/// <param name="TemporaryFiles">Paths of segments that were never finished.</param>
internal sealed record ReadLog(
    LogReplay Replay,
    IReadOnlyList<Segment> Segments,
    IDiskFile ActiveFile,
    long AllocatedBytes,
    FrameEnd End,
    TailScan Tail,
    IReadOnlyList<string> TemporaryFiles) : IDisposable
{
    private const int ChunkBytes = 64 << 10;

    /// <summary>On a full disk; a frame that is larger gets a segment of its own size all the same.</summary>
    private const long SmallestSegment = 1 << 20;

    /// <summary>The last segment is sealed.</summary>
    public bool IsSealed { get; init; }

    /// <summary>
    /// Cuts a torn tail, makes everything durable that was read, and goes on. What was read may never have reached the disk: the process
    /// may have been killed between write and flush, or a flush may have failed, after which the kernel shows bytes that it will not write
    /// again unless they are written again.
    /// </summary>
    public WriteAheadLog Resume(IDisk disk, string directory, StorageIdentity identity, StorageOptions options, List<string> notes)
    {
        foreach (var temporary in TemporaryFiles)
        {
            disk.Delete(temporary);
            notes.Add($"{temporary} was removed: a segment that was never finished");
        }
        disk.SyncDirectory(directory);
        var position = IsSealed || options.Keys is { Seals: true }
            ? GoOnInNewSegment(disk, directory, identity, options)
            : GoOnInLastSegment();
        return new WriteAheadLog(disk, directory, identity, options, position);
    }

    public void Dispose() => ActiveFile.Dispose();

    private LogPosition GoOnInLastSegment()
    {
        if (ActiveFile.Length < AllocatedBytes)
        {
            ActiveFile.Allocate(AllocatedBytes);
        }
        WriteAgain(End.LastFrameOffset, End.Offset);
        Zero(End.Offset, Tail.EndOfContent);
        ActiveFile.Sync();
        return new LogPosition(Replay.State, Segments, ActiveFile, null, End.LastFrame, End.LastFrameIsEmpty, End.Checksum);
    }

    /// <summary>
    /// No process appends to a segment that another one began when it is sealed: the frame that was cut, or lost with an older image of the
    /// disk, would be written anew with other content under the same key and nonce. One that holds no frame is replaced, so that restarts
    /// leave nothing behind.
    /// </summary>
    private LogPosition GoOnInNewSegment(IDisk disk, string directory, StorageIdentity identity, StorageOptions options)
    {
        // The new segment says that every frame before it is durable.
        WriteAgain(End.LastFrameOffset, End.Offset);
        ActiveFile.Sync();
        var last = Segments[^1];
        var holdsFrames = End.LastFrameOffset < End.Offset;
        var header = new SegmentHeader(holdsFrames ? last.Sequence + 1 : last.Sequence, End.LastFrame + 1, End.Checksum, 0, Replay.State);
        var begun = Begin(disk, directory, identity, header, options);
        try
        {
            ActiveFile.Dispose();
            Segment[] kept = holdsFrames ? [.. Segments] : [.. Segments.SkipLast(1)];
            foreach (var segment in kept)
            {
                GiveBack(disk, segment);
            }
            return new LogPosition(
                Replay.State, [.. kept, begun.Segment], begun.File, begun.Cipher, End.LastFrame, LastFrameIsEmpty: true, End.Checksum);
        }
        catch
        {
            begun.File.Dispose();
            begun.Cipher?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Begins the segment, on a full disk too: a member that is ended by one comes up again, compacts and gives space back. What the segment
    /// before has not used goes back first then, and the new one is as small as it has to be.
    /// </summary>
    private BegunSegment Begin(IDisk disk, string directory, StorageIdentity identity, SegmentHeader header, StorageOptions options)
    {
        for (var bytes = options.SegmentBytes; ; bytes /= 2)
        {
            try
            {
                return SegmentFiles.Create(
                    disk, directory, identity, header, new WireWriter(), options with { SegmentBytes = bytes }, FrameHeader.Bytes);
            }
            catch (StorageFailedException failure) when (failure.IsDiskFull && bytes / 2 >= Math.Min(SmallestSegment, options.SegmentBytes / 2))
            {
                disk.Delete(Path.Combine(directory, SegmentFiles.NameOf(header.Sequence) + SegmentFiles.TemporaryExtension));
                EndBehindItsFrames();
                foreach (var segment in Segments.SkipLast(1))
                {
                    GiveBack(disk, segment);
                }
            }
        }
    }

    /// <summary>
    /// Gives back what the last segment has not used while it is still the last one: recovery takes one that ends behind its frames, with
    /// room for a header, so that the process may end here.
    /// </summary>
    private void EndBehindItsFrames()
    {
        Zero(End.Offset, Tail.EndOfContent);
        ActiveFile.Sync();
        var end = (End.Offset + FrameHeader.Bytes + SegmentFiles.AllocationUnit - 1) / SegmentFiles.AllocationUnit * SegmentFiles.AllocationUnit;
        if (end < ActiveFile.Length)
        {
            ActiveFile.Truncate(end);
            ActiveFile.Sync();
            Segments[^1].FileBytes = end;
        }
    }

    /// <summary>
    /// What was allocated and never used; a later segment says where the frames ended. An earlier process may not have come to it.
    /// </summary>
    private static void GiveBack(IDisk disk, Segment segment)
    {
        if (segment.FileBytes - segment.UsedBytes < SegmentFiles.AllocationUnit)
        {
            return;
        }
        using var file = disk.Open(segment.Path, writable: true);
        file.Truncate(segment.UsedBytes);
        segment.FileBytes = segment.UsedBytes;
    }

    private void WriteAgain(long from, long to)
    {
        var chunk = new byte[(int)Math.Min(ChunkBytes, to - from)];
        for (var at = from; at < to; at += chunk.Length)
        {
            var part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, to - at));
            ActiveFile.Read(at, part);
            ActiveFile.Write(at, part);
        }
    }

    private void Zero(long from, long to)
    {
        var zeros = new byte[(int)Math.Min(ChunkBytes, to - from)];
        for (var at = from; at < to; at += zeros.Length)
        {
            ActiveFile.Write(at, zeros.AsSpan(0, (int)Math.Min(zeros.Length, to - at)));
        }
    }
}
