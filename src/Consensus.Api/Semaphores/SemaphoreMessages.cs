using System.Text.Json.Serialization;
using Consensus.Api.Json;
using Consensus.Api.Locks;

namespace Consensus.Api.Semaphores;

/// <summary>Asks for permits of a semaphore: exactly one of <see cref="Ttl"/> and <see cref="Lease"/> is given.</summary>
public sealed record SemaphoreAcquireRequest
{
    public required string Owner { get; init; }

    /// <summary>The limit, the same for all who use the semaphore at a time.</summary>
    public required long Permits { get; init; }

    /// <summary>Permits asked for; 1 when absent.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Count { get; init; }

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

/// <summary>Permits as granted.</summary>
public sealed record SemaphoreGrantAnswer(
    string Name,
    string Owner,
    long Permits,
    long Count,
    long FencingToken,
    string Lease,
    long TtlMs,
    long WaitedMs,
    long ExpiresInMs,
    string ClusterId);

/// <summary>Changes the limit of a semaphore that is in use.</summary>
/// <param name="Permits">At least 1, and at least what is out.</param>
public sealed record ChangePermitsRequest(long Permits);

/// <summary>The limit that a semaphore has now.</summary>
/// <param name="PermitsOut">Held, or kept for those who lost them (<c>lockDelay</c>).</param>
public sealed record PermitsChangedAnswer(string Name, long Permits, long PermitsOut, long Revision);

/// <summary>Permits whose lease was renewed.</summary>
public sealed record SemaphoreRenewedAnswer(
    string Name, string Owner, long Count, long FencingToken, string Lease, long TtlMs, long ExpiresInMs, string ClusterId);

public sealed record SemaphoreHolderAnswer(
    string Owner,
    long Count,
    long FencingToken,
    string Lease,
    long TtlMs,
    long AcquiredRevision,
    long ExpiresInMs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? MaxHoldEndsInMs = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? LockDelayMs = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] RawJson? Metadata = null);

/// <param name="Position">1 for the next in line.</param>
public sealed record SemaphoreWaiterAnswer(string Owner, long Position, long Count);

/// <summary>A semaphore; an unknown name is an unused one.</summary>
/// <param name="Permits">The limit; null while nobody uses it.</param>
/// <param name="PermitsUsed">Held now.</param>
/// <param name="Holders">At most 100; <paramref name="HolderCount"/> is the whole number.</param>
/// <param name="Waiters">At most 100; <paramref name="WaiterCount"/> is the whole number.</param>
/// <param name="DelayMs">Until no permits are kept back any more; absent when none are.</param>
/// <param name="Delays">Lost permits that stay taken, and for whom; absent when there are none.</param>
public sealed record SemaphoreAnswer(
    string Name,
    long? Permits,
    long PermitsUsed,
    IReadOnlyList<SemaphoreHolderAnswer> Holders,
    long HolderCount,
    IReadOnlyList<SemaphoreWaiterAnswer> Waiters,
    long WaiterCount,
    HoldLossAnswer? LastLoss,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? DelayMs = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<HoldDelayAnswer>? Delays = null);

/// <summary>Semaphores that are used or waited for, in byte order of their names.</summary>
public sealed record SemaphoreListAnswer(IReadOnlyList<SemaphoreAnswer> Items, long Revision, string? NextCursor);
