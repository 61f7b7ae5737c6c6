using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Load;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Saturation;

/// <summary>
/// One cluster of each system, one after the other, under as much load as its members bear, for minutes: does it keep its leader, and does an operation fail? Each minute is a measurement
/// of its own (its round), so that the raw results show whether anything grows.
/// </summary>
internal sealed class SaturationRun(BenchOptions options, ClusterFactory factory)
{
    private static readonly TimeSpan Slice = TimeSpan.FromMinutes(1);

    public List<Measurement> Run() => [.. options.Systems.SelectMany(Saturate)];

    /// <summary>The sums that decide; the medians of the minutes stand in the usual tables.</summary>
    public static string Report(IReadOnlyList<Measurement> measurements)
    {
        var text = new StringBuilder();
        foreach (var system in measurements.GroupBy(measurement => measurement.System))
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{system.Key}: {system.Sum(one => one.Seconds):0} s, {system.Max(one => one.Clients)} clients: {system.Sum(one => one.Operations):#,##0} operations, "
                + $"{system.Sum(one => one.Errors)} failed, {system.Sum(one => one.Elections)} elections, longest operation {system.Max(one => one.MaxMs):0} ms\n");
        }

        return text.ToString();
    }

    private IEnumerable<Measurement> Saturate(string system)
    {
        using var cluster = factory.Create(system);
        Progress.Say($"{system}: starting a cluster");
        cluster.Start();
        Measurer.Fill(cluster);
        Measurer.Rehearse(cluster, [Workload.Blend]);
        var left = TimeSpan.FromMinutes(options.Minutes);
        for (var minute = 1; left > TimeSpan.Zero; minute++)
        {
            var window = left < Slice ? left : Slice;
            var measurement = Measurer.Measure(cluster, Workload.Blend, options.Clients[0], minute, TimeSpan.Zero, window);
            Progress.Say(LoadRun.Line(measurement));
            yield return measurement;
            left -= window;
        }
    }
}
