using System.Text.Json.Serialization;

namespace Consensus.Api.Problems;

/// <summary>The body of an <c>application/problem+json</c> answer. The members after <c>detail</c> come with some types only.</summary>
public sealed record ProblemAnswer
{
    public required string Type { get; init; }

    public required string Title { get; init; }

    public required int Status { get; init; }

    public required string Detail { get; init; }

    /// <summary>412 <c>precondition-failed</c>: the key's present modRevision, 0 when there is no such key.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Revision { get; init; }

    /// <summary>409 <c>lock-held</c> and 412 <c>not-holder</c>: who holds it now.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Holder { get; init; }

    /// <summary>409 <c>lock-held</c> and 412 <c>not-holder</c>: the present hold's token.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? FencingToken { get; init; }

    /// <summary>409 <c>lock-held</c>: you hold it already, with this token: the same owner does, or the same lease. Holds are not re-entrant.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? OwnFencingToken { get; init; }

    /// <summary>409 <c>lock-held</c>: how many wait.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Waiters { get; init; }

    /// <summary>409 <c>lock-held</c>: which of several locks. 400 <c>shared-token</c>: the lock or semaphore that it is of.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; init; }

    /// <summary>409 <c>permits-mismatch</c> and <c>permits-out</c>: the limit that the semaphore is in use with.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Permits { get; init; }

    /// <summary>409 <c>permits-out</c>: how many are held, or kept for those who lost them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? PermitsOut { get; init; }

    /// <summary>412 <c>stale-token</c>: the fence's high-water mark.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? HighestToken { get; init; }

    /// <summary>410 <c>compacted</c>: the oldest revision that can still be read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? CompactRevision { get; init; }

    /// <summary>503 of <c>/readyz?verbose</c>: what was looked at, and whether it was well.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, bool>? Checks { get; init; }
}
