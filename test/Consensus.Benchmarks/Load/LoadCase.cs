using System.Globalization;

namespace Consensus.Benchmarks.Load;

/// <summary>What was the same in all rounds of a measurement, for every system. Tables name members and value sizes only where they differ from row to row.</summary>
internal readonly record struct LoadCase(string Workload, int Clients, int Nodes, int ValueBytes)
{
    public static bool HasVariants(IEnumerable<Measurement> measurements) =>
        measurements.Select(measurement => (measurement.Nodes, measurement.ValueBytes)).Distinct().Count() > 1;

    public static string[] Headings(bool variants) => variants ? ["workload", "clients", "members", "value bytes"] : ["workload", "clients"];

    /// <summary>The cells below <see cref="Headings"/>; <paramref name="mark"/> follows the workload's name.</summary>
    public string[] Cells(bool variants, string mark = "")
    {
        var clients = Clients.ToString(CultureInfo.InvariantCulture);
        return variants
            ? [Workload + mark, clients, Nodes.ToString(CultureInfo.InvariantCulture), ValueBytes.ToString(CultureInfo.InvariantCulture)]
            : [Workload + mark, clients];
    }
}
