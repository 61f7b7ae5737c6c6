namespace Consensus.Benchmarks;

/// <summary>Order statistics of a few numbers.</summary>
internal static class Statistics
{
    /// <summary>The middle value, or the mean of the two middle ones. Not a number when there are none.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count == 0 ? double.NaN : (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }

    /// <summary>The smallest value that <paramref name="percent"/> of all do not exceed (nearest rank). Not a number when there are none.</summary>
    public static double Percentile(IEnumerable<double> values, double percent)
    {
        var sorted = values.Order().ToList();
        return sorted.Count == 0 ? double.NaN : sorted[Math.Max(1, (int)Math.Ceiling(percent / 100 * sorted.Count)) - 1];
    }
}
