namespace Consensus.Benchmarks.Failover;

/// <summary>One killed leader.</summary>
/// <param name="Milliseconds">From the kill to the next acknowledged write; null when there was none in 30 s.</param>
/// <param name="Elections">By how much the highest term had risen when the write was acknowledged; more than 1 is a split vote.</param>
/// <param name="FalseElections">By how much it had risen before the kill, since the one before, while the ended member came back.</param>
internal sealed record FailoverSample(string System, int Kill, double? Milliseconds, long Elections, long FalseElections);
