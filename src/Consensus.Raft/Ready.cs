using Consensus.Primitives;
using Consensus.Raft.Log;

namespace Consensus.Raft;

/// <summary>A finished read-index round: reads registered under <paramref name="Context"/> may run once <paramref name="Index"/> is applied.</summary>
/// <param name="Refused">The leader was lost or unknown; the reads were not answered and may be asked again.</param>
public readonly record struct ReadState(long Context, LogIndex Index, bool Refused);

/// <summary>
/// What one turn of the core asks of its owner. Order that the owner must keep: <see cref="Messages"/> may leave at once;
/// <see cref="Snapshot"/>, <see cref="HardState"/> and <see cref="Entries"/> are made durable together, batches in order of
/// <see cref="Sequence"/>; then <see cref="MessagesAfterPersist"/> may leave and <see cref="RaftNode.Persisted"/> is told. Several
/// may be on their way to disk at once. <see cref="Committed"/> is durable here already and may be applied at once.
/// </summary>
public sealed class Ready
{
    /// <summary>Rises by one with each Ready that <see cref="MustPersist"/>; 0 for one that has nothing to persist.</summary>
    public required long Sequence { get; init; }

    /// <summary>Set when the term or the vote changed.</summary>
    public HardState? HardState { get; init; }

    /// <summary>Entries to write. When the first one's index is not above the last written one, it replaces that suffix.</summary>
    public IReadOnlyList<Entry> Entries { get; init; } = [];

    /// <summary>A snapshot received from the leader that replaces the whole log: state is restored from it before <see cref="Committed"/> is applied.</summary>
    public SnapshotMark? Snapshot { get; init; }

    /// <summary>A leader's append entries and heartbeats, and whatever depends on nothing that is not yet durable (rule 5).</summary>
    public IReadOnlyList<Message> Messages { get; init; } = [];

    /// <summary>
    /// Votes, vote requests, append acknowledgements: they leave after this Ready and every earlier one is durable. When nothing
    /// is to be persisted and nothing earlier is outstanding that is at once.
    /// </summary>
    public IReadOnlyList<Message> MessagesAfterPersist { get; init; } = [];

    /// <summary>Committed entries that are durable here, each exactly once and in order.</summary>
    public IReadOnlyList<Entry> Committed { get; init; } = [];

    public IReadOnlyList<ReadState> Reads { get; init; } = [];

    /// <summary>What is known to be committed with everything up to this Ready in the log; may be made durable with it, and spares a start the wait for a leader's word.</summary>
    public LogIndex CommitIndex { get; init; }

    public bool MustPersist => HardState is not null || Entries.Count > 0 || Snapshot is not null;
}
