using System.Globalization;

namespace Consensus.Benchmarks.Clusters;

/// <summary>Makes clusters in directories of their own under the run's directory.</summary>
internal sealed class ClusterFactory(BenchOptions options, string runDirectory)
{
    private int _made;

    public LocalCluster Create(string system)
    {
        var directory = Path.Combine(runDirectory, string.Create(CultureInfo.InvariantCulture, $"{system}-{++_made}"));
        return system == "etcd"
            ? new EtcdCluster(Path.GetFullPath(options.Etcd), directory, options.Nodes)
            : new ConsensusCluster(Path.GetFullPath(options.Server), directory, options.Nodes);
    }
}
