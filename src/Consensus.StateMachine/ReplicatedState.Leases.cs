using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine;

/// <summary>Leases: alive until an entry ends them, judged by that entry's stamp (rule 2).</summary>
public sealed partial class ReplicatedState
{
    private readonly CowTree<LeaseId, LeaseRecord> _leases = new();
    private readonly CowTree<LeaseItem, bool> _leaseKeys = new();
    private readonly CowTree<LeaseHold, ObjectName> _leaseHolds = new();
    private readonly CowTree<Due, bool> _leaseDeadlines = new();

    private Outcome GrantLease(GrantLeaseCommand c)
    {
        if (_leases.Contains(c.Id) || c.Id.IsNone)
        {
            return new LeaseIdTaken(Revision, c.Id);
        }
        if (_leases.Count >= _limits.MaxLeases)
        {
            return new BoundReached(Revision, BoundKind.Leases, _limits.MaxLeases);
        }
        StartLease(c.Id, c.TtlMicros, holds: 0, isOwn: false);
        return new LeaseGranted(Revision, c.Id, c.TtlMicros);
    }

    private LeasesRenewed RenewLeases(RenewLeasesCommand c)
    {
        var renewals = ImmutableArray.CreateBuilder<LeaseRenewal>(c.Ids.Length);
        _output.Objects += c.Ids.Length;
        foreach (var id in c.Ids)
        {
            renewals.Add(_leases.TryGet(id, out var lease)
                ? new LeaseRenewal(id, lease.TtlMicros, Renew(lease).Deadline)
                : new LeaseRenewal(id, 0, ClusterTime.Zero));
        }
        return new LeasesRenewed(Revision, renewals.MoveToImmutable());
    }

    private Outcome RevokeLease(RevokeLeaseCommand c)
    {
        if (!_leases.TryGet(c.Id, out var lease))
        {
            return new LeaseMissing(Revision, c.Id);
        }
        var (keys, holds) = EndLease(lease, LossReason.Revoked);
        return new LeaseRevoked(Revision, c.Id, keys, holds);
    }

    private LeaseRecord StartLease(LeaseId id, long ttlMicros, int holds, bool isOwn)
    {
        var lease = new LeaseRecord(id, ttlMicros, DeadlineAfter(ttlMicros), 0, holds, holds, isOwn);
        _leases.Set(id, lease);
        _leaseDeadlines.Set(new Due(lease.Deadline, id.Value), true);
        return lease;
    }

    /// <summary>A renewal never moves a deadline back (rule 2).</summary>
    private LeaseRecord Renew(LeaseRecord lease)
    {
        var deadline = ClusterTime.Max(lease.Deadline, DeadlineAfter(lease.TtlMicros));
        if (deadline == lease.Deadline)
        {
            return lease;
        }
        _leaseDeadlines.Remove(new Due(lease.Deadline, lease.Id.Value));
        _leaseDeadlines.Set(new Due(deadline, lease.Id.Value), true);
        var renewed = lease with { Deadline = deadline };
        _leases.Set(lease.Id, renewed);
        if (lease.Deadline <= _stamp && lease.HasWaiters)
        {
            // Past its deadline it was passed over; now it can be granted again what became free meanwhile.
            var waitedFor = new TouchedObjects();
            WaitersOf(lease.Id).ForEach(place => waitedFor.Add(place.Object));
            waitedFor.ForEach(Promote);
        }
        return renewed;
    }

    private ClusterTime DeadlineAfter(long micros) =>
        micros >= ClusterTime.Never.Micros - _stamp.Micros ? ClusterTime.Never : _stamp.PlusMicros(micros);

    /// <summary>Null when there is no such lease.</summary>
    private LeaseRecord? ChangeLease(LeaseId id, int keys = 0, int holds = 0, int waiters = 0)
    {
        if (!_leases.TryGet(id, out var lease))
        {
            return null;
        }
        var changed = lease with { Keys = lease.Keys + keys, Holds = lease.Holds + holds, Attachments = lease.Attachments + keys + holds + waiters };
        _leases.Set(id, changed);
        return changed;
    }

    /// <summary>A hold went from its lease; one that was made for holds ends with the last of them.</summary>
    private void LeaveLease(LeaseId id)
    {
        if (!_leases.TryGet(id, out var lease))
        {
            return;
        }
        var left = lease with { Holds = lease.Holds - 1, Attachments = lease.Attachments - 1 };
        if (left is { IsOwn: true, Holds: 0 })
        {
            EndLease(left, LossReason.Revoked);
        }
        else
        {
            _leases.Set(id, left);
        }
    }

    private void ForgetLease(LeaseRecord lease)
    {
        _leases.Remove(lease.Id);
        _leaseDeadlines.Remove(new Due(lease.Deadline, lease.Id.Value));
    }

    /// <summary>Frees everything that the lease carried, in one step: its keys in one revision, each lost hold and each grant that follows in one of its own.</summary>
    private (long Keys, long Holds) EndLease(LeaseRecord lease, LossReason reason)
    {
        ForgetLease(lease);
        if (lease.Attachments == 0)
        {
            return (0, 0);
        }
        var keys = DeleteKeysOf(lease.Id);

        // All its places before anybody behind them is looked for: else each end would walk past the rest of them.
        var freed = new TouchedObjects();
        foreach (var place in WaitersOf(lease.Id))
        {
            var waiter = RemoveWaiter(place);
            var missing = new LeaseMissing(Revision, lease.Id);
            Resolve(waiter.Request, missing);
            KeepBriefly(waiter, missing);
            freed.Add(place.Object);
        }
        freed.ForEach(Promote);
        var holds = HoldsOf(lease.Id);
        foreach (var (name, token) in holds)
        {
            var hold = FindHold(name, token);
            Invariant.Require(hold is not null, "a lease knows the holds that hang on it");
            LoseHold(name, hold, reason);
        }
        return (keys, holds.Count);
    }

    private long DeleteKeysOf(LeaseId lease)
    {
        var items = ItemsOf(_leaseKeys, lease);
        var revision = items.Count > 0 ? Bump() : Revision;
        foreach (var (item, _) in items)
        {
            _keys.TryGet(item.Name, out var record);
            ChangeKey(new KeyChange(revision, item.Name, record, null));
        }
        return items.Count;
    }

    private static List<(LeaseItem Item, T Value)> ItemsOf<T>(CowTree<LeaseItem, T> tree, LeaseId lease)
    {
        var items = new List<(LeaseItem, T)>();
        foreach (var (item, value) in tree.Peek().From(new LeaseItem(lease, default)))
        {
            if (item.Lease != lease)
            {
                break;
            }
            items.Add((item, value));
        }
        return items;
    }

    private List<WaiterKey> WaitersOf(LeaseId lease)
    {
        var places = new List<WaiterKey>();
        foreach (var (item, _) in _leaseWaiters.Peek().From(new LeaseWaiter(lease, default)))
        {
            if (item.Lease != lease)
            {
                break;
            }
            places.Add(item.Place);
        }
        return places;
    }

    private List<HoldKey> HoldsOf(LeaseId lease)
    {
        var items = new List<HoldKey>();
        foreach (var (item, name) in _leaseHolds.Peek().From(new LeaseHold(lease, FencingToken.None)))
        {
            if (item.Lease != lease)
            {
                break;
            }
            items.Add(new HoldKey(name, item.Token));
        }
        return items;
    }
}
