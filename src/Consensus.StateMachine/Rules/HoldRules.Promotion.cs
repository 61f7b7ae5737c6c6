using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>How a waiting place becomes a hold, or comes to nothing. Whose turn it is, <see cref="LineRules"/> say.</summary>
internal sealed partial class HoldRules
{
    /// <summary>Grants in order what can be granted now: called whenever anything ended that could have been in the way.</summary>
    /// <returns>What the entry's own request was granted, if it was among them: it is the outcome of the entry, and is resolved with that.</returns>
    public Outcome? Promote(ObjectName name)
    {
        var own = default(Outcome);
        var record = state.Objects[name];
        while (lines.HasTurns(name, record))
        {
            if (entry.Promotions >= state.Limits.MaxObjectsPerStep)
            {
                state.Objects.SetUnsettled(name, record, true);
                entry.Output.Objects++;
                return own;
            }
            if (lines.Next(name, record) is not { } waiter)
            {
                break;
            }
            entry.Promotions++;
            if (LineRules.WantsTooMuch(name.Space, record, waiter))
            {
                Refuse(waiter, record.Permits);
            }
            else
            {
                var granted = GrantWaiter(waiter);
                own = waiter.Request == entry.Request ? granted : own;
            }
            record = state.Objects[name];
        }
        state.Objects.SetUnsettled(name, record, false);
        return own;
    }

    public void Promote(TouchedObjects objects)
    {
        foreach (var name in objects.InOrder)
        {
            Promote(name);
        }
    }

    /// <summary>Leaves it to the next expiry, which finds what is unsettled.</summary>
    public void PromoteLater(TouchedObjects objects)
    {
        foreach (var name in objects.InOrder)
        {
            var record = state.Objects[name];
            state.Objects.SetUnsettled(name, record, lines.HasTurns(name, record));
        }
    }

    /// <summary>Looks behind places that are no more.</summary>
    public void PromoteBehind(IReadOnlyList<WaiterRecord> places)
    {
        foreach (var place in places)
        {
            Promote(place.Object);
        }
    }

    /// <summary>Makes holds of all places of a request, and tells whoever waits there, unless it is the entry's own request.</summary>
    public Outcome GrantWaiter(WaiterRecord waiter)
    {
        var granted = waiter.LockCount > 0 ? GrantSeveral(waiter) : (Outcome)GrantPlace(waiter, ClaimOf(waiter), leaseWaiters: -1);
        retries.KeepGrant(waiter, granted);
        if (waiter.Request != entry.Request)
        {
            if (state.Detaching.Concerns(waiter))
            {
                // As if it had been detached before: a process that lives after all must not tell of a hold that counts as told to nobody.
                entry.Resolve(waiter.Request, new WaitDetached(state.Revision));
            }
            entry.Resolve(waiter.Request, granted);
        }
        return granted;
    }

    /// <summary>Under a session a place whose process is lost may have its turn before it is detached: nobody is told.</summary>
    private Claim ClaimOf(WaiterRecord waiter) =>
        state.Detaching.Concerns(waiter) ? waiter.Claim with { IsUntaken = true } : waiter.Claim;

    /// <summary>Under one lease, each with a token of its own, in the order asked.</summary>
    private ManyGranted GrantSeveral(WaiterRecord first)
    {
        var claim = ClaimOf(first);
        var leaseWaiters = -1;
        if (claim.SharedLease.IsNone)
        {
            var lease = state.Leases.Start(
                claim.OwnLease, claim.TtlMicros, entry.DeadlineAfter(claim.TtlMicros), holds: 0, isOwn: true, claim.Owner.Principal);
            (claim, leaseWaiters) = (claim with { OwnLease = LeaseId.None, SharedLease = lease.Id }, 0);
        }
        var holds = ImmutableArray.CreateBuilder<Hold>();
        foreach (var place in state.Waiters.PlacesOf(first))
        {
            holds.Add(GrantPlace(place, claim, leaseWaiters).Hold);
        }
        return new ManyGranted(state.Revision, holds.ToImmutable()) { WaitedMicros = entry.Stamp - first.Asked };
    }

    private HoldGranted GrantPlace(WaiterRecord place, in Claim claim, int leaseWaiters)
    {
        var before = state.Objects[place.Object];
        state.Waiters.Remove(place);
        state.Sessions.Forget(place);
        return Grant(place.Object, before, before.Without(place), claim, entry.Stamp - place.Asked, leaseWaiters);
    }

    /// <summary>Ends the wait for more permits than there are.</summary>
    public PermitsMismatch Refuse(WaiterRecord waiter, long permits)
    {
        var refused = new PermitsMismatch(state.Revision, permits);
        RemoveWaiter(waiter, SessionEnd.Refused);
        retries.KeepBriefly(waiter, refused);
        if (waiter.Request != entry.Request)
        {
            entry.Resolve(waiter.Request, refused);
        }
        return refused;
    }
}
