using System.Globalization;
using Consensus.Benchmarks.Clusters;

namespace Consensus.Benchmarks.Failover;

/// <summary>Ends leaders, of each system and in each way in turn, and puts each back before the next is ended.</summary>
internal sealed class FailoverRun(BenchOptions options, ClusterFactory factory)
{
    // Long enough for a restarted member of either system to be followed by heartbeats and to have caught up.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1.5);

    public List<FailoverSample> Run()
    {
        var samples = new List<FailoverSample>();
        var clusters = new List<LocalCluster>();
        try
        {
            foreach (var system in options.Systems)
            {
                Progress.Say($"starting {system}");
                var cluster = factory.Create(system);
                clusters.Add(cluster);
                cluster.Start();
            }

            for (var kill = 1; kill <= options.Kills; kill++)
            {
                foreach (var (way, cluster) in options.Ways.SelectMany(_ => clusters, (way, cluster) => (way, cluster)))
                {
                    Thread.Sleep(Settling);
                    samples.Add(EndLeader(cluster, way, kill));
                }
            }
        }
        finally
        {
            clusters.ForEach(cluster => cluster.Dispose());
        }

        return samples;
    }

    public static string Report(IReadOnlyList<FailoverSample> samples)
    {
        var table = new Table("leader's end", "system", "times", "median ms", "p95 ms", "min ms", "max ms", "elections each", "false elections", "no write in 30 s");
        foreach (var group in samples.GroupBy(sample => (sample.Way, sample.System)).OrderBy(group => group.Key.Way, StringComparer.Ordinal))
        {
            var times = group.Select(sample => sample.Milliseconds).OfType<double>().ToList();
            table.Add(
                group.Key.Way,
                group.Key.System,
                group.Count().ToString(CultureInfo.InvariantCulture),
                Table.Number(Statistics.Median(times)),
                Table.Number(Statistics.Percentile(times, 95)),
                Table.Number(Statistics.Percentile(times, 0)),
                Table.Number(Statistics.Percentile(times, 100)),
                Table.Number(group.Average(sample => sample.Elections)),
                group.Sum(sample => sample.FalseElections).ToString(CultureInfo.InvariantCulture),
                group.Count(sample => sample.Milliseconds is null).ToString(CultureInfo.InvariantCulture));
        }

        return table.ToString();
    }

    private static FailoverSample EndLeader(LocalCluster cluster, LeaderEnd way, int round)
    {
        var leader = cluster.WaitForLeader();
        var falseElections = cluster.CountNewElections();
        TimeSpan? outage;
        using (var probe = new FailoverProbe(
            way,
            cluster.Scripts,
            Enumerable.Range(0, cluster.Size)
                .Where(member => member != leader)
                .Select(member => (cluster.Endpoints[member], cluster.Hosts[member])),
            cluster.Tls))
        {
            outage = probe.Run(() => End(cluster, way, leader), () => cluster.IsGone(leader));
        }

        var elections = cluster.CountNewElections();
        if (outage is not null && elections == 0)
        {
            throw new BenchException($"{cluster.Name}: member n{leader + 1} was ended as the leader, yet the term did not change");
        }

        cluster.StartMember(leader);
        cluster.WaitUntilAllServe();
        var sample = new FailoverSample(cluster.Name, LeaderEndNames.NameOf(way), round, outage?.TotalMilliseconds, elections, falseElections);
        Progress.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"  {sample.Way} {round,3}  {sample.System,-9} {sample.Milliseconds,8:0.0} ms  {sample.Elections} elections"));
        return sample;
    }

    private static void End(LocalCluster cluster, LeaderEnd way, int leader)
    {
        if (way == LeaderEnd.Stop)
        {
            cluster.StopMember(leader);
        }
        else
        {
            cluster.KillMember(leader);
        }
    }
}
