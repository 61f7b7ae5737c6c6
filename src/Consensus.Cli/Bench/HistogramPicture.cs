using System.Globalization;
using Consensus.Cli.Output;

namespace Consensus.Cli.Bench;

/// <summary>A histogram as text: one bar for each range of latency.</summary>
internal static class HistogramPicture
{
    private const int BarColumns = 48;
    private const string Eighths = " ▏▎▍▌▋▊▉";

    /// <summary>Ranges of 1, 1.5, 2, 3, 5, 7 to the next ten, from the shortest to the longest that was seen.</summary>
    public static IReadOnlyList<(TimeSpan From, TimeSpan To, long Count)> Ranges(LatencyHistogram histogram)
    {
        if (histogram.Count == 0)
        {
            return [];
        }
        double[] steps = [1, 1.5, 2, 3, 5, 7];
        var bounds = new List<TimeSpan>();
        for (var decade = 10.0; decade < 1e10 && (bounds.Count == 0 || bounds[^1] <= histogram.Max); decade *= 10)
        {
            bounds.AddRange(steps.Select(step => TimeSpan.FromMicroseconds(step * decade)));
        }
        var ranges = histogram.Ranges([TimeSpan.Zero, .. bounds]).ToList();
        var first = ranges.FindIndex(range => range.Count > 0);
        var last = ranges.FindLastIndex(range => range.Count > 0);
        return ranges[first..(last + 1)];
    }

    public static IEnumerable<string> Draw(LatencyHistogram histogram)
    {
        var ranges = Ranges(histogram);
        var most = ranges.Select(range => range.Count).DefaultIfEmpty(0).Max();
        foreach (var (from, to, count) in ranges)
        {
            var label = $"{Milliseconds(from)} – {Milliseconds(to)} ms";
            var share = string.Create(CultureInfo.InvariantCulture, $"{100.0 * count / histogram.Count:0.0} %");
            yield return $"{label,18}  {Bar(count, most)}  {share,7}  {Plain.Number(count)}";
        }
    }

    public static string Milliseconds(TimeSpan time) => time.TotalMilliseconds switch
    {
        < 1 => time.TotalMilliseconds.ToString("0.00", CultureInfo.InvariantCulture),
        < 10 => time.TotalMilliseconds.ToString("0.0", CultureInfo.InvariantCulture),
        var more => more.ToString("0", CultureInfo.InvariantCulture),
    };

    /// <summary>As long as its share of the longest, to an eighth of a column; something for whatever is there.</summary>
    private static string Bar(long count, long most)
    {
        var eighths = count == 0 ? 0 : Math.Max(1, (int)(count * BarColumns * 8 / most));
        var bar = new string('█', eighths / 8) + (eighths % 8 > 0 ? Eighths[eighths % 8] : "");
        return bar.PadRight(BarColumns);
    }
}
