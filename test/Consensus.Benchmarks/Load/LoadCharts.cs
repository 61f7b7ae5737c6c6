namespace Consensus.Benchmarks.Load;

/// <summary>The medians as pictures: each system's bar for each workload and number of clients.</summary>
internal static class LoadCharts
{
    public static void Write(string directory, IReadOnlyList<Measurement> measurements, IReadOnlyList<string> systems)
    {
        Directory.CreateDirectory(directory);
        Write(directory, "rate.svg", "Operations a second (logarithmic)", measurements, systems, medians => medians.OperationsPerSecond);
        Write(directory, "p99.svg", "p99 in milliseconds (logarithmic)", measurements, systems, medians => medians.P99Ms);
        Write(directory, "cpu.svg", "CPU microseconds per operation, all members (logarithmic)", measurements, systems, medians => medians.CpuMicroseconds);
    }

    private static void Write(
        string directory,
        string name,
        string title,
        IReadOnlyList<Measurement> measurements,
        IReadOnlyList<string> systems,
        Func<Medians, double> value)
    {
        var groups = measurements
            .GroupBy(measurement => (measurement.Workload, measurement.Clients))
            .Select(group => new BarGroup(
                group.Key.Workload,
                group.Key.Clients.ToString(System.Globalization.CultureInfo.InvariantCulture),
                [.. systems.Select(system => value(Medians.Of(group, system)))]))
            .ToList();
        File.WriteAllText(Path.Combine(directory, name), BarChart.Draw(title, systems, groups));
    }
}
