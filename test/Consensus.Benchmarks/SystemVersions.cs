using System.Diagnostics;
using Consensus.Benchmarks.Clusters;

namespace Consensus.Benchmarks;

/// <summary>Which versions of the systems beside ours are measured, by their own word.</summary>
internal static class SystemVersions
{
    public static List<string> Of(BenchOptions options)
    {
        var versions = new List<string>();
        if (options.Systems.Contains("etcd"))
        {
            versions.Add($"etcd {Behind("etcd Version: ", options.Etcd, "--version")}");
        }

        if (options.Systems.Contains("zookeeper"))
        {
            var told = Behind("version ", "java", "-cp", options.ZooKeeper, "org.apache.zookeeper.version.VersionInfoMain");
            versions.Add($"ZooKeeper {told}");
        }

        if (options.Systems.Any(system => system is DotNextCluster.AsShipped or DotNextCluster.Flushed))
        {
            const string Library = "DotNext.Net.Cluster";
            var file = Path.Combine(Path.GetDirectoryName(options.DotNext) ?? "", Library + ".dll");
            versions.Add($"{Library} {FileVersionInfo.GetVersionInfo(file).ProductVersion?.Split('+')[0]}");
        }

        return versions;
    }

    /// <summary>The word that stands behind this text in what a program says.</summary>
    private static string Behind(string text, string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })
            ?? throw new BenchException($"{program} did not start");
        var told = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        var at = told.IndexOf(text, StringComparison.Ordinal);
        return at < 0 ? "of an unknown version" : told[(at + text.Length)..].Split([' ', '\n', ',', '-'], 2)[0];
    }
}
