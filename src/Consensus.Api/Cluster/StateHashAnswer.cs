namespace Consensus.Api.Cluster;

/// <summary>One member's hash of its state after everything up to a log index. Members are in the same state exactly when their hashes at one index are equal.</summary>
/// <param name="OldestIndex">The oldest index whose hash this member still knows.</param>
/// <param name="AppliedIndex">The newest.</param>
public sealed record StateHashAnswer(string Name, long Index, string StateHash, long OldestIndex, long AppliedIndex);
