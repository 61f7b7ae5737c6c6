using System.Text.Json.Serialization;
using Consensus.Api.Json;
using Consensus.Api.Locks;

namespace Consensus.Api.Elections;

/// <summary>Stands for an election: exactly one of <see cref="Ttl"/> and <see cref="Lease"/> is given.</summary>
public sealed record CampaignRequest
{
    /// <summary>Who stands: 1 to 256 bytes.</summary>
    public required string Candidate { get; init; }

    /// <summary>What it proclaims once it leads, such as its address: at most 4 KiB; empty when absent.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Value { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Ttl { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Lease { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Wait { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LockDelay { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MaxHold { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RawJson? Metadata { get; init; }
}

/// <summary>Renews the leadership's lease, and proclaims another value when one is given.</summary>
public sealed record ProclaimRequest(
    long FencingToken,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Value = null);

/// <summary>Elected.</summary>
public sealed record ElectedAnswer(
    string Name,
    string Leader,
    string Value,
    long FencingToken,
    string Lease,
    long TtlMs,
    long WaitedMs,
    long ExpiresInMs,
    string ClusterId);

/// <summary>A leadership that was renewed.</summary>
public sealed record LeadershipAnswer(
    string Name, string Leader, string Value, long FencingToken, string Lease, long TtlMs, long ExpiresInMs, string ClusterId);

/// <param name="Position">1 for the next in line.</param>
public sealed record CandidateAnswer(string Candidate, long Position);

/// <summary>An election. Without a leader (in lists only) the members that describe one are absent.</summary>
public sealed record ElectionAnswer
{
    public required string Name { get; init; }

    public required string? Leader { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Value { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? FencingToken { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Lease { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? TtlMs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? AcquiredRevision { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ExpiresInMs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? MaxHoldEndsInMs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? LockDelayMs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RawJson? Metadata { get; init; }

    /// <summary>Who waits to be elected: at most 100; <see cref="CandidateCount"/> is the whole number.</summary>
    public required IReadOnlyList<CandidateAnswer> Candidates { get; init; }

    public required long CandidateCount { get; init; }

    public required HoldLossAnswer? LastLoss { get; init; }

    /// <summary>While only the last leader may be elected again: for how long yet.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? DelayMs { get; init; }

    /// <summary>For whom it is kept then; absent when it is not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<HoldDelayAnswer>? Delays { get; init; }
}

/// <summary>Elections that have a leader or candidates, in byte order of their names.</summary>
public sealed record ElectionListAnswer(IReadOnlyList<ElectionAnswer> Items, long Revision, string? NextCursor);
