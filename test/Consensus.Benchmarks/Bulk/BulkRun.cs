using System.Globalization;
using Consensus.Benchmarks.Clusters;

namespace Consensus.Benchmarks.Bulk;

/// <summary>
/// Locks that are held and renewed beside clients that put values of 1 MB as fast as they are let: how long renewals take, and whether a hold is lost. Of the locks half have a TTL
/// of 1 s, half of 3 s.
/// </summary>
internal sealed class BulkRun(BenchOptions options, ClusterFactory factory)
{
    private const int HoldersOfEach = 30;
    private static readonly TimeSpan[] Ttls = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3)];
    private static readonly TimeSpan Rehearsal = TimeSpan.FromSeconds(3);

    public List<BulkSample> Run() => [.. Enumerable.Range(1, options.Rounds).Select(Measure)];

    public static string Report(IReadOnlyList<BulkSample> samples)
    {
        var table = new Table(
            "round", "TTL s", "holders", "renewals", "p50 ms", "p99 ms", "max ms", "lost", "late", "not done", "bulk clients", "bulk by status", "bulk MB/s", "bulk p50 ms", "bulk max ms", "refused max ms", "RSS MiB", "elections");
        foreach (var sample in samples)
        {
            foreach (var holders in sample.Holders)
            {
                table.Add(
                    Text(sample.Round),
                    Table.Number(holders.TtlMs / 1000.0),
                    Text(holders.Holders),
                    Table.Number(holders.Renewals),
                    Table.Number(holders.P50Ms),
                    Table.Number(holders.P99Ms),
                    Table.Number(holders.MaxMs),
                    Text(holders.Lost),
                    Text(holders.Late),
                    Text(holders.NotDone),
                    Text(sample.BulkClients),
                    string.Join(' ', sample.BulkByStatus.Select(pair => $"{pair.Key}:{pair.Value}")),
                    Table.Number(sample.BulkByStatus.GetValueOrDefault(200) / sample.Seconds),
                    Table.Number(sample.BulkP50Ms),
                    Table.Number(sample.BulkMaxMs),
                    Table.Number(sample.LongestRefusedMs),
                    Table.Number(sample.LargestResidentBytes / (1024.0 * 1024)),
                    Text(sample.Elections));
            }
        }

        return table.ToString();
    }

    private BulkSample Measure(int round)
    {
        using var cluster = factory.Create("consensus");
        cluster.Start();
        var holders = Ttls.Select(ttl => new Holders(cluster, HoldersOfEach, ttl)).ToList();
        holders.ForEach(one => one.Start());
        Thread.Sleep(Rehearsal);
        holders.ForEach(one => one.Measure());
        var flood = new Flood(cluster, options.Clients[0]);
        flood.Start();
        Thread.Sleep(TimeSpan.FromSeconds(options.Seconds));
        var held = holders.ConvertAll(one => one.End());
        var resident = cluster.LargestResidentBytes();
        flood.End();
        if (cluster.FindDeadMember() is { } dead)
        {
            throw new BenchException(dead);
        }

        var sample = new BulkSample(
            round,
            options.Seconds,
            options.Clients[0],
            held,
            flood.ByStatus,
            Statistics.Median(flood.Times),
            flood.Times.DefaultIfEmpty(double.NaN).Max(),
            flood.LongestRefusedMs,
            resident,
            cluster.CountNewElections());
        Progress.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"  bulk {round,3}  renewals p99 {held.Max(one => one.P99Ms),8:0} ms  lost {held.Sum(one => one.Lost)}  bulk {string.Join(' ', sample.BulkByStatus.Select(pair => $"{pair.Key}:{pair.Value}"))}"));
        return sample;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
