namespace Consensus.Benchmarks.Failover;

/// <summary>One ended leader.</summary>
/// <param name="Way">How it was ended, by its name on the command line.</param>
/// <param name="Milliseconds">What <see cref="Outage"/> says of it; null when there was no write in 30 s.</param>
/// <param name="Elections">By how much the highest term had risen when it was over; more than 1 is a split vote.</param>
/// <param name="FalseElections">By how much it had risen before, since the one before, while the ended member came back.</param>
internal sealed record FailoverSample(string System, string Way, int Round, double? Milliseconds, long Elections, long FalseElections);
