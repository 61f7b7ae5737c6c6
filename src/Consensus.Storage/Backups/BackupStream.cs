using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Snapshots;
using Consensus.Storage.Snapshots;

namespace Consensus.Storage.Backups;

/// <summary>
/// A backup on its way out: the very bytes of a snapshot file (docs/wal-format.md), whose checksums run from its header to an end that counts its sections, so that what is
/// cut short or changed on its way is noticed.
/// </summary>
public static class BackupStream
{
    /// <summary>Media type of the stream.</summary>
    public const string ContentType = "application/octet-stream";

    /// <summary>Encodes a view. Blocks for as long as <paramref name="write"/> does.</summary>
    /// <param name="mark">Where the view stands in the log.</param>
    /// <param name="write">Takes the bytes in order, at most 64 KiB at a time.</param>
    /// <returns>How many bytes were written.</returns>
    public static long Write(ClusterId cluster, SnapshotMark mark, StateView view, Action<ReadOnlySpan<byte>> write)
    {
        Invariant.Require(mark.LastIndex == view.AppliedIndex, "a backup's mark is its view's place in the log");
        using var writer = new SnapshotFileWriter(write, cluster, mark);
        SnapshotWriter.Write(view, writer);
        return writer.End();
    }
}
