using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>How a waiting place is taken, taken again by a later attempt, detached and given up.</summary>
internal sealed class WaitRules(
    StateTables state, Applying entry, HoldRules holds, LineRules lines, RetryRules retries, HoldAnswers answers)
{
    public Outcome Enqueue(AcquireCommand c, HoldTerms terms, ObjectRecord record)
    {
        if (RefuseMore(1) is { } tooMany)
        {
            return tooMany;
        }
        if (RefuseLonger(record) is { } tooLong)
        {
            return tooLong;
        }
        var waiter = NewWaiter(c.Object, c.Owner, c.TtlMicros, c.OwnLease, c.SharedLease, c.WaitMicros, terms);
        return new HoldQueued(state.Revision, Add(waiter, record with { Permits = AskedTerms.PermitsOf(c) }));
    }

    /// <summary>One place in the line of each lock, all with the one number of the request.</summary>
    public Outcome Enqueue(AcquireManyCommand c, HoldTerms terms)
    {
        if (RefuseMore(c.Names.Length) is { } tooMany)
        {
            return tooMany;
        }
        foreach (var name in c.Names)
        {
            if (RefuseLonger(state.Objects[ObjectName.Lock(name)]) is { } tooLong)
            {
                return tooLong;
            }
        }
        var first = NewWaiter(ObjectName.Lock(c.Names[0]), c.Owner, c.TtlMicros, c.OwnLease, c.SharedLease, c.WaitMicros, terms);
        var position = 0L;
        for (var i = 0; i < c.Names.Length; i++)
        {
            var place = first with { Object = ObjectName.Lock(c.Names[i]), LockCount = c.Names.Length, Ordinal = i };
            position = Math.Max(position, Add(place, state.Objects[place.Object]));
        }
        return new HoldQueued(state.Revision, position);
    }

    private BoundReached? RefuseMore(int places) => state.Waiters.Count + places > state.Limits.MaxWaiters
        ? new BoundReached(state.Revision, BoundKind.Waiters, state.Limits.MaxWaiters)
        : null;

    private BoundReached? RefuseLonger(ObjectRecord record) => record.Waiters >= state.Limits.MaxWaitersPerObject
        ? new BoundReached(state.Revision, BoundKind.WaitersOfOne, state.Limits.MaxWaitersPerObject)
        : null;

    private WaiterRecord NewWaiter(
        ObjectName name, string owner, long ttlMicros, LeaseId ownLease, LeaseId sharedLease, long waitMicros, HoldTerms terms) => new(
        state.Waiters.NextSequence++,
        name,
        owner,
        entry.Request,
        entry.Identity,
        entry.Fingerprint.ToArray(),
        ttlMicros,
        ownLease,
        sharedLease,
        entry.Stamp,
        entry.DeadlineAfter(waitMicros),
        null,
        terms,
        entry.Actor);

    /// <param name="waiter">A new place.</param>
    /// <param name="record">Its object as it is to be without it.</param>
    /// <returns>Its position: 1 for the next in line.</returns>
    private long Add(WaiterRecord waiter, ObjectRecord record)
    {
        waiter = waiter with { Begun = state.Sessions.Rise(waiter.SharedLease) };
        state.Waiters.Add(waiter);
        state.Sessions.Add(waiter);
        state.Leases.Attach(waiter.SharedLease, waiters: 1);
        holds.Store(
            waiter.Object, state.Objects[waiter.Object], record with { Waiters = record.Waiters + 1, Attached = record.Attached + 1 });
        return record.Waiters + 1;
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
        if (waiter.Terms.Mode != AskedTerms.ModeOf(c) || waiter.Terms.Count != AskedTerms.CountOf(c) || IsOther(waiter, c.WaitMicros))
        {
            return new IdempotencyMismatch(state.Revision);
        }
        waiter = Attach(waiter);
        var record = state.Objects[place.Object];
        if (LineRules.WantsTooMuch(place.Object.Space, record, waiter))
        {
            var refused = holds.Refuse(waiter, record.Permits);
            holds.Promote(place.Object);
            return refused;
        }
        return Granted(waiter);
    }

    /// <summary>As above, of a request for several locks: its places are taken over together.</summary>
    public Outcome Attach(WaiterKey place, AcquireManyCommand c)
    {
        state.Waiters.TryGet(place, out var waiter);
        return IsOther(waiter, c.WaitMicros) ? new IdempotencyMismatch(state.Revision) : Granted(Attach(waiter));
    }

    private bool IsOther(WaiterRecord waiter, long waitMicros) =>
        waitMicros <= 0 || !waiter.Fingerprint.Span.SequenceEqual(entry.Fingerprint.Span);

    /// <returns>The place as it is now.</returns>
    private WaiterRecord Attach(WaiterRecord waiter)
    {
        entry.Output.Objects += Math.Max(1, waiter.LockCount);
        if (waiter.Request != entry.Request && !waiter.IsDetached)
        {
            entry.Resolve(waiter.Request, new WaitTakenOver(state.Revision));
        }
        var attempt = state.Waiters.NextSequence++;
        foreach (var place in state.Waiters.PlacesOf(waiter))
        {
            state.Waiters.Replace(place, TakenOver(place, attempt));
            if (place.IsDetached)
            {
                var record = state.Objects[place.Object];
                holds.Store(place.Object, record, record with { Attached = record.Attached + 1 });
            }
        }
        return TakenOver(waiter, attempt);
    }

    private WaiterRecord TakenOver(WaiterRecord place, long attempt) =>
        place with { Request = entry.Request, Actor = entry.Actor, Attempt = attempt, DetachedUntil = null, IsUnattended = false };

    /// <summary>Where it can be granted it has its turn in every line, so that one of them is enough to find it.</summary>
    private Outcome Granted(WaiterRecord waiter) =>
        holds.Promote(waiter.Object) ?? new HoldQueued(state.Revision, state.Waiters.PositionOf(waiter));

    /// <summary>
    /// Nobody waits any more for the answer to a request: its places are detached, or given up where nobody could take them again, and what it was granted is given back.
    /// </summary>
    public Noted Cancel(CancelWaitCommand c)
    {
        var name = c.Object;
        if (state.Waiters.TryFind(c.Request, out var place) && state.Waiters.TryGet(place with { Object = name }, out _))
        {
            Detach([place], c.Reason);
        }
        else if (c.Reason == CancelReason.Disconnected && state.Objects[name] is var record && state.Holds.Find(name, record, c.Request) is { } hold)
        {
            NotTaken(name, hold);
        }
        return new Noted(state.Revision);
    }

    /// <summary>The answer that told of a hold was not taken. With those that its request was granted in the same step: they follow it under its lease.</summary>
    private void NotTaken(ObjectName name, HoldRecord hold)
    {
        var token = hold.Token;
        NotTakenAlone(name, hold);
        while (state.Holds.TryNextOf(hold.Lease, token, out var next)
            && state.Holds.Find(next.Object, next.Token) is { } other
            && other.Request == hold.Request)
        {
            token = other.Token;
            NotTakenAlone(next.Object, other);
        }
    }

    private void NotTakenAlone(ObjectName name, HoldRecord hold)
    {
        if (hold.Mark is { IsNumbered: true } mark)
        {
            // The session has it, and the same number finds it.
            state.Holds.Replace(name, hold, hold with { Mark = mark with { IsUntaken = true } });
        }
        else
        {
            holds.Release(name, state.Objects[name], hold);
        }
    }

    /// <summary>The wait is over; whoever it stood in the way of is seen to by the caller.</summary>
    /// <returns>The places of the request.</returns>
    public IReadOnlyList<WaiterRecord> End(WaiterKey place)
    {
        state.Waiters.TryGet(place, out var waiter);
        var places = holds.RemoveWaiter(waiter, SessionEnd.WaitOver);
        var missed = Missed(places);
        var record = state.Objects[missed.Object];
        var held = answers.Held(missed.Object, record, Wanted.By(missed, record), entry.Stamp - waiter.Asked, waiter.Actor);
        entry.Resolve(waiter.Request, held);
        if (waiter.WaitDeadline <= entry.Stamp)
        {
            // A place that was detached for too long is given up with no answer to its request, which may ask for another.
            retries.KeepBriefly(waiter, held);
        }
        return places;
    }

    /// <summary>The first place where the object is not to be had; else where others wait, which were before it.</summary>
    /// <param name="places">That are no more.</param>
    private WaiterRecord Missed(IReadOnlyList<WaiterRecord> places) =>
        places.FirstOrDefault(p => state.Objects[p.Object] is var record && !lines.MayHave(p.Object.Space, record, Wanted.By(p, record)))
        ?? places.FirstOrDefault(p => state.Objects[p.Object].Waiters > 0)
        ?? places[0];

    /// <summary>Its principal may not hold that any more: the wait is over, and every attempt of its request is told so.</summary>
    /// <returns>The places of the request; whoever stood behind them is seen to by the caller.</returns>
    public IReadOnlyList<WaiterRecord> Forbid(WaiterRecord waiter)
    {
        var places = holds.RemoveWaiter(waiter);
        var forbidden = new Forbidden(state.Revision, DenialReason.NotAllowed) { Missing = Access.To(waiter.Object, Verbs.Hold) };
        if (waiter.IsAttended && waiter.Request != entry.Request)
        {
            entry.Resolve(waiter.Request, forbidden);
        }
        retries.KeepBriefly(waiter, forbidden);
        return places;
    }

    /// <summary>As above, where the entry's own request is refused and has a place: it is told "no" for good.</summary>
    public void ForbidOwn()
    {
        if (PlaceOfRequest() is { } place && state.Waiters.TryGet(place, out var waiter))
        {
            holds.PromoteBehind(Forbid(waiter));
        }
    }

    /// <summary>The request is withdrawn, and told so while its attempt is connected.</summary>
    public void GiveUp(WaiterKey place)
    {
        state.Waiters.TryGet(place, out var waiter);
        var places = holds.RemoveWaiter(waiter);
        if (!waiter.IsDetached)
        {
            entry.Resolve(waiter.Request, new RequestWithdrawn(state.Revision));
        }
        holds.PromoteBehind(places);
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
        Detach(places);
        return new Noted(state.Revision);
    }

    /// <summary>
    /// Whoever waits through processes of the member that are lost is granted nothing through them from now on, and is detached: so many in
    /// this entry, the others in later ones.
    /// </summary>
    public void DetachAll(MemberId member, Func<long, bool> isLost)
    {
        foreach (var process in state.Waiters.ProcessesOf(member))
        {
            if (isLost(process.Boot))
            {
                state.Detaching.Set(process, state.Waiters.NextSequence);
            }
        }
        GoOnDetaching();
    }

    /// <summary>
    /// Detaches half a step of those who wait through lost processes; the other half is for who is granted what they stood in the way of.
    /// Those that are left over are passed over meanwhile, so that nobody is granted anything who is about to be detached.
    /// </summary>
    public void GoOnDetaching()
    {
        var most = Math.Max(1, state.Limits.MaxObjectsPerStep / 2);
        var freed = new TouchedObjects();
        while (state.Detaching.TryFirst(out var process, out var before))
        {
            if (!state.Waiters.TryFirstThrough(process, before, out var place))
            {
                state.Detaching.Remove(process);
                continue;
            }
            if (entry.Promotions >= most)
            {
                break;
            }
            state.Waiters.TryGet(place, out var waiter);
            entry.Promotions += (int)Math.Max(1, waiter.LockCount);
            freed.Add(Detach(waiter, CancelReason.Disconnected));
        }
        holds.Promote(freed);
    }

    /// <summary>Detaches all before anybody behind them is granted anything, so that nobody is granted who is about to be detached.</summary>
    private void Detach(List<WaiterKey> places, CancelReason reason = CancelReason.Disconnected)
    {
        var freed = new TouchedObjects();
        foreach (var place in places)
        {
            if (state.Waiters.TryGet(place, out var waiter) && waiter.IsAttended)
            {
                freed.Add(Detach(waiter, reason));
            }
        }
        holds.Promote(freed);
    }

    /// <summary>A place that nobody could take again, for want of an identity, is given up at once.</summary>
    /// <returns>The places of the request, which are passed over now; none where it stands in line as before.</returns>
    private IReadOnlyList<WaiterRecord> Detach(WaiterRecord waiter, CancelReason reason)
    {
        if (waiter.Identity.IsNone)
        {
            entry.Resolve(waiter.Request, new WaitCancelled(state.Revision, reason));
            return holds.RemoveWaiter(waiter);
        }
        entry.Resolve(waiter.Request, new WaitDetached(state.Revision));
        if (waiter.Identity.IsSession)
        {
            // Only its attempt is over (rule 18).
            foreach (var place in state.Waiters.PlacesOf(waiter))
            {
                state.Waiters.Replace(place, place with { IsUnattended = true });
            }
            return [];
        }
        var places = state.Waiters.PlacesOf(waiter);
        foreach (var place in places)
        {
            state.Waiters.Replace(place, place with { DetachedUntil = entry.DeadlineAfter(state.Limits.DetachedKeepMicros) });
            var record = state.Objects[place.Object];
            holds.Store(place.Object, record, record with { Attached = record.Attached - 1 });
        }
        return places;
    }
}
