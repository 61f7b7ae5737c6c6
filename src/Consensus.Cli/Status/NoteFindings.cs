using System.Globalization;
using Consensus.Api.Cluster;

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
        foreach (var member in report.Members)
        {
            foreach (var sentence in AtRest(member.Name, member.Status))
            {
                yield return sentence;
            }
        }
        var open = report.Members.Where(member => member.Status is { Insecure: true }).Select(member => member.Name).ToList();
        if (open.Count > 0)
        {
            yield return $"Note: {string.Join(", ", open)} {(open.Count == 1 ? "runs" : "run")} with --insecure: without TLS and access control, whoever reaches the ports "
                + "reads and writes everything. Let only machines that you trust reach them.";
        }
    }

    /// <summary>What is still to come after encryption was turned on, or a key was put first.</summary>
    private static IEnumerable<string> AtRest(string name, StatusAnswer? status)
    {
        if (status?.EncryptionKeys is not { } keys)
        {
            yield break;
        }
        string[] counts = [Count(status.PlainSegments, "log segment"), Count(status.PlainSnapshots, "snapshot")];
        var plain = counts.Where(text => text.Length > 0).ToList();
        if (plain.Count > 0)
        {
            var where = string.Join(" and ", plain);
            yield return $"Note: on {name} plain text remains in {where}: each goes with the next snapshots that are taken.";
        }
        if (keys.Count > 1)
        {
            var which = string.Join(" and ", keys);
            yield return $"Note: {name} needs the keys {which}: keep all of them in its key file until it needs one only.";
        }
    }

    private static string Count(long? count, string what) => count is > 0 and var some
        ? string.Create(CultureInfo.InvariantCulture, $"{some} {what}{(some == 1 ? "" : "s")}")
        : "";
}
