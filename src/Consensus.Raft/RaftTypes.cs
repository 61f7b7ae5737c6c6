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

/// <summary>How the leader sees one follower. The words are those of etcd's raft.</summary>
public enum ProgressState
{
    Probe,
    Replicate,
    Snapshot,
}

/// <param name="RecentlyActive">Heard of within the last election timeout.</param>
public readonly record struct ProgressStatus(MemberId Member, LogIndex Match, LogIndex Next, ProgressState State, bool RecentlyActive);
