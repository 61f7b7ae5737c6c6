using System.Globalization;

namespace Consensus.Benchmarks.Bulk;

/// <summary>What rounds of <see cref="BulkRun"/> found, as three tables: the renewals, the floods, the members.</summary>
internal static class BulkReport
{
    private const int TooManyRequests = 429;

    public static string Write(IReadOnlyList<BulkSample> samples) => string.Join('\n', Renewals(samples), Floods(samples), Members(samples));

    public static string ByStatus(FloodSample flood) => string.Join(' ', flood.ByStatus.Select(pair => $"{pair.Key}:{pair.Value}"));

    private static string Renewals(IReadOnlyList<BulkSample> samples)
    {
        var table = new Table("round", "TTL s", "holders", "renewals", "p50 ms", "p99 ms", "max ms", "lost", "late", "not done", "elections");
        foreach (var (sample, holders) in samples.SelectMany(sample => sample.Holders.Select(holders => (sample, holders))))
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
                Text(sample.Elections));
        }

        return table.ToString();
    }

    private static string Floods(IReadOnlyList<BulkSample> samples)
    {
        var table = new Table("round", "value bytes", "clients", "done/s", "MB/s", "p50 ms", "max ms", "429", "refused max ms", "by status");
        foreach (var (sample, flood) in samples.SelectMany(sample => sample.Floods.Select(flood => (sample, flood))))
        {
            var done = flood.ByStatus.GetValueOrDefault(200) / sample.Seconds;
            table.Add(
                Text(sample.Round),
                Text(flood.ValueBytes),
                Text(flood.Clients),
                Table.Number(done),
                Table.Number(done * flood.ValueBytes / 1e6),
                Table.Number(flood.P50Ms),
                Table.Number(flood.MaxMs),
                Text(flood.ByStatus.GetValueOrDefault(TooManyRequests)),
                Table.Number(flood.LongestRefusedMs),
                ByStatus(flood));
        }

        return table.ToString();
    }

    private static string Members(IReadOnlyList<BulkSample> samples)
    {
        var table = new Table("round", "member", "role", "gen2", "stopped ms", "longest stop ms", "longest turn ms", "peak RSS MiB");
        foreach (var (sample, member) in samples.SelectMany(sample => sample.Members.Select(member => (sample, member))))
        {
            table.Add(
                Text(sample.Round),
                member.Name,
                member.Leads ? "leader" : "follower",
                Table.Number(member.FullCollections),
                Table.Number(member.StoppedMs),
                Table.Number(member.LongestStopMs),
                Table.Number(member.LongestTurnMs),
                Table.Number(member.PeakBytes / (1024.0 * 1024)));
        }

        return table.ToString();
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
