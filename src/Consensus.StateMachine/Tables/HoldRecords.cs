using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Tables;

/// <summary>On what terms something is asked for and held: what is the same in a waiting place and in the hold that comes of it, which share the object.</summary>
/// <param name="Count">Permits; 1 but for a semaphore.</param>
/// <param name="MaxHoldMicros">From the grant on; 0: without end. A hold has its end in <see cref="HoldRecord.Until"/>.</param>
internal sealed record HoldTerms(
    LockMode Mode,
    long Count,
    long LockDelayMicros,
    long MaxHoldMicros,
    ReadOnlyMemory<byte> Metadata,
    ReadOnlyMemory<byte> Value)
{
    private static readonly HoldTerms Plain = new(LockMode.Exclusive, 1, 0, 0, default, default);

    /// <summary>What of it counts towards the state's byte quota.</summary>
    public long Bytes => Metadata.Length + Value.Length;

    /// <summary>Nearly all holds are on plain terms: these cost no memory each.</summary>
    public static HoldTerms Of(LockMode mode, long count, long lockDelayMicros, long maxHoldMicros, ReadOnlyMemory<byte> metadata, ReadOnlyMemory<byte> value) =>
        mode == LockMode.Exclusive && count == 1 && lockDelayMicros == 0 && maxHoldMicros == 0 && metadata.IsEmpty && value.IsEmpty
            ? Plain
            : new HoldTerms(mode, count, lockDelayMicros, maxHoldMicros, metadata, value);
}

/// <summary>One who asks, with all that a grant needs. Exactly one of the two leases is given: an own one starts at the grant.</summary>
internal readonly record struct Claim(string Owner, RequestId Request, long TtlMicros, LeaseId OwnLease, LeaseId SharedLease, HoldTerms Terms);

/// <param name="Request">The request that it was granted to; none when more than one was told.</param>
/// <param name="Until">It is lost then, whatever is renewed; <see cref="ClusterTime.Never"/> without a bound.</param>
internal sealed record HoldRecord(
    string Owner,
    FencingToken Token,
    LeaseId Lease,
    RequestId Request,
    long WaitedMicros,
    ClusterTime Until,
    HoldTerms Terms);

/// <summary>After a loss only <paramref name="Owner"/> is granted anything until then.</summary>
/// <param name="Token">Of the lost hold.</param>
internal sealed record LockDelay(string Owner, ClusterTime Until, FencingToken Token);

/// <summary>A lock, semaphore or election that is in use, or of which something is remembered; its waiting places, shared and counted holds are in tables of their own.</summary>
/// <param name="Sole">The holder of a lock that is held exclusively, or of an election.</param>
/// <param name="Mode">Of the present holders; exclusive without any.</param>
/// <param name="Permits">A semaphore's limit while anybody holds or waits; else 0.</param>
/// <param name="PermitsUsed">The holders' counts together.</param>
/// <param name="Attached">Those of <paramref name="Waiters"/> that are not detached.</param>
/// <param name="Released">The newest released tokens, oldest first.</param>
/// <param name="Losses">The newest losses, oldest first.</param>
/// <param name="IsUnsettled">Waiters who could be granted are left over for a later entry, because one may not touch more (rule 9).</param>
/// <param name="FactSequence">Its place among the remembered ones while it is not in use; else 0.</param>
internal sealed record LockRecord(
    HoldRecord? Sole,
    LockMode Mode,
    long Holders,
    long Permits,
    long PermitsUsed,
    long Waiters,
    long Attached,
    ImmutableArray<FencingToken> Released,
    ImmutableArray<LockLoss> Losses,
    LockDelay? Delay,
    bool IsUnsettled,
    long FactSequence)
{
    public static readonly LockRecord Free = new(null, LockMode.Exclusive, 0, 0, 0, 0, 0, [], [], null, false, 0);

    /// <summary>Held, waited for, or kept for its last owner.</summary>
    public bool IsActive => Holders > 0 || Waiters > 0 || Delay is not null;

    public LockLoss? LastLoss => Losses is [.., var last] ? last : null;

    /// <summary>With one more hold, which ends a lock delay.</summary>
    public LockRecord With(HoldRecord hold, bool isSole) => this with
    {
        Sole = isSole ? hold : null,
        Mode = hold.Terms.Mode,
        Holders = Holders + 1,
        PermitsUsed = PermitsUsed + hold.Terms.Count,
        Delay = null,
    };

    public LockRecord Without(HoldRecord hold, ImmutableArray<FencingToken> released, ImmutableArray<LockLoss> losses) => this with
    {
        Released = released,
        Losses = losses,
        Sole = null,
        Mode = Holders == 1 ? LockMode.Exclusive : Mode,
        Holders = Holders - 1,
        PermitsUsed = PermitsUsed - hold.Terms.Count,
    };
}

/// <summary>A waiting place. <see cref="Sequence"/> orders all waiters by arrival.</summary>
/// <param name="DetachedUntil">Set while its connection's member is lost: it keeps its place, ungranted, until then (rule 18).</param>
internal sealed record WaiterRecord(
    long Sequence,
    ObjectName Object,
    string Owner,
    RequestId Request,
    Identity Identity,
    ReadOnlyMemory<byte> Fingerprint,
    long TtlMicros,
    LeaseId OwnLease,
    LeaseId SharedLease,
    ClusterTime Asked,
    ClusterTime WaitDeadline,
    ClusterTime? DetachedUntil,
    HoldTerms Terms)
{
    public bool IsDetached => DetachedUntil is not null;

    public ClusterTime Deadline => DetachedUntil is { } until && until < WaitDeadline ? until : WaitDeadline;

    public WaiterKey Key => new(Object, Sequence);

    public Claim Claim => new(Owner, Request, TtlMicros, OwnLease, SharedLease, Terms);
}

/// <summary>Shared and counted holds of one object stand in the order of their tokens.</summary>
internal readonly record struct HoldKey(ObjectName Object, FencingToken Token) : IComparable<HoldKey>
{
    public int CompareTo(HoldKey other)
    {
        var byObject = Object.CompareTo(other.Object);
        return byObject != 0 ? byObject : Token.CompareTo(other.Token);
    }
}

/// <summary>A lease with one hold that hangs on it; no two holds ever have the same token.</summary>
internal readonly record struct LeaseHold(LeaseId Lease, FencingToken Token) : IComparable<LeaseHold>
{
    public int CompareTo(LeaseHold other)
    {
        var byLease = Lease.CompareTo(other.Lease);
        return byLease != 0 ? byLease : Token.CompareTo(other.Token);
    }
}

/// <summary>A lease with one waiting place under it, of which it may have many for one object.</summary>
internal readonly record struct LeaseWaiter(LeaseId Lease, WaiterKey Place) : IComparable<LeaseWaiter>
{
    public int CompareTo(LeaseWaiter other)
    {
        var byLease = Lease.CompareTo(other.Lease);
        return byLease != 0 ? byLease : Place.CompareTo(other.Place);
    }
}

internal readonly record struct WaiterKey(ObjectName Object, long Sequence) : IComparable<WaiterKey>
{
    public int CompareTo(WaiterKey other)
    {
        var byObject = Object.CompareTo(other.Object);
        return byObject != 0 ? byObject : Sequence.CompareTo(other.Sequence);
    }
}

/// <summary>The waiters of one owner for one object stand together, in order of arrival.</summary>
internal readonly record struct OwnerWaiter(ObjectName Object, string Owner, long Sequence) : IComparable<OwnerWaiter>
{
    public int CompareTo(OwnerWaiter other)
    {
        var byObject = Object.CompareTo(other.Object);
        if (byObject != 0)
        {
            return byObject;
        }
        var byOwner = string.CompareOrdinal(Owner, other.Owner);
        return byOwner != 0 ? byOwner : Sequence.CompareTo(other.Sequence);
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
