using System.Reflection;
using Consensus.Benchmarks.Clusters;

namespace Consensus.Benchmarks.Tests.Support;

/// <summary>A single member as it was built beside the tests, in a directory that goes with it.</summary>
internal sealed class SmallCluster : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("consensus-bench-");

    /// <param name="arguments">As on the command line.</param>
    public SmallCluster(params string[] arguments)
    {
        var server = typeof(SmallCluster).Assembly
            .GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(one => one.Key == "ServerDirectory");
        Options = BenchOptions.Parse([.. arguments, "--nodes", "1", "--server", System.IO.Path.Combine(server.Value!, "consensusd")]);
        Factory = new ClusterFactory(Options, Path);
        Cluster = Factory.Create("consensus");
        Cluster.Start();
    }

    public BenchOptions Options { get; }

    public ClusterFactory Factory { get; }

    public LocalCluster Cluster { get; }

    public string Path => _directory.FullName;

    public void Dispose()
    {
        Cluster.Dispose();
        _directory.Delete(recursive: true);
    }
}
