using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine;

/// <summary>One key as it is stored.</summary>
public sealed record KeyRecord(ReadOnlyMemory<byte> Value, Revision CreateRevision, Revision ModRevision, long Version, LeaseId Lease);

/// <summary>A key with its record, as listed.</summary>
public readonly record struct KeyItem(Key Key, KeyRecord Record);

/// <param name="Deadline">In cluster time; informs only (rule 4).</param>
/// <param name="Keys">At most 100 of the keys it carries; <paramref name="KeyCount"/> is the whole number.</param>
/// <param name="Holds">At most 100 of the locks, semaphores and elections it holds; <paramref name="HoldCount"/> is the whole number.</param>
public sealed record LeaseInfo(
    LeaseId Id, long TtlMicros, ClusterTime Deadline, ImmutableArray<Key> Keys, long KeyCount, ImmutableArray<ObjectName> Holds,
    long HoldCount)
{
    /// <summary>Whose it is.</summary>
    public string Principal { get; init; } = "";

    /// <summary>How many of the keys and holds are left out because whoever asks may not read them.</summary>
    public int HiddenNames { get; init; }
}

/// <summary>What a session has beside its lease.</summary>
/// <param name="Acked">Up to this number its client knows the answers.</param>
/// <param name="Highest">The highest number that was taken; 0 before the first.</param>
/// <param name="Answers">That are kept until they are acknowledged.</param>
/// <param name="Version">It rises whenever a hold or a place under the session begins or ends.</param>
public sealed record SessionInfo(LeaseId Id, long Acked, long Highest, long Answers, long Version);

/// <summary>Why a hold or a place under a living session ended. The numbers are in snapshots.</summary>
public enum SessionEnd
{
    /// <summary>Its holder gave it up, not under a number of this session.</summary>
    Released = 1,

    /// <summary>An operator broke it.</summary>
    Forced = 2,

    /// <summary>It was held for as long as its <c>maxHold</c> allows.</summary>
    HeldTooLong = 3,

    /// <summary>It was passed to a waiter, not under a number of this session.</summary>
    HandedOver = 4,

    /// <summary>A place: its wait was over.</summary>
    WaitOver = 5,

    /// <summary>A place: its number was settled, or its request withdrawn; or its connection broke, of one that has no number.</summary>
    GivenUp = 6,

    /// <summary>A place: the semaphore was given a limit below what it waits for.</summary>
    Refused = 7,
}

/// <summary>A hold or a place under a session.</summary>
/// <param name="Token">None for a place.</param>
/// <param name="Number">Of the request that stands or stood in line for it; 0 when none of the session's did.</param>
public sealed record SessionPart(ObjectName Object, FencingToken Token, long Number);

/// <summary>What the client of a session may not know of.</summary>
/// <param name="Version">The session's.</param>
/// <param name="MustList">
/// More has ended since than is remembered, or than one answer takes: what is not among all that there is has ended.
/// </param>
/// <param name="Ended">Since the asked version, in order; the newest, as many as are remembered and one answer takes.</param>
/// <param name="Began">What there is that began since, in order; of no more than one answer takes.</param>
/// <param name="Next">Where the rest of <paramref name="Began"/> goes on; null when that is all.</param>
/// <param name="HoldsUntil">The first end of a hold that may not be held for ever; <see cref="ClusterTime.Never"/> when there is none.</param>
public sealed record SessionNews(
    long Version,
    bool MustList,
    ImmutableArray<(SessionPart Part, SessionEnd Reason)> Ended,
    ImmutableArray<SessionPart> Began,
    long? Next,
    ClusterTime HoldsUntil)
{
    /// <summary>
    /// A hold among them began after the session was heard of last. Whoever tells of it has the session renewed first: its client may act
    /// on it, and then it must not end as one that nobody ever knew of (rule 18).
    /// </summary>
    public bool MustRenew { get; init; }
}

/// <summary>How much of a session's news one answer takes: it has room for at least one that began.</summary>
/// <param name="Size">Of all of them together; of that a fourth at least is for what began.</param>
/// <param name="SizeOf">Of one that began or ended.</param>
public sealed record NewsRoom(long Size, Func<SessionPart, long> SizeOf);

/// <summary>Where a request stands.</summary>
/// <param name="Position">In its line, 1 for the next.</param>
/// <param name="Deadline">In cluster time: when its wait is over.</param>
public readonly record struct PlaceInfo(long Position, ClusterTime Deadline);

/// <param name="Position">1 for the next in line.</param>
public sealed record WaiterInfo(string Owner, long Position, ClusterTime WaitDeadline, bool Detached)
{
    public LockMode Mode { get; init; }

    /// <summary>Permits asked for.</summary>
    public long Count { get; init; } = 1;
}

/// <summary>What a lost hold with a <c>lockDelay</c> had is kept for its owner until then.</summary>
/// <param name="Owner">Who alone may take it back; <see cref="Nobody"/> where it stands for the lost holds of several.</param>
/// <param name="Token">Of the lost hold; of the first where it stands for several.</param>
/// <param name="Mode">Of the lost hold: nothing exclusive is granted to others meanwhile, and nothing shared either when this was exclusive.</param>
/// <param name="Count">Permits that stay taken; 1 but for a semaphore.</param>
public sealed record HoldDelay(string Owner, ClusterTime Until, FencingToken Token, LockMode Mode, long Count)
{
    /// <summary>Whose owner it is: nobody else's of the same name may take it back.</summary>
    public string Principal { get; init; } = "";

    internal OwnerName OwnerName => new(Principal, Owner);

    /// <summary>No owner is called so.</summary>
    public const string Nobody = "";
}

/// <summary>A lock, semaphore or election as it is shown; an unknown name is an unheld one.</summary>
/// <param name="Holders">In order of their tokens, at most 100; <paramref name="HolderCount"/> is the whole number.</param>
/// <param name="Waiters">At most 100; <paramref name="WaiterCount"/> is the whole number.</param>
public sealed record HeldObject(
    ObjectName Object,
    ImmutableArray<Hold> Holders,
    long HolderCount,
    ImmutableArray<WaiterInfo> Waiters,
    long WaiterCount,
    HoldLoss? LastLoss)
{
    public Key Name => Object.Name;

    /// <summary>The first holder, if any: the only one of an exclusive lock.</summary>
    public Hold? Holder => Holders is [var first, ..] ? first : null;

    /// <summary>A semaphore's limit while it is in use, else 0.</summary>
    public long Permits { get; init; }

    public long PermitsUsed { get; init; }

    /// <summary>What is kept back for those who lost it (<c>lockDelay</c>), in the order of the losses.</summary>
    public ImmutableArray<HoldDelay> Delays { get; init; } = [];

    /// <summary>When nothing of it is kept back any more; null when nothing is.</summary>
    public ClusterTime? DelayedUntil => Delays.IsEmpty ? null : Delays.Max(static delay => delay.Until);
}

/// <summary>One event of the history: what a watch tells. Events of one revision are told together, in the order of the history.</summary>
public abstract record Change(Revision Revision);

/// <param name="Before">Null when the key did not exist before.</param>
/// <param name="After">Null when the key was deleted.</param>
public sealed record KeyChange(Revision Revision, Key Key, KeyRecord? Before, KeyRecord? After) : Change(Revision);

/// <summary>An election has another leader, none, or the leader proclaimed another value.</summary>
/// <param name="Leader">Null when nobody leads any more. Its deadline is that of the moment of the change.</param>
public sealed record ElectionChange(Revision Revision, Key Name, Hold? Leader) : Change(Revision);

/// <summary>A member as it last announced itself.</summary>
public sealed record MemberInfo(MemberId Id, string Name, long Boot, string ClientUrl, string PeerAddress, string Version, int FeatureLevel);

/// <param name="HoldsInUse">Holds of locks, semaphores and elections.</param>
public readonly record struct StateCounts(long Keys, long Leases, long HoldsInUse, long Waiters, long IdempotencyKeys, long StateBytes)
{
    public long Fences { get; init; }

    /// <summary>Leases with a table of answers.</summary>
    public long Sessions { get; init; }

    /// <summary>What is kept of the numbers of all sessions.</summary>
    public long SessionAnswers { get; init; }

    /// <summary>Holds and places that ended under sessions, as far as these remember.</summary>
    public long SessionEnds { get; init; }

    /// <summary>Identities whose answer is no longer kept, but that they had an effect.</summary>
    public long ForgottenKeys { get; init; }

    /// <summary>Identities whose answer changed nothing and is remembered for a while.</summary>
    public long BriefAnswers { get; init; }

    /// <summary>Roles that are not built in.</summary>
    public long Roles { get; init; }

    public long Principals { get; init; }

    /// <summary>Certificates that are not believed any more.</summary>
    public long Revocations { get; init; }

    /// <summary>Also those that have ended and are not forgotten yet.</summary>
    public long Tokens { get; init; }

    /// <summary>Changes in the history.</summary>
    public long Changes { get; init; }

    public long HistoryBytes { get; init; }

    /// <summary>What <see cref="StateBytes"/> may come to.</summary>
    public long QuotaBytes { get; init; }
}
