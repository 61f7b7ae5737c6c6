using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine;

/// <summary>
/// Who is next. Those who wait are granted in their order for as long as they fit, and nobody behind one who does not fit yet: a writer is not starved by
/// readers, nor a request for many permits by those for few. Who is detached, too late or without a living lease is passed over.
/// </summary>
public sealed partial class ReplicatedState
{
    private readonly CowTree<ObjectName, bool> _unsettled = new();
    private int _promotions;
    private LockGranted? _own;

    /// <summary>Grants in order what can be granted now: called whenever anything ended that could have been in the way.</summary>
    private void Promote(ObjectName name)
    {
        var record = LockAt(name);
        while (NextInLine(name, record) is { } waiter && Fits(name.Space, record, record.Permits, waiter.Terms.Mode, waiter.Terms.Count))
        {
            if (_promotions >= _limits.MaxObjectsPerCommand)
            {
                SetUnsettled(name, record, true);
                return;
            }
            _promotions++;
            GrantWaiter(waiter);
            record = LockAt(name);
        }
        SetUnsettled(name, record, false);
    }

    /// <summary>
    /// The only one who may be granted anything now; null when there is nobody, or no room for anybody. While the object is kept for its last owner, only those of that name
    /// are in line.
    /// </summary>
    private WaiterRecord? NextInLine(ObjectName name, LockRecord record)
    {
        if (record.Attached == 0 || !HasRoom(name.Space, record))
        {
            return null;
        }
        return IsDelayed(record) ? FirstGrantableOf(name, record.Delay!.Owner) : FirstGrantable(name);
    }

    /// <summary>Whether a newcomer of this name passes nobody, and the object is not kept for another.</summary>
    private bool IsOpenTo(ObjectName name, LockRecord record, string owner) =>
        (!IsDelayed(record) || record.Delay!.Owner == owner) && NextInLine(name, record) is null;

    private LockGranted GrantWaiter(WaiterRecord waiter)
    {
        var name = waiter.Object;
        var before = LockAt(name);
        TakeWaiter(waiter);
        var granted = Grant(name, before, WithoutWaiter(before, waiter), waiter.Claim, _stamp - waiter.Asked, leaseWaiters: -1);
        KeepGrant(waiter, granted);
        if (waiter.Request == _request)
        {
            _own = granted;
        }
        else
        {
            Resolve(waiter.Request, granted);
        }
        return granted;
    }

    private WaiterRecord? FirstGrantable(ObjectName name)
    {
        var from = 0L;
        while (_attached.TryFirstFrom(new WaiterKey(name, from), out var key, out var waiter) && key.Object == name)
        {
            if (MayBeGranted(waiter))
            {
                return waiter;
            }
            from = key.Sequence + 1;
        }
        return null;
    }

    private WaiterRecord? FirstGrantableOf(ObjectName name, string owner)
    {
        var from = 0L;
        while (_ownerWaiters.TryFirstFrom(new OwnerWaiter(name, owner, from), out var key, out var waiter) && key.Object == name && key.Owner == owner)
        {
            if (MayBeGranted(waiter))
            {
                return waiter;
            }
            from = key.Sequence + 1;
        }
        return null;
    }

    /// <summary>
    /// A waiter whose wait or lease is over by this entry's stamp is never granted anything (rule 2). The bound on leases was judged for newcomers: it does not keep
    /// anybody waiting who has a place, or nobody would ever come back to grant it.
    /// </summary>
    private bool MayBeGranted(WaiterRecord waiter)
    {
        if (waiter.WaitDeadline <= _stamp)
        {
            return false;
        }
        return waiter.SharedLease.IsNone
            ? !_leases.Contains(waiter.OwnLease)
            : _leases.TryGet(waiter.SharedLease, out var lease) && lease.Deadline > _stamp;
    }

    private void SetUnsettled(ObjectName name, LockRecord record, bool isUnsettled)
    {
        if (record.IsUnsettled != isUnsettled)
        {
            _locks.Set(name, record with { IsUnsettled = isUnsettled });
        }
        if (isUnsettled)
        {
            _unsettled.Set(name, true);
        }
        else if (_unsettled.Count > 0)
        {
            _unsettled.Remove(name);
        }
    }
}
