using System.Text.Json.Serialization;

namespace Consensus.Api.Cluster;

/// <param name="Role"><c>leader</c>, <c>follower</c> or <c>learner</c>.</param>
/// <param name="MatchIndex">The last log index known to be replicated to it; only the leader knows, elsewhere null.</param>
/// <param name="Healthy">It acknowledged lately, and what was committed a moment ago is on its disk; null where the answering member cannot know.</param>
public sealed record MemberAnswer(
    string Id, string Name, string Role, bool Self, string ClientUrl, string PeerUrl, long? MatchIndex, bool? Healthy)
{
    /// <summary>
    /// <c>healthy</c>, <c>behind</c>, <c>notAcknowledging</c> (it answers, and its log stands still), <c>silent</c>, <c>notReady</c> (of the answering member itself) or
    /// <c>unknown</c>.
    /// </summary>
    public string? Health { get; init; }

    /// <summary>Since it last acknowledged something, or, of the leader, since it was heard; null of the answering member, and where that does not know.</summary>
    public long? LastContactMs { get; init; }

    /// <summary>The way to it and back, smoothed; null as of <see cref="LastContactMs"/>.</summary>
    public double? RoundTripMs { get; init; }
}

/// <summary>A process that was started with <c>--join</c> and waits to be added.</summary>
public sealed record JoiningAnswer(string Id, string Name, string PeerUrl);

/// <summary>The cluster as the answering member sees it.</summary>
/// <param name="Leader">A member's name; null while none is known.</param>
/// <param name="Joining">Who asked the answering member lately to be added.</param>
public sealed record ClusterAnswer(
    string ClusterId, string? Leader, long Term, IReadOnlyList<MemberAnswer> Members, IReadOnlyList<JoiningAnswer> Joining);

/// <param name="Name">Of a process that waits to be added.</param>
/// <param name="Role"><c>learner</c> (the default) or <c>voter</c>.</param>
public sealed record MemberAddRequest(
    string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role = null);

/// <param name="Role"><c>voter</c>: promotes a learner.</param>
/// <param name="Replaces">Name or id of a voter that leaves in the same step.</param>
public sealed record MemberUpdateRequest(
    string Role, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Replaces = null);

/// <param name="Name">Null when it had been removed before.</param>
public sealed record MemberRemovedAnswer(string Id, string? Name);

/// <param name="To">A voter's name; absent: the one whose log is furthest.</param>
public sealed record LeaderTransferRequest(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? To = null);

public sealed record LeaderTransferAnswer(string Leader, long Term);

public sealed record LiveAnswer(bool Live);

/// <param name="Checks">With <c>?verbose</c>: what was looked at.</param>
public sealed record ReadyAnswer(
    bool Ready,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, bool>? Checks = null);
