using System.Globalization;
using System.Text;

namespace Consensus.Benchmarks.Streams;

/// <summary>Memory and latency with and without streams that nobody reads, as tables.</summary>
internal static class StreamsReport
{
    private const double MiB = 1 << 20;

    public static string Write(BenchOptions options, IReadOnlyList<StreamsSample> samples)
    {
        var memory = new Table(
            "streams", "round", "opened", "open at the end", "values MiB/s", "writes", "not done",
            "RSS MiB before", "after", "highest", "elections");
        var latency = new Table("request", "streams", "times", "failed", "p50 ms", "p99 ms", "longest ms");
        foreach (var sample in samples.OrderBy(sample => sample.Streams).ThenBy(sample => sample.Round))
        {
            memory.Add(
                Text(sample.Streams),
                Text(sample.Round),
                Text(sample.Opened),
                Text(sample.OpenAtEnd),
                Table.Number(sample.WrittenMiB / sample.Seconds),
                Table.Number(sample.Writes),
                Text(sample.NotDone),
                Table.Number(sample.Before.Resident / MiB),
                Table.Number(sample.After.Resident / MiB),
                Table.Number(sample.After.Peak / MiB),
                Text(sample.Elections));
        }

        foreach (var group in samples
            .SelectMany(sample => sample.Probes.Select(probe => (probe, sample.Streams)))
            .GroupBy(pair => (pair.probe.What, pair.Streams))
            .OrderBy(group => group.Key))
        {
            latency.Add(
                group.Key.What,
                Text(group.Key.Streams),
                Text(group.Sum(pair => pair.probe.Count)),
                Text(group.Sum(pair => pair.probe.Failed)),
                Table.Number(Statistics.Median(group.Select(pair => pair.probe.P50Ms))),
                Table.Number(Statistics.Median(group.Select(pair => pair.probe.P99Ms))),
                Table.Number(group.Max(pair => pair.probe.MaxMs)));
        }

        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"Members on loopback: {options.Nodes}; {options.Rounds} alternate rounds of {options.Seconds} s, each on a fresh cluster; ")
            .Append("everything at the leader, whose memory it is.\n\n");
        text.Append(memory).Append('\n');
        text.Append(
            CultureInfo.InvariantCulture,
            $"The highest RSS with the streams is {Table.Number(HighestAbove(samples))} MiB above that without (medians). ")
            .Append("Others, each counted from when it was due; medians of the rounds, and the longest of all.\n\n");
        return text.Append(latency).ToString();
    }

    /// <summary>In MiB.</summary>
    private static double HighestAbove(IReadOnlyList<StreamsSample> samples)
    {
        double Median(bool isWith) => Statistics.Median(
            samples.Where(sample => sample.Streams > 0 == isWith).Select(sample => sample.After.Peak / MiB));
        return Median(true) - Median(false);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
