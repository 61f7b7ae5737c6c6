using System.Globalization;

namespace Consensus.Peers.Trials;

/// <summary>
/// What a run of trials says of <c>consensusd</c>, by its table alone. What was asked for and is not there speaks against it.
/// </summary>
internal static class Verdict
{
    /// <summary>The system that is to pass; of the others it is told what they do.</summary>
    public const string Ours = "consensus";

    /// <summary>The kind that needs no cluster, and is held once.</summary>
    public const string Duplicate = "duplicate";

    /// <summary>Sentences; none when all that was asked for was held and consensusd passed it.</summary>
    /// <param name="kinds">Asked for.</param>
    /// <param name="systems">Asked for, by their names.</param>
    public static IReadOnlyList<string> Against(IReadOnlyList<TrialRow> rows, IReadOnlyList<string> kinds, IReadOnlyList<string> systems)
    {
        var against = new List<string>();
        foreach (var kind in kinds.Where(kind => kind != Duplicate))
        {
            foreach (var system in systems)
            {
                var row = rows.FirstOrDefault(row => row.Trial == kind && row.System == system);
                if (row is null)
                {
                    against.Add($"{kind} was not tried with {system}");
                }
                else if (system == Ours)
                {
                    against.AddRange(Against(row));
                }
            }
        }
        return against;
    }

    private static IEnumerable<string> Against(TrialRow row)
    {
        if (row.Held == 0)
        {
            yield return $"no trial of {row.Trial} was held with {row.System}";
        }
        (int Count, string What)[] faults =
        [
            (row.Found, "showed a broken promise"), (row.Failed, "could not be held"), (row.Undecided, "could not be judged wholly"),
        ];
        foreach (var (count, what) in faults)
        {
            if (count > 0)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{count} trials of {row.Trial} with {row.System} {what}");
            }
        }
    }
}
