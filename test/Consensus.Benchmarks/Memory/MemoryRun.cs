using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Load;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Memory;

/// <summary>Many puts over fewer keys on a fresh cluster of each system, one system after the other, and what its members then hold in memory.</summary>
internal sealed class MemoryRun(BenchOptions options, ClusterFactory factory)
{
    private const int Clients = 256;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);

    public List<MemorySample> Run()
    {
        KeySpace.UseKeys(options.Keys);
        return [.. options.Systems.Select(Measure)];
    }

    public static string Report(IReadOnlyList<MemorySample> samples)
    {
        var table = new Table(
            "RSS MiB of a member", "puts", "keys", "puts/s", "fresh", "after the last put", "settled: mean", "largest", "without files", "peak", "bytes per key");
        foreach (var sample in samples)
        {
            var settled = sample.Settled.Average(member => member.Resident);
            table.Add(
                sample.System,
                Table.Number(sample.Puts),
                Table.Number(sample.Keys),
                Table.Number(sample.PutsPerSecond),
                MiB(sample.Fresh.Average(member => member.Resident)),
                MiB(sample.AtEnd.Average(member => member.Resident)),
                MiB(settled),
                MiB(sample.Settled.Max(member => member.Resident)),
                MiB(sample.Settled.Average(member => member.Anonymous)),
                MiB(sample.Settled.Max(member => member.Peak)),
                Table.Number((settled - sample.Fresh.Average(member => member.Resident)) / sample.Keys));
        }

        return table.ToString();
    }

    private MemorySample Measure(string system)
    {
        using var cluster = factory.Create(system);
        Progress.Say(string.Create(CultureInfo.InvariantCulture, $"{system}: {options.Puts} puts over {options.Keys} keys"));
        cluster.Start();
        var fresh = cluster.Memory();
        var result = Measurer.Fill(cluster, options.Puts, Clients, Limit);
        var atEnd = cluster.Memory();
        Thread.Sleep(Settling);
        var settled = cluster.Memory();
        if (cluster.FindDeadMember() is { } dead)
        {
            throw new BenchException(dead);
        }

        return new MemorySample(system, options.Puts, options.Keys, result.Operations / result.Window.TotalSeconds, fresh, atEnd, settled);
    }

    private static string MiB(double bytes) => Table.Number(bytes / (1024 * 1024));
}
