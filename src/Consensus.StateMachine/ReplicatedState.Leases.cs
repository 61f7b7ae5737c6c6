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
    private readonly CowTree<LeaseItem, bool> _leaseHolds = new();
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
        StartLease(c.Id, c.TtlMicros);
        return new LeaseGranted(Revision, c.Id, c.TtlMicros);
    }

    private LeasesRenewed RenewLeases(RenewLeasesCommand c)
    {
        var renewals = ImmutableArray.CreateBuilder<LeaseRenewal>(c.Ids.Length);
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

    /// <summary>Ends what is due by this entry's own stamp, oldest first, up to the bound of one command (rules 2, 9).</summary>
    private Noted Expire()
    {
        var touched = 0;
        while (touched < _limits.MaxObjectsPerCommand
            && _leaseDeadlines.TryFirst(out var due, out _)
            && due.Deadline <= _stamp)
        {
            _leases.TryGet(new LeaseId(due.Id), out var lease);
            touched += 1 + lease.Attachments;
            EndLease(lease, LossReason.Expired);
        }
        while (touched < _limits.MaxObjectsPerCommand
            && _waitDeadlines.TryFirst(out var due, out var name)
            && due.Deadline <= _stamp)
        {
            touched++;
            EndWait(new WaiterKey(name, due.Id));
        }
        return new Noted(Revision);
    }

    private LeaseRecord StartLease(LeaseId id, long ttlMicros)
    {
        var lease = new LeaseRecord(id, ttlMicros, DeadlineAfter(ttlMicros), 0, 0, 0);
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
        return renewed;
    }

    private ClusterTime DeadlineAfter(long micros) =>
        micros >= ClusterTime.Never.Micros - _stamp.Micros ? ClusterTime.Never : _stamp.PlusMicros(micros);

    private void ChangeLease(LeaseId id, int keys = 0, int holds = 0, int waiters = 0)
    {
        if (_leases.TryGet(id, out var lease))
        {
            _leases.Set(id, lease with { Keys = lease.Keys + keys, Holds = lease.Holds + holds, Attachments = lease.Attachments + keys + holds + waiters });
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
        var keys = DeleteKeysOf(lease.Id);
        foreach (var (item, sequence) in ItemsOf(_leaseWaiters, lease.Id))
        {
            RemoveWaiter(new WaiterKey(item.Name, sequence), out var waiter);
            Resolve(waiter.Request, new LeaseMissing(Revision, lease.Id));
        }
        var holds = ItemsOf(_leaseHolds, lease.Id);
        foreach (var (item, _) in holds)
        {
            LoseHold(item.Name, reason);
        }
        return (keys, holds.Count);
    }

    private long DeleteKeysOf(LeaseId lease)
    {
        var items = ItemsOf(_leaseKeys, lease);
        foreach (var (item, _) in items)
        {
            _leaseKeys.Remove(item);
            _keys.TryGet(item.Name, out var record);
            _keys.Remove(item.Name);
            _stateBytes -= SizeOf(item.Name, record.Value);
        }
        if (items.Count > 0)
        {
            Bump();
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
}
