namespace Consensus.Cli.Status;

/// <summary>What works, and should be known all the same.</summary>
internal static class NoteFindings
{
    public static IEnumerable<string> Of(ClusterReport report)
    {
        foreach (var waiting in report.Joining)
        {
            yield return report.WaitsForItsName(waiting)
                ? $"Note: another process named {waiting} waits with an empty data directory: if that of the member {waiting} is lost, consensusctl members remove {waiting}, and then "
                    + $"consensusctl members add {waiting}; else give it another --name."
                : $"Note: {waiting} waits to be added: consensusctl members add {waiting}";
        }
        foreach (var learner in report.Members.Where(member => member is { Listed.Role: "learner", Status.Ready: true }))
        {
            yield return $"Note: {learner.Name} has caught up as a learner and does not vote: consensusctl members promote {learner.Name}";
        }
        var voters = report.Members.Count(member => member is { IsVoter: true, Listed: not null });
        if (voters > 0 && voters % 2 == 0)
        {
            yield return $"Note: of {voters} voters {(voters / 2) + 1} are needed, so that no more may fail than of {voters - 1}: add one, or remove one.";
        }
        var versions = report.Members.Where(member => member.Status is not null).GroupBy(member => member.Status!.Version).ToList();
        if (versions.Count > 1)
        {
            var which = string.Join(", ", versions.OrderBy(version => version.Key, StringComparer.Ordinal)
                .Select(version => $"{version.Key} on {string.Join(" and ", version.Select(member => member.Name))}"));
            yield return $"Note: the members run different versions ({which}): finish the upgrade, one member at a time (docs/operations.md).";
        }
        var open = report.Members.Where(member => member.Status is { Insecure: true }).Select(member => member.Name).ToList();
        if (open.Count > 0)
        {
            yield return $"Note: {string.Join(", ", open)} {(open.Count == 1 ? "runs" : "run")} with --insecure: without TLS and access control, whoever reaches the ports "
                + "reads and writes everything. Let only machines that you trust reach them.";
        }
    }
}
