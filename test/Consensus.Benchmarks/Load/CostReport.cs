namespace Consensus.Benchmarks.Load;

/// <summary>What an operation costs besides time: the tail (with and without the operations that a stall kept from being sent), flushes, bytes on disk, allocation, and what garbage collection takes.</summary>
internal static class CostReport
{
    public static string Write(IReadOnlyList<Measurement> measurements, IReadOnlyList<string> systems)
    {
        var variants = LoadCase.HasVariants(measurements);
        var table = new Table([.. LoadCase.Headings(variants), "system", "p99 ms", "of the sent", "p99.9 ms", "flushes/op", "disk bytes/op", "allocated bytes/op", "GC pauses %"]);
        foreach (var group in measurements.GroupBy(measurement => measurement.Case))
        {
            foreach (var system in systems)
            {
                var medians = Medians.Of(group, system);
                table.Add([
                    .. group.Key.Cells(variants),
                    system,
                    Table.Number(medians.P99Ms),
                    Table.Number(medians.SentP99Ms),
                    Table.Number(medians.P999Ms),
                    Table.Number(medians.Flushes),
                    Table.Number(medians.DiskBytes),
                    Table.Number(medians.AllocatedBytes),
                    Table.Number(100 * medians.PausedShare)]);
            }
        }

        return table.ToString();
    }
}
