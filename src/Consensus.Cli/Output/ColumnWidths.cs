namespace Consensus.Cli.Output;

/// <summary>How much of each column is shown on a terminal.</summary>
internal static class ColumnWidths
{
    /// <summary>What a column keeps at least: names, tokens and ids stay whole.</summary>
    private const int Least = 24;

    /// <summary>Between two columns, and around all of them.</summary>
    public const int Padding = 3;

    /// <summary>
    /// The widths of columns that are this wide by nature on a terminal that is so wide: the widest lose the most, and none becomes narrower than 24. What is wider than the
    /// terminal even then is wrapped by the terminal: a token that is cut is of no use.
    /// </summary>
    public static int[] Fit(IReadOnlyList<int> natural, int terminal)
    {
        var widths = natural.ToArray();
        var surplus = widths.Sum(width => width + Padding) + 1 - terminal;
        while (surplus > 0 && widths.Max() is var widest && widest > Least)
        {
            // All that are as wide as the widest shrink to the next one, or as far as is needed.
            var wide = widths.Count(width => width == widest);
            var next = Math.Max(Least, widths.Where(width => width < widest).DefaultIfEmpty(0).Max());
            var target = Math.Max(next, widest - ((surplus + wide - 1) / wide));
            for (var i = 0; i < widths.Length; i++)
            {
                widths[i] = Math.Min(widths[i], target);
            }
            surplus -= (widest - target) * wide;
        }
        return widths;
    }

    /// <summary>A text cut to a width, and seen to be cut.</summary>
    public static string Cut(string text, int width)
    {
        if (text.Length <= width)
        {
            return text;
        }
        // Half of a surrogate pair is no letter.
        var kept = char.IsHighSurrogate(text[width - 2]) ? width - 2 : width - 1;
        return string.Concat(text.AsSpan(0, kept), "…");
    }
}
