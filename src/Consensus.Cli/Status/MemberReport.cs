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

    /// <summary>What it does: its role in the cluster, or that it has none there.</summary>
    public string Role => Status is null ? "unreachable" : IsWaiting ? "waits to be added" : Status.Role;

    /// <summary>It belongs to the cluster and is no member of it yet.</summary>
    public bool IsWaiting { get; init; }
}

/// <summary>All members, sorted by name; <see cref="ClusterKnown"/> is false when nobody told who the members are.</summary>
internal sealed record ClusterReport(IReadOnlyList<MemberReport> Members, bool ClusterKnown)
{
    /// <summary>Names of processes that wait to be added, or for their name (<see cref="WaitsForItsName"/>).</summary>
    public IReadOnlyList<string> Joining { get; init; } = [];

    /// <summary>A process with an empty data directory waits until the member of its name is removed.</summary>
    public bool WaitsForItsName(string name) => Joining.Contains(name) && Members.Any(member => member.Name == name && member.Listed is not null);

    /// <summary>The cluster's own members; all that there is to tell about where nobody told who they are.</summary>
    public IEnumerable<MemberReport> Own => ClusterKnown ? Members.Where(member => member.Listed is not null) : Members;

    public long HighestCommit => Own.Select(member => member.Status?.CommitIndex ?? 0).DefaultIfEmpty(0).Max();

    public MemberReport? Leader => Own
        .Where(member => member.Status?.Role == "leader")
        .MaxBy(member => member.Status!.Term);

    /// <summary>Entries known to be committed that this member has not applied; null when it does not answer, or is none.</summary>
    public long? Lag(MemberReport member) =>
        member.Status is { } status && (member.Listed is not null || !ClusterKnown) ? Math.Max(0, HighestCommit - status.AppliedIndex) : null;
}
