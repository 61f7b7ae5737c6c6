using Consensus.Storage.Disk;
using Consensus.Storage.Format;

namespace Consensus.Storage.Log;

/// <summary>A log that was read and judged, and not changed yet. Owns the last segment's file until <see cref="Resume"/> hands it to the log.</summary>
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

    /// <summary>
    /// Cuts a torn tail, makes everything durable that was read, and goes on. What was read may never have reached the disk: the process may
    /// have been killed between write and flush, or a flush may have failed, after which the kernel shows bytes that it will not write again
    /// unless they are written again.
    /// </summary>
    public WriteAheadLog Resume(IDisk disk, string directory, StorageIdentity identity, StorageOptions options, List<string> notes)
    {
        foreach (var temporary in TemporaryFiles)
        {
            disk.Delete(temporary);
            notes.Add($"{temporary} was removed: a segment that was never finished");
        }
        disk.SyncDirectory(directory);
        if (ActiveFile.Length < AllocatedBytes)
        {
            ActiveFile.Allocate(AllocatedBytes);
        }
        WriteAgain(End.LastFrameOffset, End.Offset);
        Zero(End.Offset, Tail.EndOfContent);
        ActiveFile.Sync();
        return new WriteAheadLog(disk, directory, identity, options, new LogPosition(
            Replay.State, Segments, ActiveFile, End.LastFrame, End.LastFrameIsEmpty, End.Checksum));
    }

    public void Dispose() => ActiveFile.Dispose();

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
