using Consensus.Primitives;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Tables;

/// <param name="Principal">Whose it is.</param>
/// <param name="Request">The request that it was granted to; none when more than one was told.</param>
/// <param name="Until">It is lost then, whatever is renewed; <see cref="ClusterTime.Never"/> without a bound.</param>
internal sealed record HoldRecord(
    string Principal,
    string Owner,
    FencingToken Token,
    LeaseId Lease,
    RequestId Request,
    long WaitedMicros,
    ClusterTime Until,
    HoldTerms Terms)
{
    public OwnerName OwnerName => new(Principal, Owner);

    /// <summary>Null unless its lease is a session.</summary>
    public SessionMark? Mark { get; init; }
}

/// <summary>The holds of one object stand in the order of their tokens.</summary>
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

/// <summary>An owner is who calls itself so of one principal: of others it may have the same name.</summary>
internal readonly record struct OwnerName(string Principal, string Owner) : IComparable<OwnerName>
{
    public int CompareTo(OwnerName other)
    {
        var byPrincipal = string.CompareOrdinal(Principal, other.Principal);
        return byPrincipal != 0 ? byPrincipal : string.CompareOrdinal(Owner, other.Owner);
    }
}

/// <summary>A hold by its owner: of an object, in the order of the tokens.</summary>
internal readonly record struct OwnerHold(ObjectName Object, OwnerName Owner, FencingToken Token) : IComparable<OwnerHold>
{
    public int CompareTo(OwnerHold other)
    {
        var byObject = Object.CompareTo(other.Object);
        var byOwner = byObject != 0 ? byObject : Owner.CompareTo(other.Owner);
        return byOwner != 0 ? byOwner : Token.CompareTo(other.Token);
    }
}

/// <summary>As above, by its lease.</summary>
internal readonly record struct LeasedHold(ObjectName Object, LeaseId Lease, FencingToken Token) : IComparable<LeasedHold>
{
    public int CompareTo(LeasedHold other)
    {
        var byObject = Object.CompareTo(other.Object);
        var byLease = byObject != 0 ? byObject : Lease.CompareTo(other.Lease);
        return byLease != 0 ? byLease : Token.CompareTo(other.Token);
    }
}

/// <summary>A hold by the number of the session's request that waited for it.</summary>
internal readonly record struct NumberedHold(SessionNumber Number, FencingToken Token) : IComparable<NumberedHold>
{
    public int CompareTo(NumberedHold other)
    {
        var byNumber = Number.CompareTo(other.Number);
        return byNumber != 0 ? byNumber : Token.CompareTo(other.Token);
    }
}

/// <param name="Shared">Shared and counted holds: a sole one is with its object.</param>
/// <param name="ByLease">All holds.</param>
internal readonly record struct HoldsView(FrozenTree<HoldKey, HoldRecord> Shared, FrozenTree<LeaseHold, ObjectName> ByLease);
