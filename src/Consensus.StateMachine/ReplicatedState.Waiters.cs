using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine;

/// <summary>Waiting places, first come first served, and how they are taken, taken again and given up.</summary>
public sealed partial class ReplicatedState
{
    private readonly CowTree<WaiterKey, WaiterRecord> _waiters = new();
    private readonly CowTree<WaiterKey, WaiterRecord> _attached = new();
    private readonly CowTree<OwnerWaiter, WaiterRecord> _ownerWaiters = new();
    private readonly CowTree<Due, ObjectName> _waitDeadlines = new();
    private readonly CowTree<LeaseWaiter, bool> _leaseWaiters = new();
    private readonly CowTree<Identity, WaiterKey> _identityWaiters = new();
    private readonly CowTree<MemberWaiter, ObjectName> _memberWaiters = new();
    private readonly Dictionary<RequestId, WaiterKey> _requestWaiters = [];
    private long _nextWaiter = 1;

    private Outcome Enqueue(AcquireLockCommand c, HoldTerms terms, LockRecord record)
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
            c.Object,
            c.Owner,
            _request,
            _identity,
            _fingerprint.ToArray(),
            c.TtlMicros,
            c.OwnLease,
            c.SharedLease,
            _stamp,
            DeadlineAfter(c.WaitMicros),
            null,
            terms));
        var waiters = record.Waiters + 1;
        StoreLock(c.Object, record, record with { Waiters = waiters, Attached = record.Attached + 1, Permits = PermitsOf(c) });
        ChangeLease(c.SharedLease, waiters: 1);
        return new LockQueued(Revision, waiters);
    }

    /// <summary>
    /// The place that an earlier attempt of this very request has. A lease or an owner is no identity: one lease may have many places for one object, each of a request of its
    /// own (rule 18).
    /// </summary>
    private WaiterKey? WaitingPlace() => !_identity.IsNone && _identityWaiters.TryGet(_identity, out var place) ? place : null;

    /// <summary>
    /// A retry takes the place over; the earlier attempt is told so. Whoever was detached is in line again. One that asks for something else is no retry: it would be granted
    /// what it did not ask for. So is one that will not wait: its answer is due now.
    /// </summary>
    private Outcome Attach(WaiterKey place, AcquireLockCommand c)
    {
        _waiters.TryGet(place, out var waiter);
        var isOther = c.WaitMicros <= 0 || !waiter.Fingerprint.Span.SequenceEqual(_fingerprint.Span);
        var record = LockAt(place.Object);
        if (isOther || waiter.Terms.Mode != ModeOf(c) || waiter.Terms.Count != CountOf(c) || record.Permits != PermitsOf(c))
        {
            return new IdempotencyMismatch(Revision);
        }
        if (waiter.Request != _request && !waiter.IsDetached)
        {
            Resolve(waiter.Request, new WaitTakenOver(Revision));
        }
        ReplaceWaiter(waiter, waiter with { Request = _request, DetachedUntil = null });
        if (waiter.IsDetached)
        {
            StoreLock(place.Object, record, record with { Attached = record.Attached + 1 });
        }
        Promote(place.Object);
        return _own ?? (Outcome)new LockQueued(Revision, PositionOf(place));
    }

    private long PositionOf(WaiterKey place)
    {
        var tree = _waiters.Peek();
        return tree.Rank(place) - tree.Rank(new WaiterKey(place.Object, 0)) + 1;
    }

    private Noted CancelWait(CancelWaitCommand c)
    {
        var name = c.Object;
        if (_requestWaiters.TryGetValue(c.Request, out var place) && place.Object == name)
        {
            RemoveWaiter(place);
            Resolve(c.Request, new WaitCancelled(Revision, c.Reason));
            Promote(name);
        }
        else if (c.Reason == CancelReason.Disconnected && LockAt(name) is var record && HoldOf(name, record, c.Request) is { } hold)
        {
            Release(name, record, hold);
        }
        return new Noted(Revision);
    }

    /// <summary>The wait is over; whoever it stood in the way of is seen to by the caller.</summary>
    private void EndWait(WaiterKey place)
    {
        var waiter = RemoveWaiter(place);
        var held = Held(place.Object, LockAt(place.Object), _stamp - waiter.Asked);
        Resolve(waiter.Request, held);
        if (waiter.WaitDeadline <= _stamp)
        {
            // A place that was detached for too long is given up with no answer to its request, which may ask for another.
            KeepBriefly(waiter, held);
        }
    }

    private Noted DetachWaiters(DetachWaitersCommand c)
    {
        DetachAll(c.Member, boot => boot == c.Boot || c.Boot == 0);
        return new Noted(Revision);
    }

    private Noted DetachRequests(DetachRequestsCommand c)
    {
        var places = new List<WaiterKey>();
        foreach (var request in c.Requests)
        {
            if (_requestWaiters.TryGetValue(request, out var place))
            {
                places.Add(place);
            }
        }
        Detach(places, _ => true);
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
        Detach(places, isLost);
    }

    /// <summary>Detaches all before anybody behind them is granted anything, so that nobody is granted who is about to be detached.</summary>
    private void Detach(List<WaiterKey> places, Func<long, bool> isLost)
    {
        var freed = new TouchedObjects();
        foreach (var place in places)
        {
            if (_waiters.TryGet(place, out var waiter) && !waiter.IsDetached && isLost(waiter.Request.Boot))
            {
                Detach(place, waiter);
                freed.Add(place.Object);
            }
        }
        freed.ForEach(Promote);
    }

    /// <summary>A place that nobody could take again, for want of an identity, is given up at once.</summary>
    private void Detach(WaiterKey place, WaiterRecord waiter)
    {
        if (waiter.Identity.IsNone)
        {
            RemoveWaiter(place);
            Resolve(waiter.Request, new WaitCancelled(Revision, CancelReason.Disconnected));
            return;
        }
        ReplaceWaiter(waiter, waiter with { DetachedUntil = DeadlineAfter(_limits.DetachedKeepMicros) });
        var record = LockAt(place.Object);
        StoreLock(place.Object, record, record with { Attached = record.Attached - 1 });
        Resolve(waiter.Request, new WaitDetached(Revision));
    }

    private void AddWaiter(WaiterRecord waiter)
    {
        _waiters.Set(waiter.Key, waiter);
        _stateBytes += waiter.Terms.Bytes;
        IndexWaiter(waiter);
    }

    /// <summary>Everything by which a waiting place is found; rebuilt from the places after a restore.</summary>
    private void IndexWaiter(WaiterRecord waiter)
    {
        var key = waiter.Key;
        _waitDeadlines.Set(new Due(waiter.Deadline, waiter.Sequence), waiter.Object);
        _memberWaiters.Set(new MemberWaiter(waiter.Request.Member, waiter.Sequence), waiter.Object);
        _requestWaiters[waiter.Request] = key;
        if (!waiter.IsDetached)
        {
            _attached.Set(key, waiter);
            _ownerWaiters.Set(new OwnerWaiter(waiter.Object, waiter.Owner, waiter.Sequence), waiter);
        }
        if (!waiter.SharedLease.IsNone)
        {
            _leaseWaiters.Set(new LeaseWaiter(waiter.SharedLease, key), true);
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
        if (!waiter.IsDetached)
        {
            _attached.Remove(waiter.Key);
            _ownerWaiters.Remove(new OwnerWaiter(waiter.Object, waiter.Owner, waiter.Sequence));
        }
        if (!waiter.SharedLease.IsNone)
        {
            _leaseWaiters.Remove(new LeaseWaiter(waiter.SharedLease, waiter.Key));
        }
        if (!waiter.Identity.IsNone)
        {
            _identityWaiters.Remove(waiter.Identity);
        }
    }

    private void ReplaceWaiter(WaiterRecord before, WaiterRecord after)
    {
        UnindexWaiter(before);
        _waiters.Set(after.Key, after);
        IndexWaiter(after);
    }

    /// <summary>Takes a waiter out of all tables; its object and its lease still count it.</summary>
    private void TakeWaiter(WaiterRecord waiter)
    {
        _waiters.Remove(waiter.Key);
        _stateBytes -= waiter.Terms.Bytes;
        UnindexWaiter(waiter);
    }

    private static LockRecord WithoutWaiter(LockRecord record, WaiterRecord waiter) =>
        record with { Waiters = record.Waiters - 1, Attached = record.Attached - (waiter.IsDetached ? 0 : 1) };

    private WaiterRecord RemoveWaiter(WaiterKey key)
    {
        _waiters.TryGet(key, out var waiter);
        TakeWaiter(waiter);
        ChangeLease(waiter.SharedLease, waiters: -1);
        var record = LockAt(key.Object);
        StoreLock(key.Object, record, WithoutWaiter(record, waiter));
        return waiter;
    }

    /// <summary>Objects that one entry touched, each once, in the order in which it first touched them.</summary>
    private sealed class TouchedObjects
    {
        private readonly HashSet<ObjectName> _seen = [];
        private readonly List<ObjectName> _order = [];

        public void Add(ObjectName name)
        {
            if (_seen.Add(name))
            {
                _order.Add(name);
            }
        }

        public void ForEach(Action<ObjectName> action) => _order.ForEach(action);
    }
}
