using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>Who wants how much of an object: as much of a request as decides whether it may have it beside others.</summary>
/// <param name="Lease">That was named; none for one of its own.</param>
/// <param name="Permits">The semaphore's limit; 0 elsewhere.</param>
internal readonly record struct Wanted(OwnerName Owner, LeaseId Lease, LockMode Mode, long Count, long Permits)
{
    public static Wanted By(AcquireCommand c, string principal) =>
        new(new OwnerName(principal, c.Owner), c.SharedLease, AskedTerms.ModeOf(c), AskedTerms.CountOf(c), AskedTerms.PermitsOf(c));

    /// <summary>Each of several locks.</summary>
    public static Wanted By(AcquireManyCommand c, string principal) =>
        new(new OwnerName(principal, c.Owner), c.SharedLease, LockMode.Exclusive, 1, 0);

    /// <summary>One who waits: the limit is the one that the semaphore has now.</summary>
    public static Wanted By(WaiterRecord waiter, ObjectRecord record) =>
        new(waiter.OwnerName, waiter.SharedLease, waiter.Terms.Mode, waiter.Terms.Count, record.Permits);
}
