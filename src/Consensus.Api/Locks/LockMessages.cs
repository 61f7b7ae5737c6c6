using System.Text.Json.Serialization;
using Consensus.Api.Json;

namespace Consensus.Api.Locks;

/// <summary>Asks for a lock: exactly one of <see cref="Ttl"/> and <see cref="Lease"/> is given.</summary>
public sealed record LockAcquireRequest
{
    /// <summary>Who asks: 1 to 256 bytes; shown to others, and who may take it back during a <see cref="LockDelay"/>.</summary>
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

    /// <summary><c>exclusive</c>, which it is when absent, or <c>shared</c>: beside other shared holds, never beside an exclusive one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Mode { get; init; }

    /// <summary>Should the hold be lost, what it had is kept for the same owner for that long.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LockDelay { get; init; }

    /// <summary>The hold ends so long after its grant, however often it is renewed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MaxHold { get; init; }

    /// <summary>A JSON object of at most 4 KiB, shown with the hold as it was given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RawJson? Metadata { get; init; }
}

public sealed record LockRenewRequest(long FencingToken);

/// <summary>Passes a hold of a lock, semaphore or election to a waiter, past those who wait before it.</summary>
/// <param name="HandOverTo">The waiter's owner (an election's candidate).</param>
public sealed record HandOverRequest(string HandOverTo, long FencingToken);

/// <param name="HandedOverTo">Who holds it now.</param>
/// <param name="FencingToken">Of the new hold.</param>
public sealed record HandOverAnswer(string Name, string HandedOverTo, long FencingToken, long Revision);

/// <summary>Where a request stands that waits in slices (<c>?poll=</c>): the answer (202) to one that is to be sent again within 10 s.</summary>
/// <param name="Position">In its line, 1 for the next.</param>
/// <param name="WaitLeftMs">What is left of its <c>wait</c>.</param>
public sealed record PlaceAnswer(long Position, long WaitLeftMs);

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
public sealed record HoldRenewedAnswer(
    string Name, string Owner, string Mode, long FencingToken, string Lease, long TtlMs, long ExpiresInMs, string ClusterId);

/// <param name="ExpiresInMs">Until its lease ends, or its <c>maxHold</c> if that comes first.</param>
/// <param name="MaxHoldEndsInMs">Until it ends whatever is renewed; absent without a <c>maxHold</c>.</param>
/// <param name="LockDelayMs">Absent without one.</param>
public sealed record LockHolderAnswer(
    string Owner,
    string Mode,
    long FencingToken,
    string Lease,
    long TtlMs,
    long AcquiredRevision,
    long ExpiresInMs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? MaxHoldEndsInMs = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? LockDelayMs = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] RawJson? Metadata = null);

/// <param name="Position">1 for the next in line.</param>
public sealed record LockWaiterAnswer(string Owner, long Position, string Mode);

/// <param name="Reason"><c>expired</c>, <c>revoked</c>, <c>forced</c> or <c>held-too-long</c>.</param>
/// <param name="Revision">The revision at which it was lost.</param>
/// <param name="LostMsAgo">In cluster time, as the other times here.</param>
/// <param name="RenewedMsBefore">How long before that its lease was renewed last, or made.</param>
/// <param name="TtlMs">Of its lease.</param>
/// <param name="LeaderlessMs">Of what expired: for how long the cluster had no leader since then, on top of the time that it counts; absent when it always had one.</param>
/// <param name="By">Who revoked its lease or broke it by force: an address, and the member that was asked; absent where that is not known.</param>
/// <param name="MaxHoldMs">For how long it might be held at all; absent without a <c>maxHold</c>.</param>
public sealed record HoldLossAnswer(
    string Owner,
    long FencingToken,
    string Reason,
    long Revision,
    long LostMsAgo,
    long RenewedMsBefore,
    long TtlMs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? LeaderlessMs = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? By = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? MaxHoldMs = null);

/// <summary>A lost hold with a <c>lockDelay</c>: what it had is kept for its owner.</summary>
/// <param name="Owner">Who alone may take it back; absent where it stands for the lost holds of several owners, and nobody may.</param>
/// <param name="FencingToken">Of the lost hold; of the first where it stands for several.</param>
/// <param name="DelayMs">For how long yet.</param>
/// <param name="Mode">A lock's: nothing exclusive is granted to others meanwhile, and nothing shared either when this was <c>exclusive</c>.</param>
/// <param name="Count">A semaphore's: permits that stay taken.</param>
public sealed record HoldDelayAnswer(
    long FencingToken,
    long DelayMs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), JsonPropertyOrder(-1)] string? Owner = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Mode = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Count = null);

/// <summary>A lock; an unknown name is an unheld lock.</summary>
/// <param name="Holders">At most 100; <paramref name="HolderCount"/> is the whole number.</param>
/// <param name="Waiters">At most 100; <paramref name="WaiterCount"/> is the whole number.</param>
/// <param name="LastLoss">The last hold that ended without a release, while that is remembered.</param>
/// <param name="DelayMs">Until nothing of it is kept back any more; absent when nothing is.</param>
/// <param name="Delays">What is kept back for whom; absent when nothing is.</param>
public sealed record LockAnswer(
    string Name,
    IReadOnlyList<LockHolderAnswer> Holders,
    long HolderCount,
    IReadOnlyList<LockWaiterAnswer> Waiters,
    long WaiterCount,
    HoldLossAnswer? LastLoss,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? DelayMs = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<HoldDelayAnswer>? Delays = null);

/// <summary>Locks that are held or waited for, in byte order of their names.</summary>
public sealed record LockListAnswer(IReadOnlyList<LockAnswer> Items, long Revision, string? NextCursor);
