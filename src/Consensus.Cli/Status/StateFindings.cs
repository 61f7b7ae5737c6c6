using System.Globalization;

namespace Consensus.Cli.Status;

/// <summary>Replicas that happen to be at one index and are not in one state: the worst that a cluster can tell of itself.</summary>
internal static class StateFindings
{
    public static IEnumerable<string> Of(ClusterReport report)
    {
        var atOneIndex = report.Members
            .Where(member => member is { Status.AppliedIndex: > 0, Listed: not null })
            .GroupBy(member => member.Status!.AppliedIndex)
            .Where(group => group.Select(member => member.Status!.StateHash).Distinct().Count() > 1);
        foreach (var group in atOneIndex)
        {
            var names = string.Join(" and ", group.Select(member => member.Name));
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{names} are in different states at index {group.Key}, which must never be: run \"consensusctl check consistency\", which says which of them is wrong.");
        }
    }
}
