using System.Globalization;

namespace Consensus.Benchmarks.Clusters;

/// <summary>Makes clusters in directories of their own under the run's directory.</summary>
internal sealed class ClusterFactory(BenchOptions options, string runDirectory)
{
    /// <summary>What can be measured, as the options name it.</summary>
    public static readonly IReadOnlyList<string> Systems =
    [
        "consensus", SecureConsensusCluster.SystemName, JudgingConsensusCluster.SystemName, Before,
        "etcd", "zookeeper", DotNextCluster.AsShipped, DotNextCluster.Flushed,
    ];

    /// <summary>An earlier build of ours, beside the present one.</summary>
    public const string Before = "consensus-before";

    private int _made;

    public LocalCluster Create(string system)
    {
        var directory = Path.Combine(runDirectory, string.Create(CultureInfo.InvariantCulture, $"{system}-{++_made}"));
        return system switch
        {
            "etcd" => new EtcdCluster(Path.GetFullPath(options.Etcd), directory, options.Nodes),
            "consensus" => new ConsensusCluster(Path.GetFullPath(options.Server), directory, options.Nodes)
            {
                Environment = MemberEnvironment,
            },
            Before => new ConsensusCluster(Path.GetFullPath(options.Before), directory, options.Nodes, Before)
            {
                Environment = MemberEnvironment,
            },
            JudgingConsensusCluster.SystemName => new JudgingConsensusCluster(Path.GetFullPath(options.Server), directory, options.Nodes)
            {
                Environment = MemberEnvironment,
            },
            SecureConsensusCluster.SystemName => new SecureConsensusCluster(Path.GetFullPath(options.Server), directory, options.Nodes)
            {
                Environment = MemberEnvironment,
            },
            "zookeeper" => new ZooKeeperCluster(Path.GetFullPath(options.ZooKeeper), directory, options.Nodes),
            _ => new DotNextCluster(Path.GetFullPath(options.DotNext), directory, options.Nodes, system),
        };
    }

    /// <summary>Ours, and not as it is by default.</summary>
    public static bool IsForLoad(string system) =>
        system is SecureConsensusCluster.SystemName or JudgingConsensusCluster.SystemName or Before;

    /// <summary>Of ours, whose members take snapshots when there are many bytes of log, however many entries that is.</summary>
    public LocalCluster CreateWithSnapshotsByBytes() => new ConsensusCluster(
        Path.GetFullPath(options.Server), Path.Combine(runDirectory, string.Create(CultureInfo.InvariantCulture, $"consensus-{++_made}")), options.Nodes)
    {
        MoreArguments = ["--snapshot-entries", "100000000"],
        Environment = MemberEnvironment,
    };

    /// <summary>The heap's limit as the runtime takes it: bytes, in hexadecimal.</summary>
    private Dictionary<string, string> MemberEnvironment => options.HeapMiB == 0
        ? []
        : new() { ["DOTNET_GCHeapHardLimit"] = ((long)options.HeapMiB << 20).ToString("x", CultureInfo.InvariantCulture) };
}
