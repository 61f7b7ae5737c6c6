using System.Globalization;
using Consensus.Benchmarks.Clusters;

namespace Consensus.Benchmarks.Watch;

/// <summary>In alternate rounds on fresh clusters: many watchers of one key, and puts one after another, each as soon as the last watcher was told of the one before.</summary>
internal sealed class WatchRun(BenchOptions options, ClusterFactory factory)
{
    private const int WarmUps = 100;
    private const int Puts = 300;

    public List<WatchSample> Run() =>
        [.. Enumerable.Range(1, options.Rounds).SelectMany(_ => options.Systems, (round, system) => Measure(system, round))];

    public static string Report(IReadOnlyList<WatchSample> samples)
    {
        var table = new Table("system", "watchers", "ms to open all", "p50 ms to the last", "p99 ms", "max ms", "CPU us/event");
        foreach (var group in samples.GroupBy(sample => (sample.System, sample.Watchers)))
        {
            string Median(Func<WatchSample, double> value) => Table.Number(Statistics.Median(group.Select(value)));
            table.Add(
                group.Key.System,
                group.Key.Watchers.ToString(CultureInfo.InvariantCulture),
                Median(sample => sample.OpeningMs),
                Median(sample => sample.P50Ms),
                Median(sample => sample.P99Ms),
                Median(sample => sample.MaxMs),
                Median(sample => sample.CpuMicrosecondsPerEvent));
        }

        return table.ToString();
    }

    private WatchSample Measure(string system, int round)
    {
        using var cluster = factory.Create(system);
        cluster.Start();
        using var watchers = new WatchFanOut(cluster, options.Watchers);
        for (var put = 0; put < WarmUps; put++)
        {
            watchers.PutAndWait();
        }

        var cpuBefore = cluster.CpuTime();
        var times = Enumerable.Range(0, Puts).Select(_ => watchers.PutAndWait()).ToList();
        var cpu = cluster.CpuTime() - cpuBefore;
        var sample = new WatchSample(
            system,
            round,
            options.Watchers,
            Puts,
            watchers.Opening.TotalMilliseconds,
            Statistics.Median(times),
            Statistics.Percentile(times, 99),
            times.Max(),
            cpu.TotalMicroseconds / ((double)Puts * options.Watchers));
        Progress.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"  watch {round,3}  {system,-9}  p50 {sample.P50Ms,8:0.00} ms  p99 {sample.P99Ms,8:0.00} ms  {sample.CpuMicrosecondsPerEvent,7:0.0} cpu us/event"));
        return sample;
    }
}
