using Consensus.Benchmarks.Clusters;

namespace Consensus.Benchmarks.Scale;

/// <summary>Each part fills a fresh three-member cluster with one kind of thing, far beyond what a benchmark of speed needs, and looks how it bears it.</summary>
internal sealed class ScaleRun(BenchOptions options, ClusterFactory factory)
{
    public static readonly IReadOnlyList<string> Parts = ["leases", "watchers", "waiters", "keys", "turns"];

    public List<ScaleFinding> Run()
    {
        var findings = new List<ScaleFinding>();
        foreach (var part in options.Parts)
        {
            Progress.Say($"{part}: starting a cluster");
            using var cluster = factory.Create("consensus");
            cluster.Start();
            findings.AddRange(part switch
            {
                "leases" => new LeaseScale(cluster, Scaled(1_000_000)).Run(),
                "watchers" => new WatcherScale(cluster, Scaled(10_000)).Run(),
                "waiters" => new WaiterScale(cluster, Scaled(10_000)).Run(),
                "keys" => new KeyScale(cluster, Scaled(1_000_000)).Run(),
                "turns" => new TurnScale(cluster, Scaled(1_000_000)).Run(),
                _ => throw new ArgumentOutOfRangeException(nameof(options), part),
            });
            if (cluster.FindDeadMember() is { } dead)
            {
                throw new BenchException(dead);
            }
        }

        return findings;
    }

    public static string Report(IReadOnlyList<ScaleFinding> findings)
    {
        var table = new Table("part", "what", "measured", "goal");
        foreach (var finding in findings)
        {
            table.Add(finding.Part, finding.What, Table.Number(finding.Value), finding.Goal);
        }

        return table.ToString();
    }

    private int Scaled(int whole) => Math.Max(10, (int)(whole * options.Size));
}
