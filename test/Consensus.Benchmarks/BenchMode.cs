namespace Consensus.Benchmarks;

/// <summary>What <c>scripts/bench</c> is asked to find out; the first argument names it, and none is <see cref="Load"/>.</summary>
internal enum BenchMode
{
    Load,
    Failover,
    Verify,
    Scale,
    Memory,
    Saturation,
    Vary,
    Watch,
    Bulk,
    Restart,
    Client,
    Streams,
}
