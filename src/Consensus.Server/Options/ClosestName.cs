namespace Consensus.Server.Options;

/// <summary>The known name that a mistyped one most likely means, by edit distance (Levenshtein, 1965).</summary>
internal static class ClosestName
{
    /// <summary>Two letters swapped, dropped or mistyped are near, however short the name.</summary>
    private const int NearEdits = 2;

    /// <summary>Null when none is near: more than a third of it would have to change.</summary>
    public static string? Of(string mistyped, IEnumerable<string> known)
    {
        var (name, distance) = known.Select(name => (name, distance: Distance(mistyped, name))).MinBy(pair => pair.distance);
        return name is not null && (distance <= NearEdits || distance * 3 <= Math.Max(name.Length, mistyped.Length)) ? name : null;
    }

    private static int Distance(string a, string b)
    {
        var previous = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 0; i < a.Length; i++)
        {
            var row = new int[b.Length + 1];
            row[0] = i + 1;
            for (var j = 0; j < b.Length; j++)
            {
                var change = a[i] == b[j] ? 0 : 1;
                row[j + 1] = Math.Min(Math.Min(row[j], previous[j + 1]) + 1, previous[j] + change);
            }
            previous = row;
        }
        return previous[^1];
    }
}
