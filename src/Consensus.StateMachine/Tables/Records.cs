using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Tables;

/// <summary>A lease as it is stored. Immutable; a change replaces it.</summary>
/// <param name="Attachments">Keys, holds and waiting places that it carries.</param>
internal sealed record LeaseRecord(LeaseId Id, long TtlMicros, ClusterTime Deadline, int Keys, int Holds, int Attachments);

/// <summary>Under which identity a request may be retried: its idempotency key within its principal (rule 21).</summary>
internal readonly record struct Identity(string Principal, Key IdempotencyKey) : IComparable<Identity>
{
    public bool IsNone => IdempotencyKey.IsEmpty;

    public int CompareTo(Identity other)
    {
        var byPrincipal = string.CompareOrdinal(Principal, other.Principal);
        return byPrincipal != 0 ? byPrincipal : IdempotencyKey.CompareTo(other.IdempotencyKey);
    }
}

/// <param name="OwnsLease">The lease was made for this hold and goes with it.</param>
/// <param name="Request">The request that it was granted to.</param>
internal sealed record HoldRecord(
    string Owner,
    FencingToken Token,
    LeaseId Lease,
    bool OwnsLease,
    RequestId Request,
    long WaitedMicros);

/// <summary>A lock that is held, waited for, or of which something is remembered.</summary>
/// <param name="FactSequence">Its place among the remembered ones while nobody holds or awaits it; else 0.</param>
internal sealed record LockRecord(HoldRecord? Hold, long Waiters, FencingToken LastReleased, LockLoss? LastLoss, long FactSequence)
{
    public static readonly LockRecord Free = new(null, 0, FencingToken.None, null, 0);

    public bool IsActive => Hold is not null || Waiters > 0;
}

/// <summary>A waiting place. <see cref="Sequence"/> orders all waiters by arrival.</summary>
/// <param name="DetachedUntil">Set while its connection's member is lost: it keeps its place, ungranted, until then (rule 18).</param>
internal sealed record WaiterRecord(
    long Sequence,
    Key Name,
    string Owner,
    RequestId Request,
    Identity Identity,
    ReadOnlyMemory<byte> Fingerprint,
    long TtlMicros,
    LeaseId OwnLease,
    LeaseId SharedLease,
    ClusterTime Asked,
    ClusterTime WaitDeadline,
    ClusterTime? DetachedUntil)
{
    public bool IsDetached => DetachedUntil is not null;

    public ClusterTime Deadline => DetachedUntil is { } until && until < WaitDeadline ? until : WaitDeadline;
}

/// <summary>What a request with an identity had as its effect, kept to answer a retry with.</summary>
/// <param name="Sequence">Its place among all kept, by age.</param>
internal sealed record KeptOutcome(long Sequence, ClusterTime Stored, ReadOnlyMemory<byte> Fingerprint, EffectKind Kind, Key Key, long A, long B, long C, long D)
{
    public int Bytes => 160 + Key.Length + Fingerprint.Length;
}

/// <summary>Outcomes that changed state. The numbers are in snapshots.</summary>
internal enum EffectKind
{
    /// <summary>A create revision, B mod revision, C version, D lease.</summary>
    Put = 1,

    /// <summary>A revision, B count.</summary>
    Delete = 2,

    /// <summary>A revision, B lease, C TTL in microseconds.</summary>
    LeaseGranted = 3,

    /// <summary>A revision, B lease, C keys deleted, D locks freed.</summary>
    LeaseRevoked = 4,

    /// <summary>A token, B waited microseconds.</summary>
    LockGranted = 5,

    /// <summary>A revision.</summary>
    LockReleased = 6,
}

/// <summary>A lease with one thing that hangs on it.</summary>
internal readonly record struct LeaseItem(LeaseId Lease, Key Name) : IComparable<LeaseItem>
{
    public int CompareTo(LeaseItem other)
    {
        var byLease = Lease.CompareTo(other.Lease);
        return byLease != 0 ? byLease : Name.CompareTo(other.Name);
    }
}

internal readonly record struct WaiterKey(Key Name, long Sequence) : IComparable<WaiterKey>
{
    public int CompareTo(WaiterKey other)
    {
        var byName = Name.CompareTo(other.Name);
        return byName != 0 ? byName : Sequence.CompareTo(other.Sequence);
    }
}

internal readonly record struct Due(ClusterTime Deadline, long Id) : IComparable<Due>
{
    public int CompareTo(Due other)
    {
        var byTime = Deadline.CompareTo(other.Deadline);
        return byTime != 0 ? byTime : Id.CompareTo(other.Id);
    }
}

internal readonly record struct MemberWaiter(MemberId Member, long Sequence) : IComparable<MemberWaiter>
{
    public int CompareTo(MemberWaiter other)
    {
        var byMember = Member.CompareTo(other.Member);
        return byMember != 0 ? byMember : Sequence.CompareTo(other.Sequence);
    }
}
