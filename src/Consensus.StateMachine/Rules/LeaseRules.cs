using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>Leases: alive until an entry ends them, judged by that entry's stamp (rule 2).</summary>
internal sealed class LeaseRules(StateTables state, Applying entry, HoldRules holds, AccessRules access, ShareRules shares)
{
    public Outcome Grant(GrantLeaseCommand c)
    {
        if (state.Leases.Contains(c.Id) || c.Id.IsNone)
        {
            return new LeaseIdTaken(state.Revision, c.Id);
        }
        if (state.Leases.Count >= state.Limits.MaxLeases)
        {
            return new BoundReached(state.Revision, BoundKind.Leases, state.Limits.MaxLeases);
        }
        if (shares.RefuseLease() is { } tooMany)
        {
            return tooMany;
        }
        var grows = LeaseRecord.BytesOf(entry.Principal) + (c.IsSession ? SessionRecord.BytesOf(entry.Principal) : 0);
        if (state.RefuseGrowth(grows) is { } full)
        {
            return full;
        }
        state.Leases.Start(c.Id, c.TtlMicros, entry.DeadlineAfter(c.TtlMicros), holds: 0, isOwn: false, entry.Principal);
        entry.Output.Objects++;
        if (c.IsSession)
        {
            state.Sessions.Start(c.Id, entry.Principal);
        }
        return new LeaseGranted(state.Revision, c.Id, c.TtlMicros);
    }

    public Outcome Renew(RenewLeasesCommand c)
    {
        if (c.Ids is [var only] && state.Leases.TryGet(only, out var alone) && access.RefuseRenewal(alone) is { } forbidden)
        {
            return forbidden;
        }
        var renewals = ImmutableArray.CreateBuilder<LeaseRenewal>(c.Ids.Length);
        entry.Output.Objects += c.Ids.Length;
        var judged = 0;
        foreach (var id in c.Ids)
        {
            var isThere = state.Leases.TryGet(id, out var lease);
            if (isThere && state.Policies.IsEnabled)
            {
                // By the holds that there are and not by those that have to be judged, which is not the same on every member.
                judged += lease.Holds;
            }
            var isLeft = judged > state.Limits.MaxObjectsPerCommand && renewals.Count > 0;
            renewals.Add(
                isLeft ? new LeaseRenewal(id, 0, ClusterTime.Zero) { IsLeft = true }
                : !isThere ? new LeaseRenewal(id, 0, ClusterTime.Zero)
                : access.RefuseRenewal(lease) is not null ? new LeaseRenewal(id, 0, ClusterTime.Zero) { IsForbidden = true }
                : new LeaseRenewal(id, lease.TtlMicros, Renew(lease).Deadline));
        }
        return new LeasesRenewed(state.Revision, renewals.MoveToImmutable());
    }

    public Outcome Revoke(RevokeLeaseCommand c)
    {
        if (!state.Leases.TryGet(c.Id, out var lease))
        {
            return new LeaseMissing(state.Revision, c.Id) { WasToEnd = true };
        }
        var (keys, freed) = holds.EndLease(lease, LossCause.Revoked(c.By));
        return new LeaseRevoked(state.Revision, c.Id, keys, freed);
    }

    /// <summary>A renewal never moves a deadline back (rule 2).</summary>
    public LeaseRecord Renew(LeaseRecord lease)
    {
        state.Sessions.Hear(lease.Id);
        var deadline = ClusterTime.Max(lease.Deadline, entry.DeadlineAfter(lease.TtlMicros));
        if (deadline == lease.Deadline)
        {
            return lease;
        }
        var renewed = state.Leases.Move(lease, deadline);
        if (lease.Deadline <= entry.Stamp && lease.HasWaiters)
        {
            // Past its deadline it was passed over; now it can be granted again what became free meanwhile.
            var waitedFor = new TouchedObjects();
            var places = state.Waiters.Of(lease.Id);
            entry.Output.Objects += places.Count;
            places.ForEach(place => waitedFor.Add(place.Object));
            holds.Promote(waitedFor);
        }
        return renewed;
    }
}
