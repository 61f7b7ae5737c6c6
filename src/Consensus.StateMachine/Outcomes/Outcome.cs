using System.Collections.Immutable;
using Consensus.Primitives;

namespace Consensus.StateMachine.Outcomes;

/// <summary>
/// What came of a command, as judged in Apply: a closed set, switched over exhaustively by whoever turns it into an answer.
/// <see cref="Revision"/> is the store's revision right after the command.
/// </summary>
public abstract record Outcome(Revision Revision);

// ---- keys

/// <param name="ModRevision">Equal to <see cref="Outcome.Revision"/>.</param>
public sealed record PutDone(Revision Revision, Key Key, Revision CreateRevision, Revision ModRevision, long Version, LeaseId Lease) : Outcome(Revision);

/// <summary>The key's condition did not hold.</summary>
/// <param name="CurrentModRevision">0 when the key does not exist.</param>
public sealed record ConditionFailed(Revision Revision, Revision CurrentModRevision) : Outcome(Revision)
{
    /// <summary>Whoever asked may not read the key, and is not told whether there is one: <see cref="CurrentModRevision"/> is 0.</summary>
    public bool IsUntold { get; init; }
}

/// <summary>A delete; 0 keys leaves the revision as it was.</summary>
public sealed record DeleteDone(Revision Revision, long Deleted) : Outcome(Revision);

// ---- leases

public sealed record LeaseGranted(Revision Revision, LeaseId Id, long TtlMicros) : Outcome(Revision);

/// <summary>The id is in use: the receiving member draws another one.</summary>
public sealed record LeaseIdTaken(Revision Revision, LeaseId Id) : Outcome(Revision);

/// <summary>One lease of a renewal. <see cref="TtlMicros"/> is 0 when it is not alive.</summary>
public readonly record struct LeaseRenewal(LeaseId Id, long TtlMicros, ClusterTime Deadline)
{
    /// <summary>It is another's, or carries what may not be held any more, and was left as it is.</summary>
    public bool IsForbidden { get; init; }

    /// <summary>
    /// Those before it carry as many holds as one command judges: it was not looked at, nor were those behind it. To be asked for again.
    /// </summary>
    public bool IsLeft { get; init; }

    public bool Alive => TtlMicros != 0;
}

/// <summary>In the order asked.</summary>
public sealed record LeasesRenewed(Revision Revision, ImmutableArray<LeaseRenewal> Renewals) : Outcome(Revision);

/// <param name="KeysDeleted">How many keys went with it.</param>
/// <param name="LocksFreed">How many holds went with it.</param>
public sealed record LeaseRevoked(Revision Revision, LeaseId Id, long KeysDeleted, long LocksFreed) : Outcome(Revision);

/// <summary>A lease named by a command does not exist or has ended: 410 on use, 404 where it was to be revoked (rule 22).</summary>
public sealed record LeaseMissing(Revision Revision, LeaseId Id) : Outcome(Revision)
{
    /// <summary>It was to be revoked.</summary>
    public bool WasToEnd { get; init; }
}

// ---- locks

/// <summary>A hold as it is answered and shown.</summary>
public sealed record Hold(
    Key Name,
    string Owner,
    FencingToken Token,
    LeaseId Lease,
    long TtlMicros,
    Revision AcquiredRevision,
    ClusterTime Deadline)
{
    public HoldSpace Space { get; init; }

    public ObjectName Object => new(Space, Name);

    public LockMode Mode { get; init; }

    /// <summary>Permits held; 1 but for a semaphore.</summary>
    public long Count { get; init; } = 1;

    /// <summary>When the hold ends whatever is renewed; <see cref="ClusterTime.Never"/> without a <c>maxHold</c>.</summary>
    public ClusterTime HoldUntil { get; init; } = ClusterTime.Never;

    public long LockDelayMicros { get; init; }

    public ReadOnlyMemory<byte> Metadata { get; init; }

    /// <summary>What an election's leader proclaims.</summary>
    public ReadOnlyMemory<byte> Value { get; init; }
}

/// <summary>The lock was granted: at once, after waiting, or earlier to the same request identity.</summary>
/// <param name="WaitedMicros">From the request's stamp to the grant's.</param>
public sealed record HoldGranted(Revision Revision, Hold Hold, long WaitedMicros) : Outcome(Revision)
{
    /// <summary>The semaphore's limit, which need not be the one that was asked with any more; 0 elsewhere.</summary>
    public long Permits { get; init; }
}

/// <summary>The request waits in the queue; its final outcome comes with a later entry.</summary>
/// <param name="Position">1 for the next in line; of several lines the largest.</param>
public sealed record HoldQueued(Revision Revision, long Position) : Outcome(Revision);

/// <summary>Not granted: held by another and the request did not want to wait, or its wait is over.</summary>
/// <param name="Holder">Null when it became free in the same step (its wait ended while nobody held it).</param>
/// <param name="Waiters">How many wait now.</param>
/// <param name="WaitedMicros">0 when it did not wait.</param>
public sealed record HoldRefused(Revision Revision, Hold? Holder, long Waiters, long WaitedMicros) : Outcome(Revision)
{
    /// <summary>Which of several locks asked for together is the first that was not to be had; else the one asked for.</summary>
    public Key Name { get; init; }

    /// <summary>The token of a hold that the one who asked has of it already (the same owner, or the same lease): holds are not re-entrant. None when there is none.</summary>
    public FencingToken Own { get; init; }

    /// <summary>Set while what others lost is kept back for them (<c>lockDelay</c>): before that the asker cannot have it, whatever is released.</summary>
    public ClusterTime? DelayedUntil { get; init; }

    /// <summary>From this outcome to <see cref="DelayedUntil"/>; 0 without one.</summary>
    public long DelayLeftMicros { get; init; }

    /// <summary>Another principal holds it, and whoever asked may not read it: <see cref="Holder"/> is not told.</summary>
    public bool IsUntold { get; init; }
}

/// <summary>All locks of an <see cref="Commands.AcquireManyCommand"/>, in the order asked; each with a revision and token of its own.</summary>
public sealed record ManyGranted(Revision Revision, ImmutableArray<Hold> Holds) : Outcome(Revision)
{
    /// <summary>As of <see cref="HoldGranted"/>; 0 when it did not wait.</summary>
    public long WaitedMicros { get; init; }
}

/// <summary>The hold went to the named waiter.</summary>
public sealed record HandedOver(Revision Revision, Hold Hold) : Outcome(Revision);

/// <summary>Nobody of that name waits and could have it now; nothing was done. 404.</summary>
public sealed record NoSuchWaiter(Revision Revision, string Owner) : Outcome(Revision)
{
    /// <summary>It waits for other locks too, and is given all of them or none.</summary>
    public bool WaitsForSeveral { get; init; }
}

/// <summary>The semaphore is in use with another limit, or was given one below what was waited for; nothing was done. 409.</summary>
public sealed record PermitsMismatch(Revision Revision, long Permits) : Outcome(Revision);

/// <summary>The semaphore has this limit now.</summary>
/// <param name="Before">The limit before; the same when nothing was changed.</param>
/// <param name="Out">What is held then, with those who were granted something because of it, and what is kept back.</param>
public sealed record PermitsChanged(Revision Revision, long Permits, long Before, long Out) : Outcome(Revision);

/// <summary>More is held or kept back than the asked limit; nothing was done. 409.</summary>
/// <param name="Permits">The limit that stays.</param>
public sealed record PermitsOut(Revision Revision, long Permits, long Out) : Outcome(Revision);

/// <summary>Nobody holds permits or waits for some, so that the semaphore has no limit: whoever asks next gives it one; nothing was done. 404.</summary>
public sealed record SemaphoreUnused(Revision Revision) : Outcome(Revision);

/// <summary>The wait was ended by <see cref="Commands.CancelWaitCommand"/>.</summary>
public sealed record WaitCancelled(Revision Revision, Commands.CancelReason Reason) : Outcome(Revision);

/// <summary>The waiting request lost its connection's member; it keeps its place for a retry with the same identity (rule 18).</summary>
public sealed record WaitDetached(Revision Revision) : Outcome(Revision);

/// <summary>Another request took over the waiting place (same identity): this one will not be answered with the grant.</summary>
public sealed record WaitTakenOver(Revision Revision) : Outcome(Revision);

public sealed record HoldRenewed(Revision Revision, Hold Hold) : Outcome(Revision);

/// <summary>Released now, or released before by this very token.</summary>
public sealed record HoldReleased(Revision Revision) : Outcome(Revision);

/// <summary>The token is not that of the present hold (rule 22).</summary>
/// <param name="Loss">Why it was lost, when that is known.</param>
/// <param name="Current">The present hold, if any.</param>
public sealed record NotHolder(Revision Revision, HoldLoss? Loss, Hold? Current) : Outcome(Revision)
{
    /// <summary>The token of the request.</summary>
    public FencingToken Asked { get; init; }

    /// <summary>The hold was to be renewed.</summary>
    public bool IsRenewal { get; init; }

    /// <summary>Whoever asked may not read it: what is left out is of other principals' holds.</summary>
    public bool IsUntold { get; init; }
}

public enum LossReason
{
    /// <summary>Its lease expired.</summary>
    Expired = 1,

    /// <summary>Its lease was revoked.</summary>
    Revoked = 2,

    /// <summary>An operator broke it.</summary>
    Forced = 3,

    /// <summary>It was held for as long as its <c>maxHold</c> allows.</summary>
    HeldTooLong = 4,
}

/// <summary>How a lock's last lost hold ended (a release is no loss).</summary>
public sealed record HoldLoss(FencingToken Token, string Owner, LossReason Reason, Revision AtRevision)
{
    /// <summary>When it was lost.</summary>
    public ClusterTime At { get; init; }

    /// <summary>When its lease was renewed last, or made.</summary>
    public ClusterTime RenewedAt { get; init; }

    /// <summary>Of its lease.</summary>
    public long TtlMicros { get; init; }

    /// <summary>For how long no leader was heard of since then, which cluster time does not count; only of what expired.</summary>
    public long LeaderlessMicros { get; init; }

    /// <summary>Who revoked its lease, or broke it by force; empty where that is not known.</summary>
    public string By { get; init; } = "";

    /// <summary>Its <c>maxHold</c>; 0 without one.</summary>
    public long MaxHoldMicros { get; init; }

    /// <summary>Whose it was.</summary>
    public string Principal { get; init; } = "";
}

// ---- transactions

/// <summary>In the order of the branch that was done.</summary>
public sealed record TxnDone(Revision Revision, bool Succeeded, ImmutableArray<TxnResult> Results) : Outcome(Revision);

public abstract record TxnResult;

public sealed record TxnPutResult(Key Key, Revision CreateRevision, Revision ModRevision, long Version, LeaseId Lease) : TxnResult;

public sealed record TxnDeleteResult(long Deleted) : TxnResult;

/// <param name="Count">All that there are, also beyond the limit.</param>
public sealed record TxnGetResult(ImmutableArray<KeyItem> Items, long Count) : TxnResult;

/// <summary>
/// Told to a retry in place of a <see cref="TxnGetResult"/>: what a transaction read is not kept, but read again at its revision
/// (<see cref="Transactions.TxnReads"/>), or said to be omitted.
/// </summary>
/// <param name="Items">How many items there were.</param>
/// <param name="Count">As it was told.</param>
public sealed record TxnGetNotKept(long Items, long Count) : TxnResult;

/// <summary>The transaction writes one key twice; nothing was done. 400.</summary>
public sealed record KeyWrittenTwice(Revision Revision, Key Key) : Outcome(Revision);

/// <summary>The keys that the transaction gets have more bytes than one answer may have; nothing was done. 413.</summary>
public sealed record AnswerTooLarge(Revision Revision, long LimitBytes) : Outcome(Revision);

// ---- fences and history

/// <summary>The token is the highest, or equal to it.</summary>
public sealed record FencePassed(Revision Revision, FencingToken Highest) : Outcome(Revision);

/// <summary>A higher token was seen already. 412.</summary>
/// <param name="Highest">None where <see cref="IsUntold"/>.</param>
public sealed record FenceStale(Revision Revision, FencingToken Highest) : Outcome(Revision)
{
    /// <summary>Whoever asked may not read the fence.</summary>
    public bool IsUntold { get; init; }
}

/// <summary>No grant can have given this token yet. 400.</summary>
public sealed record TokenFromFuture(Revision Revision) : Outcome(Revision);

/// <summary>The token is of a hold beside which others may stand: such tokens do not put their holders in an order. 400.</summary>
/// <param name="Object">Without a name where <see cref="IsUntold"/>.</param>
public sealed record TokenNotExclusive(Revision Revision, ObjectName Object) : Outcome(Revision)
{
    /// <summary>The hold is another principal's, and whoever asked may not read what it is of.</summary>
    public bool IsUntold { get; init; }
}

public sealed record FenceReset(Revision Revision, bool Existed) : Outcome(Revision);

// ---- settings

/// <summary>The setting is this now, on every member.</summary>
public sealed record SettingPut(Revision Revision, Setting Setting, long Value) : Outcome(Revision);

/// <summary>The value is below the lowest or above the highest that the setting takes; nothing was done. 400.</summary>
public sealed record SettingOutOfRange(Revision Revision, Setting Setting) : Outcome(Revision);

// ---- any command

public enum BoundKind
{
    Leases = 1,
    Locks = 2,
    Waiters = 3,
    IdempotencyKeys = 4,
    LeaseAttachments = 5,
    Fences = 6,
    Holders = 7,

    /// <summary>In the line of one lock, semaphore or election.</summary>
    WaitersOfOne = 8,
    Roles = 9,
    Rules = 10,
    Principals = 11,

    /// <summary>Of one principal.</summary>
    RolesOfOne = 12,
    Revocations = 13,
    Tokens = 14,
    LeasesOfPrincipal = 15,

    /// <summary>Waiting places, too.</summary>
    HoldsOfPrincipal = 16,
    IdempotencyBytesOfPrincipal = 17,
}

/// <summary>A published bound is reached (rule 24); nothing was done. 429.</summary>
public sealed record BoundReached(Revision Revision, BoundKind Bound, long Limit) : Outcome(Revision)
{
    /// <summary>In how much cluster time there is room again, if nobody else takes it; 0 where that is not known.</summary>
    public long RetryAfterMicros { get; init; }
}

/// <summary>The state's byte quota is used up; nothing was done. Deletes, releases, expiries still pass. 507.</summary>
public sealed record QuotaExceeded(Revision Revision, long LimitBytes) : Outcome(Revision);

/// <summary>The command touches more than 10,000 objects; nothing was done. 413.</summary>
public sealed record TooManyObjects(Revision Revision, long Limit) : Outcome(Revision);

/// <summary>The idempotency key was used for another request; nothing was done. 422.</summary>
public sealed record IdempotencyMismatch(Revision Revision) : Outcome(Revision);

/// <summary>The identity had an effect, but its answer is not kept, for its age or for want of room; nothing was done now. 409.</summary>
public sealed record RetryTooLate(Revision Revision) : Outcome(Revision);

/// <summary>The identity had an effect once, but the hold it got is gone (rule 21): 410.</summary>
public sealed record ReplayedHoldGone(Revision Revision, HoldLoss? Loss) : Outcome(Revision)
{
    /// <summary>What it was granted beside that and still has: of several locks only.</summary>
    public ImmutableArray<Hold> Left { get; init; } = [];
}

/// <summary>Bookkeeping commands (expire, detach, announce, cancel) that nobody waits for.</summary>
public sealed record Noted(Revision Revision) : Outcome(Revision);
