namespace Consensus.InnerBenchmarks;

/// <summary>BenchmarkDotNet's own command line with other defaults: everything, briefly, in this process, with allocated bytes.</summary>
internal static class InnerArguments
{
    /// <summary>What is given wins. A filter without a star is taken as a part of the full name.</summary>
    public static string[] WithDefaults(string[] given)
    {
        var all = new List<string>(given);
        for (var i = 1; i < all.Count; i++)
        {
            if (all[i - 1] is "--filter" or "-f" && !all[i].Contains('*', StringComparison.Ordinal))
            {
                all[i] = $"*{all[i]}*";
            }
        }

        AddUnlessGiven(all, ["--filter", "-f", "--list"], ["--filter", "*"]);
        AddUnlessGiven(all, ["--job", "-j"], ["--job", "short"]);
        AddUnlessGiven(all, ["--inProcess", "-i"], ["--inProcess"]);
        AddUnlessGiven(all, ["--memory", "-m"], ["--memory"]);
        AddUnlessGiven(all, ["--join"], ["--join"]);
        AddUnlessGiven(all, ["--artifacts", "-a"], ["--artifacts", Path.Combine("artifacts", "inner")]);
        return [.. all];
    }

    private static void AddUnlessGiven(List<string> all, string[] names, string[] value)
    {
        if (!all.Any(names.Contains))
        {
            all.AddRange(value);
        }
    }
}
