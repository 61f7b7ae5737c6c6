namespace Consensus.Cli.Status;

/// <summary>What is wrong, in sentences that say what to do, the worst first; of a healthy cluster, the one sentence that says so.</summary>
/// <param name="CanServe">False when no write and no linearizable read is answered.</param>
/// <param name="Notes">What is not wrong, but should be known.</param>
internal sealed record Diagnosis(bool CanServe, IReadOnlyList<string> Problems, IReadOnlyList<string> Notes)
{
    public static Diagnosis Of(ClusterReport report)
    {
        var quorum = QuorumFindings.Of(report).ToList();
        return new Diagnosis(
            quorum.All(finding => !finding.StopsService),
            [.. quorum.Select(finding => finding.Sentence), .. StateFindings.Of(report), .. MemberFindings.Of(report)],
            [.. NoteFindings.Of(report)]);
    }

    /// <summary>The sentence about a cluster with nothing wrong.</summary>
    public static string Healthy(ClusterReport report) => report.Own.Count() == 1
        ? $"All is well: {report.Leader?.Name} is the only member and leads."
        : $"All is well: {report.Own.Count()} members answer, {report.Leader?.Name} leads.";

    /// <summary>Everything to tell a person, in order.</summary>
    public IEnumerable<string> Sentences(ClusterReport report) => [.. Problems.Count > 0 ? Problems : [Healthy(report)], .. Notes];
}
