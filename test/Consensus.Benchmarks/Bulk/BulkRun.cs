using System.Globalization;
using Consensus.Benchmarks.Clusters;

namespace Consensus.Benchmarks.Bulk;

/// <summary>
/// Locks that are held and renewed beside clients that put values of 1 MB as fast as they are let, and, if it is asked for, beside others that put small ones: how long renewals take,
/// and whether a hold is lost. Of the locks half have a TTL of 1 s, half of 3 s.
/// </summary>
internal sealed class BulkRun(BenchOptions options, ClusterFactory factory)
{
    private const int LargeBytes = 1_000_000;
    private static readonly TimeSpan[] Ttls = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3)];
    private static readonly TimeSpan Rehearsal = TimeSpan.FromSeconds(3);

    public List<BulkSample> Run() => [.. Enumerable.Range(1, options.Rounds).Select(Measure)];

    private BulkSample Measure(int round)
    {
        using var cluster = factory.Create("consensus");
        cluster.Start();
        var holders = Ttls.Select(ttl => new Holders(cluster, options.Holders / Ttls.Length, ttl)).ToList();
        holders.ForEach(one => one.Start());
        Thread.Sleep(Rehearsal);
        List<Flood> floods = [new Flood(cluster, options.Clients[0], LargeBytes, "bulk")];
        if (options.SmallClients > 0)
        {
            floods.Add(new Flood(cluster, options.SmallClients, options.ValueBytes, "small"));
        }

        var before = Enumerable.Range(0, cluster.Size).Select(member => new MemberMetrics(cluster, member)).ToList();
        holders.ForEach(one => one.Measure());
        floods.ForEach(flood => flood.Start());
        Thread.Sleep(TimeSpan.FromSeconds(options.Seconds));
        var held = holders.ConvertAll(one => one.End());
        if (cluster.FindDeadMember() is { } dead)
        {
            throw new BenchException(dead);
        }

        var leader = cluster.WaitForLeader();
        var members = before.Select((metrics, member) => metrics.Until(new MemberMetrics(cluster, member), leads: member == leader)).ToList();
        floods.ForEach(flood => flood.End());
        var sample = new BulkSample(round, options.Seconds, held, floods.ConvertAll(flood => flood.Sample()), members, cluster.CountNewElections());
        Progress.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"  bulk {round,3}  renewals p99 {held.Max(one => one.P99Ms),8:0} ms  lost {held.Sum(one => one.Lost)}  bulk {BulkReport.ByStatus(sample.Floods[0])}"));
        return sample;
    }

    /// <summary>What a member said of itself at one moment.</summary>
    private sealed class MemberMetrics(LocalCluster cluster, int member)
    {
        private readonly double _full = Read(cluster, member, "dotnet_gc_collections_total{generation=\"2\"}");
        private readonly double _stopped = Read(cluster, member, "dotnet_gc_pause_seconds_total");
        private readonly double _longestStop = Read(cluster, member, "consensus_longest_stop_seconds");
        private readonly double _longestTurn = Read(cluster, member, "consensus_turn_longest_seconds");
        private readonly long _peak = cluster.MemoryOf(member).Peak;

        public MemberSample Until(MemberMetrics end, bool leads) => new(
            string.Create(CultureInfo.InvariantCulture, $"n{member + 1}"),
            leads,
            end._full - _full,
            (end._stopped - _stopped) * 1000,
            end._longestStop * 1000,
            end._longestTurn * 1000,
            end._peak);

        /// <summary>A server of an earlier version does not tell each of them.</summary>
        private static double Read(LocalCluster cluster, int member, string name) =>
            ControlClient.TryGetMetric($"http://{cluster.Hosts[member]}/metrics", name) ?? double.NaN;
    }
}
