using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>How a waiting place is taken, taken again by a later attempt, detached and given up.</summary>
internal sealed class WaitRules(StateTables state, Applying entry, HoldRules holds, RetryRules retries, HoldAnswers answers)
{
    public Outcome Enqueue(AcquireCommand c, HoldTerms terms, ObjectRecord record)
    {
        if (state.Waiters.Count >= state.Limits.MaxWaiters)
        {
            return new BoundReached(state.Revision, BoundKind.Waiters, state.Limits.MaxWaiters);
        }
        if (record.Waiters >= state.Limits.MaxWaitersPerObject)
        {
            return new BoundReached(state.Revision, BoundKind.Waiters, state.Limits.MaxWaitersPerObject);
        }
        var waiter = new WaiterRecord(
            state.Waiters.NextSequence++,
            c.Object,
            c.Owner,
            entry.Request,
            entry.Identity,
            entry.Fingerprint.ToArray(),
            c.TtlMicros,
            c.OwnLease,
            c.SharedLease,
            entry.Stamp,
            entry.DeadlineAfter(c.WaitMicros),
            null,
            terms)
        {
            Begun = state.Sessions.Rise(c.SharedLease),
        };
        state.Waiters.Add(waiter);
        state.Sessions.Add(waiter);
        var waiters = record.Waiters + 1;
        holds.Store(c.Object, record, record with { Waiters = waiters, Attached = record.Attached + 1, Permits = AskedTerms.PermitsOf(c) });
        state.Leases.Attach(c.SharedLease, waiters: 1);
        return new HoldQueued(state.Revision, waiters);
    }

    /// <summary>
    /// The place that an earlier attempt of this very request has. A lease or an owner is no identity: one lease may have many places for one object, each of a request of its
    /// own (rule 18).
    /// </summary>
    public WaiterKey? PlaceOfRequest() => !entry.Identity.IsNone && state.Waiters.TryFind(entry.Identity, out var place) ? place : null;

    /// <summary>
    /// A retry takes the place over; the earlier attempt is told so. Whoever was detached is in line again. One that asks for something else is no retry: it would be granted
    /// what it did not ask for. So is one that will not wait: its answer is due now. The limit of a semaphore may have changed since the first attempt.
    /// </summary>
    public Outcome Attach(WaiterKey place, AcquireCommand c)
    {
        state.Waiters.TryGet(place, out var waiter);
        var isOther = c.WaitMicros <= 0 || !waiter.Fingerprint.Span.SequenceEqual(entry.Fingerprint.Span);
        var record = state.Objects[place.Object];
        if (isOther || waiter.Terms.Mode != AskedTerms.ModeOf(c) || waiter.Terms.Count != AskedTerms.CountOf(c))
        {
            return new IdempotencyMismatch(state.Revision);
        }
        if (waiter.Request != entry.Request && !waiter.IsDetached)
        {
            entry.Resolve(waiter.Request, new WaitTakenOver(state.Revision));
        }
        state.Waiters.Replace(waiter, waiter with { Request = entry.Request, DetachedUntil = null, IsUnattended = false });
        if (waiter.IsDetached)
        {
            holds.Store(place.Object, record, record with { Attached = record.Attached + 1 });
        }
        if (HoldRules.WantsTooMuch(place.Object.Space, record, waiter))
        {
            state.Waiters.TryGet(place, out waiter);
            var refused = holds.Refuse(waiter, record.Permits);
            holds.Promote(place.Object);
            return refused;
        }
        return holds.Promote(place.Object) ?? (Outcome)new HoldQueued(state.Revision, state.Waiters.PositionOf(place));
    }

    /// <summary>
    /// Nobody waits any more for the answer to a request: its place is detached, or given up where nobody could take it again, and what it was granted is given back.
    /// </summary>
    public Noted Cancel(CancelWaitCommand c)
    {
        var name = c.Object;
        if (state.Waiters.TryFind(c.Request, out var place) && place.Object == name)
        {
            Detach([place], static _ => true, c.Reason);
        }
        else if (c.Reason == CancelReason.Disconnected && state.Objects[name] is var record && state.Holds.Find(name, record, c.Request) is { } hold)
        {
            if (hold.Mark is { IsNumbered: true } mark)
            {
                // The session has it, and the same number finds it.
                state.Holds.Replace(name, hold, hold with { Mark = mark with { IsUntaken = true } });
            }
            else
            {
                holds.Release(name, record, hold);
            }
        }
        return new Noted(state.Revision);
    }

    /// <summary>The wait is over; whoever it stood in the way of is seen to by the caller.</summary>
    public void End(WaiterKey place)
    {
        var waiter = holds.RemoveWaiter(place, SessionEnd.WaitOver);
        var record = state.Objects[place.Object];
        var held = answers.Held(place.Object, record, Wanted.By(waiter, record), entry.Stamp - waiter.Asked);
        entry.Resolve(waiter.Request, held);
        if (waiter.WaitDeadline <= entry.Stamp)
        {
            // A place that was detached for too long is given up with no answer to its request, which may ask for another.
            retries.KeepBriefly(waiter, held);
        }
    }

    /// <summary>The request is withdrawn, and told so while its attempt is connected.</summary>
    public void GiveUp(WaiterKey place)
    {
        var waiter = holds.RemoveWaiter(place);
        if (!waiter.IsDetached)
        {
            entry.Resolve(waiter.Request, new RequestWithdrawn(state.Revision));
        }
        holds.Promote(place.Object);
    }

    public Noted Detach(DetachWaitersCommand c)
    {
        DetachAll(c.Member, boot => boot == c.Boot || c.Boot == 0);
        return new Noted(state.Revision);
    }

    public Noted Detach(DetachRequestsCommand c)
    {
        var places = new List<WaiterKey>();
        foreach (var request in c.Requests)
        {
            if (state.Waiters.TryFind(request, out var place))
            {
                places.Add(place);
            }
        }
        Detach(places, static _ => true);
        return new Noted(state.Revision);
    }

    public void DetachAll(MemberId member, Func<long, bool> isLost) => Detach(state.Waiters.Of(member), isLost);

    /// <summary>Detaches all before anybody behind them is granted anything, so that nobody is granted who is about to be detached.</summary>
    private void Detach(List<WaiterKey> places, Func<long, bool> isLost, CancelReason reason = CancelReason.Disconnected)
    {
        var freed = new TouchedObjects();
        foreach (var place in places)
        {
            if (state.Waiters.TryGet(place, out var waiter) && waiter is { IsDetached: false, IsUnattended: false } && isLost(waiter.Request.Boot))
            {
                Detach(place, waiter, reason);
                freed.Add(place.Object);
            }
        }
        holds.Promote(freed);
    }

    /// <summary>A place that nobody could take again, for want of an identity, is given up at once.</summary>
    private void Detach(WaiterKey place, WaiterRecord waiter, CancelReason reason)
    {
        if (waiter.Identity.IsNone)
        {
            holds.RemoveWaiter(place);
            entry.Resolve(waiter.Request, new WaitCancelled(state.Revision, reason));
            return;
        }
        if (waiter.Identity.IsSession)
        {
            // It stands in line as before, and only its attempt is over (rule 18).
            state.Waiters.Replace(waiter, waiter with { IsUnattended = true });
            entry.Resolve(waiter.Request, new WaitDetached(state.Revision));
            return;
        }
        state.Waiters.Replace(waiter, waiter with { DetachedUntil = entry.DeadlineAfter(state.Limits.DetachedKeepMicros) });
        var record = state.Objects[place.Object];
        holds.Store(place.Object, record, record with { Attached = record.Attached - 1 });
        entry.Resolve(waiter.Request, new WaitDetached(state.Revision));
    }
}
