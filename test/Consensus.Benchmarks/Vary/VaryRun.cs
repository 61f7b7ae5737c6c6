using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Load;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Vary;

/// <summary>A base, and from it one thing at a time that is different: clients, members, the size of values. Each setting has fresh clusters of its own.</summary>
internal sealed class VaryRun(BenchOptions options, string runDirectory)
{
    private const int ManyClients = 1024;

    public List<Measurement> Run()
    {
        var measurements = new List<Measurement>();
        foreach (var setting in Settings(options))
        {
            Progress.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"{setting.Nodes} members, {setting.ValueBytes}-byte values, {string.Join(" and ", setting.Clients)} clients"));
            KeySpace.UseValuesOf(setting.ValueBytes);
            measurements.AddRange(new LoadRun(setting, new ClusterFactory(setting, runDirectory)).Run());
        }

        return measurements;
    }

    /// <summary>The first is the base, which many clients share the clusters of.</summary>
    public static IEnumerable<BenchOptions> Settings(BenchOptions given)
    {
        yield return given.Varied(given.Nodes, given.ValueBytes, [.. given.Clients.Append(ManyClients).Distinct()]);
        foreach (var nodes in new[] { 1, 5 }.Where(nodes => nodes != given.Nodes))
        {
            yield return given.Varied(nodes, given.ValueBytes, given.Clients);
        }

        foreach (var bytes in new[] { 64, 4096, 65536 }.Where(bytes => bytes != given.ValueBytes))
        {
            yield return given.Varied(given.Nodes, bytes, given.Clients);
        }
    }
}
