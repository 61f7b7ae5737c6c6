using Consensus.Primitives;
using Consensus.Raft.Log;

namespace Consensus.Raft;

public enum RaftRole
{
    Follower,
    PreCandidate,
    Candidate,
    Leader,
}

public enum ProposeResult
{
    Appended,

    /// <summary>This member does not lead.</summary>
    NotLeader,

    /// <summary>Leadership is being handed over; nothing is appended meanwhile.</summary>
    Transferring,

    /// <summary>Too many bytes are waiting to be committed.</summary>
    Full,
}

/// <summary>What the core starts from: what recovery found on disk.</summary>
/// <param name="Configuration">In force before <paramref name="Entries"/>: the snapshot's, or the initial one.</param>
/// <param name="Entries">Everything after the snapshot (or from index 1), without a gap.</param>
/// <param name="Commit">
/// An index up to which <paramref name="Entries"/> are known to be committed; a lower one than the true one is no mistake. At or below the last entry.
/// </param>
public sealed record RaftInitialState(
    MemberId Self,
    HardState HardState,
    Configuration Configuration,
    SnapshotMark? Snapshot,
    IReadOnlyList<Entry> Entries,
    LogIndex Commit = default);

/// <summary>How the sending of a snapshot to a follower ended.</summary>
public enum SnapshotReport
{
    /// <summary>It has the whole file; its acknowledgement follows.</summary>
    Taken,

    /// <summary>It may have it, or a part, or have no need of it: soon asked and tried again.</summary>
    Broken,

    /// <summary>It cannot take it as things are: tried again after a pause that doubles each time.</summary>
    Refused,

    /// <summary>As refused, and because of the file: the same one is not offered again.</summary>
    Unusable,
}

/// <summary>How the leader sees one follower. The words are those of etcd's raft.</summary>
public enum ProgressState
{
    Probe,
    Replicate,
    Snapshot,
}

/// <param name="RecentlyActive">Heard of within the last election timeout.</param>
public readonly record struct ProgressStatus(MemberId Member, LogIndex Match, LogIndex Next, ProgressState State, bool RecentlyActive)
{
    /// <summary>It was offered a snapshot and is not level yet; the log that it needs is kept.</summary>
    public bool IsCatchingUp { get; init; }

    /// <summary>The owner's time at which it last answered anything in this term; null: never.</summary>
    public long? HeardMicros { get; init; }

    /// <summary>The way to it and back, in microseconds of the owner's time, smoothed; null: not measured in this term.</summary>
    public long? RoundTripMicros { get; init; }
}
