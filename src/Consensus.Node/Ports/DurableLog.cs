using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;

namespace Consensus.Node.Ports;

/// <summary>What one turn asks to be made durable. All of one request lands in one frame: wholly or not at all.</summary>
/// <param name="Sequence">The Ready's sequence; rises.</param>
/// <param name="HardState">New term and vote, if changed.</param>
/// <param name="InstalledSnapshot">A snapshot from the leader, its file durable already, that replaces the whole log.</param>
/// <param name="TakenSnapshot">A snapshot of this member's own, its file durable already: entries up to it are no longer needed for recovery.</param>
/// <param name="Entries">Entries in order; when the first index is not above the last one written, they replace that suffix.</param>
/// <param name="Commit">
/// Known to be committed when this request was made, and in the log once it is written; 0 says nothing. Written with the rest, never by itself.
/// </param>
public sealed record PersistRequest(
    long Sequence,
    HardState? HardState,
    SnapshotMark? InstalledSnapshot,
    SnapshotMark? TakenSnapshot,
    IReadOnlyList<Entry> Entries,
    LogIndex Commit = default)
{
    /// <summary>About what it takes in a frame.</summary>
    public long Bytes
    {
        get
        {
            long bytes = 0;
            for (var i = 0; i < Entries.Count; i++)
            {
                bytes += Entries[i].ApproximateSize;
            }
            return bytes;
        }
    }
}

/// <summary>
/// The write-ahead log as the node sees it. Synchronous: called by the log thread (or by the simulator), one call at a time. A failure of
/// the disk throws <see cref="StorageFailedException"/>; the process must then end without retrying (raft-bugs 7).
/// </summary>
public interface IDurableLog : IDisposable
{
    /// <summary>Makes all requests durable: one frame, one write, one fdatasync. Returns when they are on disk.</summary>
    void Append(IReadOnlyList<PersistRequest> batch);

    /// <summary>True when the last frame is not yet covered by a later one's durable-through mark (rule 10).</summary>
    bool LastFrameIsUncovered { get; }

    /// <summary>Writes and flushes one empty frame; the log thread calls it after a second of idleness.</summary>
    void AppendEmptyFrame();

    /// <summary>
    /// Deletes a few segments that hold nothing after <paramref name="through"/>, which a durable snapshot covers: each costs a flush of the directory, and after a long time without a
    /// snapshot there may be hundreds, for which no write shall wait. True when more of them are left.
    /// </summary>
    bool Compact(LogIndex through);

    /// <summary>Bytes of log on disk that hold records. Any thread.</summary>
    long SizeBytes { get; }

    /// <summary>Frames that were written and flushed since the log was opened, one fdatasync each. Any thread.</summary>
    long Flushes { get; }
}

/// <summary>The disk failed or is full: nothing that was not acknowledged may be, and the process must end.</summary>
public sealed class StorageFailedException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Nothing is broken, there is no room.</summary>
    public bool IsDiskFull { get; init; }

    /// <summary>Nothing is broken, the process or the machine has no file descriptor left.</summary>
    public bool IsOutOfFiles { get; init; }

    /// <summary>What can wait may be tried again later. The log cannot wait.</summary>
    public bool MayPass => IsDiskFull || IsOutOfFiles;
}

/// <summary>The data directory cannot be used: another process holds it, it is another member's or cluster's, or it is corrupt. One clear sentence.</summary>
public sealed class StorageRefusedException(string message) : Exception(message);

/// <summary>What recovery found in a formed data directory.</summary>
/// <param name="Configuration">In force before the first of <paramref name="Entries"/>: the snapshot's, or the initial one.</param>
/// <param name="Snapshot">The newest snapshot that the log marks as in use.</param>
/// <param name="Commit">Entries up to here are committed for sure; not below the snapshot, not above the last entry.</param>
/// <param name="Notes">What an operator should know, one sentence each: a torn tail that was cut, a leftover file that was removed.</param>
public sealed record RecoveredLog(
    HardState HardState,
    Configuration Configuration,
    SnapshotMark? Snapshot,
    IReadOnlyList<Entry> Entries,
    LogIndex Commit,
    IReadOnlyList<string> Notes);
