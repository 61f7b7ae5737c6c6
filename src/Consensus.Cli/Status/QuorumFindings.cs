namespace Consensus.Cli.Status;

/// <summary>Whether enough members are there, and whether one of them leads.</summary>
internal static class QuorumFindings
{
    /// <param name="StopsService">While it lasts no write and no linearizable read is answered.</param>
    internal readonly record struct Finding(bool StopsService, string Sentence);

    public static IEnumerable<Finding> Of(ClusterReport report)
    {
        var answering = report.Own.Count(member => member.Status is not null && member.IsVoter);
        var voters = report.Own.Count(member => member.IsVoter);
        var majority = (voters / 2) + 1;
        if (answering == 0)
        {
            yield return new Finding(true, "Nobody answers: check --endpoints, and whether the members run.");
        }
        else if (report.ClusterKnown && answering < majority)
        {
            yield return new Finding(true, $"Quorum is lost: {answering} of {voters} members answer and {majority} are needed; nothing can be written, and only stale "
                + $"reads are answered. {StartAgain(report, majority - answering)}");
        }
        else if (report.Leader is not { } leader)
        {
            yield return new Finding(true, "There is no leader: an election takes less than a second or two; if this stays, "
                + $"check that the members reach each other's peer addresses{PeerAddresses(report)}, and if these have changed start each member once with "
                + $"--peer-address {NewAddresses(report)} (docs/membership.md).");
        }
        else
        {
            foreach (var former in report.Own.Where(member => member.Status?.Role == "leader" && member != leader))
            {
                yield return new Finding(false, $"{former.Name} still takes itself for the leader of the older term {former.Status!.Term}: "
                    + "it is cut off from the others; check its network. It acknowledges nothing meanwhile.");
            }
        }
    }

    private static string StartAgain(ClusterReport report, int needed)
    {
        var silent = report.Own.Where(member => member.Status is null && member.IsVoter).Select(member => member.Name).ToList();
        var names = string.Join(", ", silent);
        var which = needed >= silent.Count ? $"Start {names} again" : $"Start {needed} of {names} again";
        return $"{which}. If their disks are gone for good: "
            + "\"consensusctl --endpoints MEMBER snapshot save --stale FILE\" from each member "
            + "that answers, and restore the file with the highest index as a new cluster (docs/operations.md).";
    }

    /// <summary>The option's value, with the new addresses to be filled in.</summary>
    private static string NewAddresses(ClusterReport report)
    {
        var list = string.Join(',', report.Own.Where(member => member.Listed is not null).Select(member => $"{member.Name}=HOST:PORT"));
        return list.Length > 0 ? list : "NAME=HOST:PORT,…";
    }

    private static string PeerAddresses(ClusterReport report)
    {
        var known = report.Members.Where(member => member.Listed is { PeerUrl.Length: > 0 }).Select(member => $"{member.Name} {member.Listed!.PeerUrl}");
        var list = string.Join(", ", known);
        return list.Length > 0 ? $" ({list})" : "";
    }
}
