using Consensus.Api.Cluster;

namespace Consensus.Cli.Status;

/// <summary>
/// One member as seen from here: what it says of itself, or, with <see cref="Status"/> null, why it says nothing.
/// </summary>
/// <param name="Name">Its name; its address where nobody told the name.</param>
/// <param name="Listed">What the cluster knows of it; null for an endpoint that is on nobody's list.</param>
internal sealed record MemberReport(
    string Name, Uri? Endpoint, MemberAnswer? Listed, StatusAnswer? Status, string StatusJson, string Failure)
{
    public bool IsVoter => Listed?.Role != "learner";
}

/// <summary>All members, sorted by name; <see cref="ClusterKnown"/> is false when nobody told who the members are.</summary>
internal sealed record ClusterReport(IReadOnlyList<MemberReport> Members, bool ClusterKnown)
{
    /// <summary>Names of processes that wait to be added.</summary>
    public IReadOnlyList<string> Joining { get; init; } = [];

    public long HighestCommit => Members.Max(member => member.Status?.CommitIndex ?? 0);

    public MemberReport? Leader => Members
        .Where(member => member.Status?.Role == "leader")
        .MaxBy(member => member.Status!.Term);

    /// <summary>Entries known to be committed that this member has not applied; null when it does not answer.</summary>
    public long? Lag(MemberReport member) => member.Status is { } status ? Math.Max(0, HighestCommit - status.AppliedIndex) : null;
}
