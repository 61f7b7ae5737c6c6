using System.Globalization;
using Consensus.Benchmarks.Clusters;

namespace Consensus.Benchmarks.Load;

/// <summary>
/// All rounds: in each, fresh clusters of every system stand beside each other and take turns with each workload and number of clients,
/// in the opposite order every other round, so that what the machine does meanwhile falls on both alike.
/// </summary>
internal sealed class LoadRun(BenchOptions options, ClusterFactory factory)
{
    private readonly TimeSpan _window = TimeSpan.FromSeconds(options.Seconds);
    private readonly TimeSpan _warmUp = TimeSpan.FromSeconds(Math.Min(1, options.Seconds / 2));

    public List<Measurement> Run()
    {
        var measurements = new List<Measurement>();
        for (var round = 1; round <= options.Rounds; round++)
        {
            RunRound(round, measurements);
        }

        return measurements;
    }

    private void RunRound(int round, List<Measurement> measurements)
    {
        var clusters = new List<LocalCluster>();
        try
        {
            Progress.Say($"round {round} of {options.Rounds}: starting clusters");
            foreach (var system in options.Systems)
            {
                var cluster = factory.Create(system);
                clusters.Add(cluster);
                cluster.Start();
                Measurer.Fill(cluster);
                Measurer.Rehearse(cluster, options.Workloads);
            }

            if (round % 2 == 0)
            {
                clusters.Reverse();
            }

            foreach (var workload in options.Workloads)
            {
                foreach (var clients in options.Clients)
                {
                    foreach (var cluster in clusters)
                    {
                        var measurement = Measurer.Measure(cluster, workload, clients, round, _warmUp, _window);
                        measurements.Add(measurement);
                        Progress.Say(Line(measurement, options.Systems.Any(ClusterFactory.IsForLoad)));
                    }
                }
            }
        }
        finally
        {
            clusters.ForEach(cluster => cluster.Dispose());
        }
    }

    /// <summary>One measurement in one line, for who watches the run.</summary>
    /// <param name="wide">Systems have longer names.</param>
    public static string Line(Measurement measurement, bool wide = false)
    {
        var trouble = measurement.Errors > 0 ? $"  {measurement.Errors} ERRORS: {measurement.FirstError}" : string.Empty;
        var elections = measurement.Elections > 0 ? $"  {measurement.Elections} FALSE ELECTIONS" : string.Empty;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"  {measurement.Workload,-9} {measurement.Clients,4} clients  {measurement.System.PadRight(wide ? 13 : 9)}"
            + $" {measurement.OperationsPerSecond,9:0.0} ops/s"
            + $"  p50 {measurement.P50Ms,8:0.00} ms  p99 {measurement.P99Ms,8:0.00} ms"
            + $"  {measurement.CpuMicrosecondsPerOperation ?? 0,7:0} cpu us/op{elections}{trouble}");
    }
}
