using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// Who is next. Those who wait are granted in their order for as long as they fit, and nobody behind one who does not fit yet: a writer is not starved by
/// readers, nor a request for many permits by those for few. Who is detached, too late or without a living lease is passed over. Only who takes back what it lost, while that is
/// kept for it, passes those who wait.
/// </summary>
internal sealed partial class HoldRules
{
    /// <summary>Grants in order what can be granted now: called whenever anything ended that could have been in the way.</summary>
    /// <returns>What the entry's own request was granted, if it was among them: it is the outcome of the entry, and is resolved with that.</returns>
    public HoldGranted? Promote(ObjectName name)
    {
        var own = default(HoldGranted);
        var record = state.Objects[name];
        while (Next(name, record) is { } waiter)
        {
            if (entry.Promotions >= state.Limits.MaxObjectsPerCommand)
            {
                state.Objects.SetUnsettled(name, record, true);
                return own;
            }
            entry.Promotions++;
            if (WantsTooMuch(name.Space, record, waiter))
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

    /// <summary>Whether a further hold may stand beside those that there are, and beside what is kept for others.</summary>
    public bool MayHave(HoldSpace space, ObjectRecord record, in Wanted wanted) =>
        Fits(space, record, wanted.Permits, wanted.Mode, wanted.Count) && !KeptBack.IsKept(space, record, wanted, entry.Stamp);

    /// <summary>Whether a newcomer passes nobody who is in line before it.</summary>
    public bool PassesNobody(ObjectName name, ObjectRecord record, in Wanted wanted)
    {
        if (record.Attached == 0 || !HasRoom(name.Space, record))
        {
            return true;
        }
        return (ComesBack(record, wanted) ? FirstGrantableOf(name, wanted.Owner) : FirstGrantable(name)) is null;
    }

    /// <summary>Makes a hold of a waiting place, and tells whoever waits there, unless it is the entry's own request.</summary>
    public HoldGranted GrantWaiter(WaiterRecord waiter)
    {
        var name = waiter.Object;
        var before = state.Objects[name];
        state.Waiters.Remove(waiter);
        state.Sessions.Forget(waiter);
        var granted = Grant(name, before, before.Without(waiter), waiter.Claim, entry.Stamp - waiter.Asked, leaseWaiters: -1);
        retries.KeepGrant(waiter, granted);
        if (waiter.Request != entry.Request)
        {
            entry.Resolve(waiter.Request, granted);
        }
        return granted;
    }

    /// <summary>The first waiter of this owner that may be granted anything, if it may have what it waits for.</summary>
    /// <param name="record">The object as it is to be judged by.</param>
    public WaiterRecord? FirstGrantableTo(ObjectName name, ObjectRecord record, string owner) =>
        FirstGrantableOf(name, owner) is { } waiter && MayHave(name.Space, record, Wanted.By(waiter, record)) ? waiter : null;

    private WaiterRecord? FirstGrantableOf(ObjectName name, string owner)
    {
        var from = 0L;
        while (state.Waiters.TryNextOf(owner, name, from, out var waiter))
        {
            if (MayBeGranted(waiter))
            {
                return waiter;
            }
            from = waiter.Sequence + 1;
        }
        return null;
    }

    /// <summary>
    /// The one who is told now, nearly always of its grant: the first in line, else the first who comes back for what is kept for it; null when neither may have it.
    /// </summary>
    private WaiterRecord? Next(ObjectName name, ObjectRecord record)
    {
        if (record.Attached == 0 || !HasRoom(name.Space, record))
        {
            return null;
        }
        var first = FirstGrantable(name);
        return first is null || WantsTooMuch(name.Space, record, first) || MayHave(name.Space, record, Wanted.By(first, record)) ? first : FirstToComeBack(name, record);
    }

    /// <summary>Since it took its place the semaphore was given a limit with which it never could be granted, nor anybody behind it.</summary>
    public static bool WantsTooMuch(HoldSpace space, ObjectRecord record, WaiterRecord waiter) =>
        space == HoldSpace.Semaphore && waiter.Terms.Count > record.Permits;

    /// <summary>Ends the wait for more permits than there are.</summary>
    public PermitsMismatch Refuse(WaiterRecord waiter, long permits)
    {
        var refused = new PermitsMismatch(state.Revision, permits);
        RemoveWaiter(waiter.Key, SessionEnd.Refused);
        retries.KeepBriefly(waiter, refused);
        if (waiter.Request != entry.Request)
        {
            entry.Resolve(waiter.Request, refused);
        }
        return refused;
    }

    private WaiterRecord? FirstToComeBack(ObjectName name, ObjectRecord record)
    {
        WaiterRecord? first = null;
        foreach (var delay in record.Delays)
        {
            if (delay.Owner != HoldDelay.Nobody
                && FirstGrantableTo(name, record, delay.Owner) is { } waiter
                && ComesBack(record, Wanted.By(waiter, record))
                && (first is null || waiter.Sequence < first.Sequence))
            {
                first = waiter;
            }
        }
        return first;
    }

    /// <summary>It wants no more than what it lost and is kept for it.</summary>
    private bool ComesBack(ObjectRecord record, in Wanted wanted) => wanted.Count <= KeptBack.For(record, wanted.Owner, entry.Stamp);

    private WaiterRecord? FirstGrantable(ObjectName name)
    {
        var from = 0L;
        while (state.Waiters.TryNext(name, from, out var waiter))
        {
            if (MayBeGranted(waiter))
            {
                return waiter;
            }
            from = waiter.Sequence + 1;
        }
        return null;
    }

    /// <summary>
    /// A waiter whose wait or lease is over by this entry's stamp is never granted anything (rule 2). The bound on leases was judged for newcomers: it does not keep
    /// anybody waiting who has a place, or nobody would ever come back to grant it.
    /// </summary>
    private bool MayBeGranted(WaiterRecord waiter)
    {
        if (waiter.WaitDeadline <= entry.Stamp)
        {
            return false;
        }
        return waiter.SharedLease.IsNone
            ? !state.Leases.Contains(waiter.OwnLease)
            : state.Leases.TryGet(waiter.SharedLease, out var lease) && lease.Deadline > entry.Stamp;
    }

    /// <summary>False when no further hold of any kind could stand beside those that there are.</summary>
    private bool HasRoom(HoldSpace space, ObjectRecord record) =>
        record.Holders < state.Limits.MaxHoldersPerObject && Fits(space, record, record.Permits, LockMode.Shared, 1);
}
