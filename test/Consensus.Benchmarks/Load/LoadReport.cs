using System.Globalization;
using System.Text;

namespace Consensus.Benchmarks.Load;

/// <summary>Medians over the rounds, one row for each workload and number of clients, and what spoils them.</summary>
internal static class LoadReport
{
    public static string Write(IReadOnlyList<Measurement> measurements, IReadOnlyList<string> systems)
    {
        var text = new StringBuilder(systems.Count switch
        {
            2 => Compare(measurements, systems[0], systems[1]),
            > 2 => Stack(measurements, systems),
            _ => List(measurements),
        });
        text.Append('\n');
        if (systems.Count > 0)
        {
            text.Append(CostReport.Write(measurements, systems)).Append('\n');
        }
        foreach (var system in systems)
        {
            var own = measurements.Where(measurement => measurement.System == system).ToList();
            text.Append(CultureInfo.InvariantCulture, $"false elections, {system}: {own.Sum(measurement => measurement.Elections)}");
            text.Append(CultureInfo.InvariantCulture, $" in {own.Sum(measurement => measurement.Seconds):0} s of load\n");
        }

        AppendErrors(text, measurements);
        return text.ToString();
    }

    private static string Compare(IReadOnlyList<Measurement> measurements, string ours, string theirs)
    {
        var variants = LoadCase.HasVariants(measurements);
        var table = new Table([
            .. LoadCase.Headings(variants),
            $"ops/s {ours}", theirs, "ratio",
            $"p50 ms {ours}", theirs,
            $"p99 ms {ours}", theirs, "ratio",
            $"CPU us/op {ours}", theirs, "ratio",
            $"RSS MiB {ours}", theirs, "ratio"]);
        foreach (var group in measurements.GroupBy(measurement => measurement.Case))
        {
            var left = Medians.Of(group, ours);
            var right = Medians.Of(group, theirs);
            table.Add([
                .. group.Key.Cells(variants, left.HasErrors || right.HasErrors ? " (!)" : string.Empty),
                Table.Number(left.OperationsPerSecond), Table.Number(right.OperationsPerSecond),
                Table.Number(left.OperationsPerSecond / right.OperationsPerSecond),
                Table.Number(left.P50Ms), Table.Number(right.P50Ms),
                Table.Number(left.P99Ms), Table.Number(right.P99Ms), Table.Number(left.P99Ms / right.P99Ms),
                Table.Number(left.CpuMicroseconds), Table.Number(right.CpuMicroseconds),
                Table.Number(left.CpuMicroseconds / right.CpuMicroseconds),
                Table.Number(left.ResidentMiB), Table.Number(right.ResidentMiB), Table.Number(left.ResidentMiB / right.ResidentMiB)]);
        }

        return table.ToString();
    }

    /// <summary>The systems below each other, the ratios each to the first: ours to theirs, as in <see cref="Compare"/>.</summary>
    private static string Stack(IReadOnlyList<Measurement> measurements, IReadOnlyList<string> systems)
    {
        var variants = LoadCase.HasVariants(measurements);
        var table = new Table([
            .. LoadCase.Headings(variants),
            "system", "ops/s", "ratio", "p50 ms", "p99 ms", "ratio", "CPU us/op", "ratio", "RSS MiB", "ratio"]);
        foreach (var group in measurements.GroupBy(measurement => measurement.Case))
        {
            var ours = Medians.Of(group, systems[0]);
            foreach (var system in systems)
            {
                var theirs = Medians.Of(group, system);
                table.Add([
                    .. group.Key.Cells(variants, theirs.HasErrors ? " (!)" : string.Empty),
                    system,
                    Table.Number(theirs.OperationsPerSecond), Table.Number(ours.OperationsPerSecond / theirs.OperationsPerSecond),
                    Table.Number(theirs.P50Ms),
                    Table.Number(theirs.P99Ms), Table.Number(ours.P99Ms / theirs.P99Ms),
                    Table.Number(theirs.CpuMicroseconds), Table.Number(ours.CpuMicroseconds / theirs.CpuMicroseconds),
                    Table.Number(theirs.ResidentMiB), Table.Number(ours.ResidentMiB / theirs.ResidentMiB)]);
            }
        }

        return table.ToString();
    }

    private static string List(IReadOnlyList<Measurement> measurements)
    {
        var variants = LoadCase.HasVariants(measurements);
        var table = new Table(["system", .. LoadCase.Headings(variants), "ops/s", "p50 ms", "p99 ms", "CPU us/op", "RSS MiB", "generator us/op"]);
        foreach (var group in measurements.GroupBy(measurement => (measurement.System, measurement.Case)))
        {
            var medians = Medians.Of(group, group.Key.System);
            table.Add([
                group.Key.System,
                .. group.Key.Case.Cells(variants, medians.HasErrors ? " (!)" : string.Empty),
                Table.Number(medians.OperationsPerSecond),
                Table.Number(medians.P50Ms),
                Table.Number(medians.P99Ms),
                Table.Number(medians.CpuMicroseconds),
                Table.Number(medians.ResidentMiB),
                Table.Number(medians.GeneratorMicroseconds)]);
        }

        return table.ToString();
    }

    private static void AppendErrors(StringBuilder text, IReadOnlyList<Measurement> measurements)
    {
        var spoilt = measurements.Where(measurement => measurement.Errors > 0).ToList();
        text.Append(spoilt.Count == 0 ? "errors: none\n" : $"(!) ERRORS in {spoilt.Count} of {measurements.Count} measurements:\n");
        foreach (var measurement in spoilt)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"  {measurement.System} {measurement.Workload} {measurement.Clients} clients, round {measurement.Round}: ");
            text.Append(CultureInfo.InvariantCulture, $"{measurement.Errors} errors, {measurement.Operations} operations; {measurement.FirstError}\n");
        }
    }
}
