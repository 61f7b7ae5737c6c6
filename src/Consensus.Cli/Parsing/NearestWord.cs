namespace Consensus.Cli.Parsing;

/// <summary>Which of several words was most likely meant by a mistyped one.</summary>
internal static class NearestWord
{
    /// <summary>The nearest candidate; null when none is near enough to be meant. The first of several that are as near.</summary>
    public static string? Of(string word, IEnumerable<string> candidates)
    {
        var (best, least) = ((string?)null, int.MaxValue);
        foreach (var candidate in candidates)
        {
            var distance = Distance(word, candidate);
            if (distance < least && IsNear(word, candidate, distance))
            {
                (best, least) = (candidate, distance);
            }
        }
        return best;
    }

    /// <summary>One slip in three letters; the beginning of a word is near however much is missing.</summary>
    private static bool IsNear(string word, string candidate, int distance) =>
        distance <= Math.Max(1, Math.Min(word.Length, candidate.Length) / 3)
        || (word.TrimStart('-').Length >= 2 && candidate.StartsWith(word, StringComparison.OrdinalIgnoreCase));

    /// <summary>Letters added, left out, changed or swapped with their neighbour (optimal string alignment); case does not count.</summary>
    private static int Distance(string from, string to)
    {
        var table = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++)
        {
            for (var j = 0; j <= to.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    table[i, j] = i + j;
                    continue;
                }
                var same = Same(from[i - 1], to[j - 1]);
                table[i, j] = Math.Min(
                    Math.Min(table[i - 1, j], table[i, j - 1]) + 1,
                    table[i - 1, j - 1] + (same ? 0 : 1));
                if (i > 1 && j > 1 && Same(from[i - 1], to[j - 2]) && Same(from[i - 2], to[j - 1]))
                {
                    table[i, j] = Math.Min(table[i, j], table[i - 2, j - 2] + 1);
                }
            }
        }
        return table[from.Length, to.Length];
    }

    private static bool Same(char a, char b) => char.ToLowerInvariant(a) == char.ToLowerInvariant(b);
}
