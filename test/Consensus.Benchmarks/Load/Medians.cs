namespace Consensus.Benchmarks.Load;

/// <summary>One system's medians over the rounds of one workload with one number of clients. Not a number where nothing was measured.</summary>
internal sealed record Medians(
    double OperationsPerSecond,
    double P50Ms,
    double P99Ms,
    double P999Ms,
    double SentP99Ms,
    double CpuMicroseconds,
    double ResidentMiB,
    double GeneratorMicroseconds,
    double DiskBytes,
    double Flushes,
    double AllocatedBytes,
    double PausedShare,
    bool HasErrors)
{
    public static Medians Of(IEnumerable<Measurement> group, string system)
    {
        var own = group.Where(measurement => measurement.System == system).ToList();
        double Median(Func<Measurement, double?> value) => Statistics.Median(own.Select(value).OfType<double>());
        return new Medians(
            Median(measurement => measurement.OperationsPerSecond),
            Median(measurement => measurement.P50Ms),
            Median(measurement => measurement.P99Ms),
            Median(measurement => measurement.P999Ms),
            Median(measurement => measurement.SentP99Ms),
            Median(measurement => measurement.CpuMicrosecondsPerOperation),
            Median(measurement => measurement.ResidentMiB),
            Median(measurement => measurement.GeneratorCpuMicrosecondsPerOperation),
            Median(measurement => measurement.DiskBytesPerOperation),
            Median(measurement => measurement.FlushesPerOperation),
            Median(measurement => measurement.AllocatedBytesPerOperation),
            Median(measurement => measurement.PausedShare),
            own.Any(measurement => measurement.Errors > 0));
    }
}
