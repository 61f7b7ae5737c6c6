using Consensus.Primitives;

namespace Consensus.Raft;

/// <summary>What must be durable before any reply that depends on it: the term and the vote cast in it. Raft figure 2.</summary>
public readonly record struct HardState(Term Term, MemberId VotedFor);

/// <summary>Names a snapshot: the last entry that it contains, and the configuration in force there. Raft §7.</summary>
/// <param name="Stamp">The stamp of the last entry that it contains.</param>
public sealed record SnapshotMark(LogIndex LastIndex, Term LastTerm, ClusterTime Stamp, Configuration Configuration);
