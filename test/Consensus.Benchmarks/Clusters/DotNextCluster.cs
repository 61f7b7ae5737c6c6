namespace Consensus.Benchmarks.Clusters;

/// <summary>
/// Members of <c>dotnextd</c>: the API and the state of <c>consensusd</c> on DotNext.Net.Cluster, with the time-outs of <c>consensusd</c>.
/// </summary>
internal sealed class DotNextCluster(string program, string directory, int size, string system) : ConsensusCluster(program, directory, size)
{
    public const string AsShipped = "dotnext";

    /// <summary>Flushes before it acknowledges.</summary>
    public const string Flushed = "dotnext-flushed";

    public override string Name => system;

    /// <summary>The library counts bytes and entries of its flushes, and not how many they are.</summary>
    public override string FlushMetric => "dotnext_does_not_count_flushes";

    protected override IEnumerable<string> Arguments(int member, string dataDirectory) =>
        system == Flushed ? [.. base.Arguments(member, dataDirectory), "--flushed"] : base.Arguments(member, dataDirectory);
}
