using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Load;

namespace Consensus.Benchmarks.Library;

/// <summary>The library beside plain requests, as tables.</summary>
internal static class LibraryReport
{
    /// <summary>Medians of the rounds; a ratio is the median of the rounds' own ratios to the plain requests of the same round.</summary>
    public static string Write(BenchOptions options, IReadOnlyList<LibrarySample> samples)
    {
        var table = new Table(
            "workload", "requests", "clients", "ops/s", "to raw", "p50 ms", "p99 ms",
            "server CPU us/op", "to raw", "client CPU us/op", "failed", "refused");
        foreach (var workload in samples.GroupBy(sample => sample.Measured.Workload))
        {
            var raw = workload
                .Where(sample => sample.Measured.System == SpeakerNames.NameOf(Speaker.Raw))
                .ToDictionary(sample => sample.Measured.Round);
            foreach (var speaker in SpeakerNames.All.Select(SpeakerNames.NameOf))
            {
                var own = workload.Where(sample => sample.Measured.System == speaker).ToList();
                if (own.Count == 0)
                {
                    continue;
                }

                string Median(Func<Measurement, double?> value) =>
                    Table.Number(Statistics.Median(own.Select(sample => value(sample.Measured)).OfType<double>()));
                string Ratio(Func<Measurement, double?> value) => Table.Number(Statistics.Median(own
                    .Where(sample => raw.ContainsKey(sample.Measured.Round))
                    .Select(sample => value(sample.Measured) / value(raw[sample.Measured.Round].Measured))
                    .OfType<double>()));
                table.Add(
                    workload.Key,
                    speaker,
                    Text(own[0].Measured.Clients),
                    Median(one => one.OperationsPerSecond),
                    Ratio(one => one.OperationsPerSecond),
                    Median(one => one.P50Ms),
                    Median(one => one.P99Ms),
                    Median(one => one.CpuMicrosecondsPerOperation),
                    Ratio(one => one.CpuMicrosecondsPerOperation),
                    Median(one => one.GeneratorCpuMicrosecondsPerOperation),
                    Text(own.Sum(sample => sample.Measured.Errors)),
                    own.Any(sample => sample.Refused is null) ? "-" : Text((long)own.Sum(sample => sample.Refused!.Value)));
            }
        }

        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"Members on loopback: {options.Nodes}; {options.ValueBytes}-byte values, medians of {options.Rounds} alternate rounds ")
            .Append(CultureInfo.InvariantCulture, $"of {options.Seconds} s; server CPU summed over the members. ")
            .Append("failed, refused: summed over the rounds; refused counts every answer of 400 and above, sent again or not.\n\n")
            .Append(table);
        return text.ToString();
    }

    /// <summary>The writes beside a wait, a row for each round.</summary>
    public static string Write(IReadOnlyList<WaitSample> samples)
    {
        var table = new Table(
            "round", "writers", "seconds", "writes", "writes/s", "not done", "refused",
            "numbers", "unacknowledged", "waited s", "then granted");
        foreach (var sample in samples)
        {
            table.Add(
                Text(sample.Round),
                Text(sample.Writers),
                Table.Number(sample.Seconds),
                Table.Number(sample.Writes),
                Table.Number(sample.Writes / sample.Seconds),
                Text(sample.NotDone),
                sample.Refused is { } refused ? Text((long)refused) : "-",
                Table.Number(sample.Numbers),
                Text(sample.Unacknowledged),
                Table.Number(sample.WaitedSeconds),
                sample.Granted ? "yes" : "NO");
        }

        return "Writes of one client of the library beside a wait under the same session; numbers: how many were asked under it.\n\n"
            + table;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
