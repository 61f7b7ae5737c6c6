using System.Text.Json.Serialization;

namespace Consensus.Api.Locks;

/// <summary>Asks for an exclusive lock: exactly one of <see cref="Ttl"/> and <see cref="Lease"/> is given.</summary>
public sealed record LockAcquireRequest
{
    /// <summary>Who asks: 1 to 256 bytes; shown to others, decides nothing.</summary>
    public required string Owner { get; init; }

    /// <summary>Makes a lease of its own, which starts at the grant.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Ttl { get; init; }

    /// <summary>An existing lease (hexadecimal), which may hold many locks.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Lease { get; init; }

    /// <summary>How long to queue for it, at most 10 minutes; absent: not at all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Wait { get; init; }

    /// <summary><c>exclusive</c>, the only one of this version.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Mode { get; init; }
}

public sealed record LockRenewRequest(long FencingToken);

/// <summary>A lock as granted.</summary>
/// <param name="FencingToken">Larger than every token given before, in this cluster.</param>
/// <param name="WaitedMs">How long the request waited in the queue; the TTL began at its end.</param>
/// <param name="ClusterId">Tokens of another cluster do not compare with this one's.</param>
public sealed record LockGrantAnswer(
    string Name,
    string Owner,
    string Mode,
    long FencingToken,
    string Lease,
    long TtlMs,
    long WaitedMs,
    long ExpiresInMs,
    string ClusterId);

/// <summary>A hold whose lease was renewed.</summary>
public sealed record LockRenewedAnswer(
    string Name, string Owner, string Mode, long FencingToken, string Lease, long TtlMs, long ExpiresInMs, string ClusterId);

public sealed record LockHolderAnswer(
    string Owner, string Mode, long FencingToken, string Lease, long TtlMs, long AcquiredRevision, long ExpiresInMs);

/// <param name="Position">1 for the next in line.</param>
public sealed record LockWaiterAnswer(string Owner, long Position, string Mode);

/// <param name="Reason"><c>expired</c>, <c>revoked</c> or <c>forced</c>.</param>
/// <param name="Revision">The revision at which it was lost.</param>
public sealed record LockLossAnswer(string Owner, long FencingToken, string Reason, long Revision);

/// <summary>A lock; an unknown name is an unheld lock.</summary>
/// <param name="Waiters">At most 100; <paramref name="WaiterCount"/> is the whole number.</param>
/// <param name="LastLoss">The last hold that ended without a release, while that is remembered.</param>
public sealed record LockAnswer(
    string Name,
    IReadOnlyList<LockHolderAnswer> Holders,
    IReadOnlyList<LockWaiterAnswer> Waiters,
    long WaiterCount,
    LockLossAnswer? LastLoss);

/// <summary>Locks that are held or waited for, in byte order of their names.</summary>
public sealed record LockListAnswer(IReadOnlyList<LockAnswer> Items, long Revision, string? NextCursor);
