using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine;

/// <summary>
/// Waiting places, first come first served. The head is promoted in the same step that frees the lock: no polling, no herd. Who is detached, too late or
/// without a living lease is passed over.
/// </summary>
public sealed partial class ReplicatedState
{
    private readonly CowTree<WaiterKey, WaiterRecord> _waiters = new();
    private readonly CowTree<Due, Key> _waitDeadlines = new();
    private readonly CowTree<LeaseItem, long> _leaseWaiters = new();
    private readonly CowTree<Identity, WaiterKey> _identityWaiters = new();
    private readonly CowTree<MemberWaiter, Key> _memberWaiters = new();
    private readonly Dictionary<RequestId, WaiterKey> _requestWaiters = [];
    private long _nextWaiter = 1;

    private Outcome Enqueue(AcquireLockCommand c, LockRecord record)
    {
        if (_waiters.Count >= _limits.MaxWaiters)
        {
            return new BoundReached(Revision, BoundKind.Waiters, _limits.MaxWaiters);
        }
        if (record.Waiters >= _limits.MaxWaitersPerLock)
        {
            return new BoundReached(Revision, BoundKind.Waiters, _limits.MaxWaitersPerLock);
        }
        AddWaiter(new WaiterRecord(
            _nextWaiter++,
            c.Name,
            c.Owner,
            _request,
            _identity,
            _fingerprint.ToArray(),
            c.TtlMicros,
            c.OwnLease,
            c.SharedLease,
            _stamp,
            DeadlineAfter(c.WaitMicros),
            null));
        var waiters = record.Waiters + 1;
        StoreLock(c.Name, record, record with { Waiters = waiters });
        ChangeLease(c.SharedLease, waiters: 1);
        return new LockQueued(Revision, waiters);
    }

    /// <summary>The place that an earlier request of the same identity, or of the same lease, has in this queue.</summary>
    private WaiterKey? WaitingPlaceOf(AcquireLockCommand c)
    {
        if (!_identity.IsNone && _identityWaiters.TryGet(_identity, out var byIdentity))
        {
            return byIdentity;
        }
        return !c.SharedLease.IsNone && _leaseWaiters.TryGet(new LeaseItem(c.SharedLease, c.Name), out var sequence)
            ? new WaiterKey(c.Name, sequence)
            : null;
    }

    /// <summary>A retry takes the place over; the earlier request is told so. Whoever was detached is in line again.</summary>
    private Outcome Attach(WaiterKey place)
    {
        _waiters.TryGet(place, out var waiter);
        if (!waiter.Fingerprint.IsEmpty && !_fingerprint.IsEmpty && !waiter.Fingerprint.Span.SequenceEqual(_fingerprint.Span))
        {
            return new IdempotencyMismatch(Revision);
        }
        if (waiter.Request != _request && !waiter.IsDetached)
        {
            Resolve(waiter.Request, new WaitTakenOver(Revision));
        }
        ReplaceWaiter(waiter, waiter with { Request = _request, DetachedUntil = null });
        var record = LockAt(place.Name);
        if (record.Hold is null && Promote(place.Name) is { } granted && granted.Request == _request)
        {
            // The last resolution is this very request's: it is the entry's own outcome.
            _output.Resolutions.RemoveAt(_output.Resolutions.Count - 1);
            return granted.Outcome;
        }
        return new LockQueued(Revision, PositionOf(place));
    }

    private long PositionOf(WaiterKey place)
    {
        var tree = _waiters.Peek();
        return tree.Rank(place) - tree.Rank(new WaiterKey(place.Name, 0)) + 1;
    }

    /// <summary>Gives a free lock to the first that may have it; null when nobody may.</summary>
    private Resolution? Promote(Key name)
    {
        foreach (var (key, waiter) in _waiters.Peek().From(new WaiterKey(name, 0)))
        {
            if (key.Name != name)
            {
                return null;
            }
            if (!MayBeGranted(waiter))
            {
                continue;
            }
            RemoveWaiter(key, out _);
            var granted = Grant(name, waiter.Owner, waiter.Request, waiter.TtlMicros, waiter.OwnLease, waiter.SharedLease, _stamp - waiter.Asked);
            KeepGrant(waiter, granted);
            Resolve(waiter.Request, granted);
            return new Resolution(waiter.Request, granted);
        }
        return null;
    }

    /// <summary>A waiter whose wait or lease is over by this entry's stamp is never granted anything (rule 2, raft-bugs 31).</summary>
    private bool MayBeGranted(WaiterRecord waiter)
    {
        if (waiter.IsDetached || waiter.WaitDeadline <= _stamp)
        {
            return false;
        }
        return waiter.SharedLease.IsNone
            ? !_leases.Contains(waiter.OwnLease) && _leases.Count < _limits.MaxLeases
            : _leases.TryGet(waiter.SharedLease, out var lease) && lease.Deadline > _stamp;
    }

    private Noted CancelWait(CancelWaitCommand c)
    {
        if (_requestWaiters.TryGetValue(c.Request, out var place) && place.Name == c.Name)
        {
            RemoveWaiter(place, out _);
            Resolve(c.Request, new WaitCancelled(Revision, c.Reason));
            return new Noted(Revision);
        }
        var record = LockAt(c.Name);
        if (c.Reason == CancelReason.Disconnected && record.Hold is { } hold && hold.Request == c.Request)
        {
            Release(c.Name, record, hold);
        }
        return new Noted(Revision);
    }

    private void EndWait(WaiterKey place)
    {
        RemoveWaiter(place, out var waiter);
        var record = LockAt(place.Name);
        var holder = record.Hold is null ? null : Show(place.Name, record.Hold);
        Resolve(waiter.Request, new LockHeld(Revision, holder, record.Waiters, _stamp - waiter.Asked));
    }

    private Noted DetachWaiters(DetachWaitersCommand c)
    {
        DetachAll(c.Member, boot => boot <= c.Boot || c.Boot == 0);
        return new Noted(Revision);
    }

    private Noted DetachRequests(DetachRequestsCommand c)
    {
        foreach (var request in c.Requests)
        {
            if (_requestWaiters.TryGetValue(request, out var place))
            {
                Detach(place);
            }
        }
        return new Noted(Revision);
    }

    private void DetachAll(MemberId member, Func<long, bool> isLost)
    {
        var places = new List<WaiterKey>();
        foreach (var (key, name) in _memberWaiters.Peek().From(new MemberWaiter(member, 0)))
        {
            if (key.Member != member)
            {
                break;
            }
            places.Add(new WaiterKey(name, key.Sequence));
        }
        foreach (var place in places)
        {
            _waiters.TryGet(place, out var waiter);
            if (isLost(waiter.Request.Boot))
            {
                Detach(place);
            }
        }
    }

    /// <summary>A place that nobody could take again, for want of an identity, is given up at once.</summary>
    private void Detach(WaiterKey place)
    {
        _waiters.TryGet(place, out var waiter);
        if (waiter.IsDetached)
        {
            return;
        }
        if (waiter.Identity.IsNone && waiter.SharedLease.IsNone)
        {
            RemoveWaiter(place, out _);
        }
        else
        {
            ReplaceWaiter(waiter, waiter with { DetachedUntil = DeadlineAfter(_limits.DetachedKeepMicros) });
        }
        Resolve(waiter.Request, new WaitDetached(Revision));
    }

    private void AddWaiter(WaiterRecord waiter)
    {
        var key = new WaiterKey(waiter.Name, waiter.Sequence);
        _waiters.Set(key, waiter);
        IndexWaiter(key, waiter);
    }

    /// <summary>Everything by which a waiting place is found; rebuilt from the places after a restore.</summary>
    private void IndexWaiter(WaiterKey key, WaiterRecord waiter)
    {
        _waitDeadlines.Set(new Due(waiter.Deadline, waiter.Sequence), waiter.Name);
        _memberWaiters.Set(new MemberWaiter(waiter.Request.Member, waiter.Sequence), waiter.Name);
        _requestWaiters[waiter.Request] = key;
        if (!waiter.SharedLease.IsNone)
        {
            _leaseWaiters.Set(new LeaseItem(waiter.SharedLease, waiter.Name), waiter.Sequence);
        }
        if (!waiter.Identity.IsNone)
        {
            _identityWaiters.Set(waiter.Identity, key);
        }
    }

    private void UnindexWaiter(WaiterRecord waiter)
    {
        _waitDeadlines.Remove(new Due(waiter.Deadline, waiter.Sequence));
        _memberWaiters.Remove(new MemberWaiter(waiter.Request.Member, waiter.Sequence));
        _requestWaiters.Remove(waiter.Request);
        if (!waiter.SharedLease.IsNone)
        {
            _leaseWaiters.Remove(new LeaseItem(waiter.SharedLease, waiter.Name));
        }
        if (!waiter.Identity.IsNone)
        {
            _identityWaiters.Remove(waiter.Identity);
        }
    }

    private void ReplaceWaiter(WaiterRecord before, WaiterRecord after)
    {
        UnindexWaiter(before);
        AddWaiter(after);
    }

    private void RemoveWaiter(WaiterKey key, out WaiterRecord waiter)
    {
        _waiters.TryGet(key, out waiter);
        _waiters.Remove(key);
        UnindexWaiter(waiter);
        ChangeLease(waiter.SharedLease, waiters: -1);
        var record = LockAt(key.Name);
        StoreLock(key.Name, record, record with { Waiters = record.Waiters - 1 });
    }
}
