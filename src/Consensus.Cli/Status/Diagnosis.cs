using System.Globalization;

namespace Consensus.Cli.Status;

/// <summary>What is wrong, in sentences that say what to do; of a healthy cluster, the one sentence that says so.</summary>
internal sealed record Diagnosis(bool CanServe, IReadOnlyList<string> Problems)
{
    /// <summary>Entries behind from which a follower is called lagging; below it is what is on its way at any moment.</summary>
    private const long LaggingFrom = 1_000;

    public static Diagnosis Of(ClusterReport report)
    {
        var problems = new List<string>();
        foreach (var silent in report.Members.Where(member => member.Status is null))
        {
            var reason = silent.Failure.TrimEnd('.');
            var subject = silent.Listed is null ? reason : $"{silent.Name} does not answer ({reason})";
            problems.Add(subject + ": start it again, or look into its log.");
        }
        foreach (var stranger in report.Members.Where(member => report.ClusterKnown && member.Listed is null && member.Status is not null))
        {
            problems.Add($"{stranger.Name} at {stranger.Endpoint?.Authority} is no member of this cluster: leave it out of --endpoints.");
        }
        var canServe = AddQuorum(report, problems);
        foreach (var member in report.Members)
        {
            if (report.Lag(member) is >= LaggingFrom and var lag)
            {
                problems.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{member.Name} is {lag:N0} entries behind: it is catching up; if that does not shrink, look at its disk and network."));
            }
            problems.AddRange((member.Status?.Alarms ?? []).Select(alarm => $"{member.Name}: {alarm}"));
        }
        return new Diagnosis(canServe, problems);
    }

    /// <summary>The sentence about a cluster with nothing wrong.</summary>
    public static string Healthy(ClusterReport report) => report.Members.Count == 1
        ? $"All is well: {report.Leader?.Name} is the only member and leads."
        : $"All is well: {report.Members.Count} members answer, {report.Leader?.Name} leads.";

    private static bool AddQuorum(ClusterReport report, List<string> problems)
    {
        var answering = report.Members.Count(member => member.Status is not null && member.IsVoter);
        var voters = report.Members.Count(member => member.IsVoter);
        var majority = (voters / 2) + 1;
        if (answering == 0)
        {
            problems.Add("Nobody answers: check --endpoints, and whether the members run.");
            return false;
        }
        if (report.ClusterKnown && answering < majority)
        {
            problems.Add($"Quorum is lost: {answering} of {voters} members answer and {majority} are needed; "
                + "nothing can be written or read until then.");
            return false;
        }
        if (report.Leader is not { } leader)
        {
            problems.Add("There is no leader: an election takes less than a second or two; if this stays, "
                + "check that the members reach each other's peer addresses.");
            return false;
        }
        foreach (var former in report.Members.Where(member => member.Status?.Role == "leader" && member != leader))
        {
            problems.Add($"{former.Name} still takes itself for the leader of the older term {former.Status!.Term}: "
                + "it is cut off from the others; check its network.");
        }
        return true;
    }
}
