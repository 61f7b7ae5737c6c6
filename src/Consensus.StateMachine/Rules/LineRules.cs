using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// Who is next in line. Those who wait have their turn in the order of their arrival for as long as they fit, and nobody behind one who does
/// not fit yet: a writer is not starved by readers, nor a request for many permits by those for few. Who is detached or about to be, too
/// late or without a living lease is passed over. Only who takes back what it lost, while that is kept for it, passes those who wait.
/// </summary>
/// <remarks>
/// One entry passes over no more places than a step has (rule 9): behind those nobody is granted anything, and nobody passes them. What is
/// passed over ends with the next expiries, which look behind it.
///
/// A request for several locks has its turn when it has it in every line and may have every lock; until then it holds none of them, and where
/// it is the first it stops the line. So nobody passes it, and nobody waits for ever: all lines have one order, that of arrival, and whether
/// one is passed over is the same in all of them, so the earliest of all who wait is the first wherever it waits, and needs nothing but the
/// end of holds and delays that there are.
/// </remarks>
internal sealed class LineRules(StateTables state, Applying entry, AccessRules access)
{
    /// <summary>Whether a further hold may stand beside those that there are, and beside what is kept for others.</summary>
    public bool MayHave(HoldSpace space, ObjectRecord record, in Wanted wanted) =>
        HoldRules.Fits(space, record, wanted.Permits, wanted.Mode, wanted.Count) && !KeptBack.IsKept(space, record, wanted, entry.Stamp);

    /// <summary>Whether a newcomer passes nobody who is in line before it.</summary>
    public bool PassesNobody(ObjectName name, ObjectRecord record, in Wanted wanted) =>
        !HasTurns(name, record) || (FirstFor(name, record, wanted, out var isKnown) is null && isKnown);

    /// <summary>False when nobody waits, or no further hold of any kind could stand beside those that there are.</summary>
    public bool HasTurns(ObjectName name, ObjectRecord record) =>
        record.Attached > 0
        && record.Holders < state.Limits.MaxHoldersPerObject
        && HoldRules.Fits(name.Space, record, record.Permits, LockMode.Shared, 1);

    /// <summary>
    /// The one who is told now, nearly always of its grant: the first in line, else the first who comes back for what is kept for it; null
    /// when neither may have all that it waits for, or too many are passed over to know.
    /// </summary>
    /// <param name="record">Of an object with turns.</param>
    public WaiterRecord? Next(ObjectName name, ObjectRecord record)
    {
        var first = FirstGrantable(name, out _);
        return first is null || WantsTooMuch(name.Space, record, first) || MayHaveAll(record, first)
            ? first
            : FirstToComeBack(name, record);
    }

    /// <summary>
    /// Since it took its place the semaphore was given a limit with which it never could be granted, nor anybody behind it.
    /// </summary>
    public static bool WantsTooMuch(HoldSpace space, ObjectRecord record, WaiterRecord waiter) =>
        space == HoldSpace.Semaphore && waiter.Terms.Count > record.Permits;

    /// <summary>
    /// The first waiter of this owner that may be granted anything and waits for this object alone, if it may have what it waits for. One
    /// entry looks at no more of them than it may touch objects.
    /// </summary>
    /// <param name="record">The object as it is to be judged by.</param>
    /// <param name="waitsForSeveral">One of this owner was passed over, because it waits for other locks too.</param>
    public WaiterRecord? FirstAloneTo(ObjectName name, ObjectRecord record, OwnerName owner, out bool waitsForSeveral)
    {
        waitsForSeveral = false;
        var waiter = FirstGrantableOf(name, owner, 0, out _);
        while (waiter?.LockCount > 1)
        {
            waitsForSeveral = true;
            waiter = MayPassOver() ? FirstGrantableOf(name, owner, waiter.Sequence + 1, out _) : null;
        }
        return waiter is not null && MayHave(name.Space, record, Wanted.By(waiter, record)) ? waiter : null;
    }

    /// <summary>Here, and everywhere else where its request has a place: there it must have its turn, too.</summary>
    /// <param name="record">Of its own object, where it has its turn.</param>
    private bool MayHaveAll(ObjectRecord record, WaiterRecord waiter)
    {
        if (!MayHave(waiter.Object.Space, record, Wanted.By(waiter, record)))
        {
            return false;
        }
        foreach (var place in waiter.LockCount > 1 ? state.Waiters.PlacesOf(waiter) : [])
        {
            entry.Promotions++;
            // In vain or not: it is most of what the entry does when many are asked for that one lock of many holds up.
            entry.Output.Objects++;
            if (place.Ordinal != waiter.Ordinal && !HasTurn(place))
            {
                return false;
            }
        }
        return true;
    }

    private bool HasTurn(WaiterRecord place)
    {
        var record = state.Objects[place.Object];
        var wanted = Wanted.By(place, record);
        return MayHave(place.Object.Space, record, wanted) && FirstFor(place.Object, record, wanted, out _)?.Sequence == place.Sequence;
    }

    /// <summary>
    /// Whose turn it is where one wants so much: among all, or among those of its owner where it comes back for what it lost.
    /// </summary>
    /// <param name="isKnown">False when nobody was found because too many are passed over.</param>
    private WaiterRecord? FirstFor(ObjectName name, ObjectRecord record, in Wanted wanted, out bool isKnown) =>
        ComesBack(record, wanted) ? FirstGrantableOf(name, wanted.Owner, 0, out isKnown) : FirstGrantable(name, out isKnown);

    private WaiterRecord? FirstToComeBack(ObjectName name, ObjectRecord record)
    {
        WaiterRecord? first = null;
        foreach (var delay in record.Delays)
        {
            if (delay.Owner != HoldDelay.Nobody
                && FirstGrantableOf(name, delay.OwnerName, 0, out _) is { } waiter
                && ComesBack(record, Wanted.By(waiter, record))
                && (first is null || waiter.Sequence < first.Sequence)
                && MayHaveAll(record, waiter))
            {
                first = waiter;
            }
        }
        return first;
    }

    /// <summary>It wants no more than what it lost and is kept for it.</summary>
    private bool ComesBack(ObjectRecord record, in Wanted wanted) => wanted.Count <= KeptBack.For(record, wanted.Owner, entry.Stamp);

    private WaiterRecord? FirstGrantable(ObjectName name, out bool isKnown)
    {
        isKnown = true;
        var from = 0L;
        while (state.Waiters.TryNext(name, from, out var waiter))
        {
            if (MayBeGranted(waiter))
            {
                return waiter;
            }
            if (!MayPassOver())
            {
                isKnown = false;
                return null;
            }
            from = waiter.Sequence + 1;
        }
        return null;
    }

    private WaiterRecord? FirstGrantableOf(ObjectName name, OwnerName owner, long from, out bool isKnown)
    {
        isKnown = true;
        while (state.Waiters.TryNextOf(owner, name, from, out var waiter))
        {
            if (MayBeGranted(waiter))
            {
                return waiter;
            }
            if (!MayPassOver())
            {
                isKnown = false;
                return null;
            }
            from = waiter.Sequence + 1;
        }
        return null;
    }

    private bool MayPassOver()
    {
        if (entry.Promotions >= state.Limits.MaxObjectsPerStep)
        {
            return false;
        }
        entry.Promotions++;
        entry.Output.Objects++;
        return true;
    }

    /// <summary>
    /// A waiter whose wait or lease is over by this entry's stamp is never granted anything (rule 2), nor one who may not hold it any more,
    /// nor one whose process is lost, but under a session, where the place is granted in turn whoever is connected (rule 18). The bound on
    /// leases was judged for newcomers: it does not keep anybody waiting who has a place, or nobody would ever come back to grant it.
    /// </summary>
    private bool MayBeGranted(WaiterRecord waiter)
    {
        if (waiter.WaitDeadline <= entry.Stamp || !access.MayHold(waiter)
            || (!waiter.Identity.IsSession && state.Detaching.Concerns(waiter)))
        {
            return false;
        }
        return waiter.SharedLease.IsNone
            ? !state.Leases.Contains(waiter.OwnLease)
            : state.Leases.TryGet(waiter.SharedLease, out var lease) && lease.Deadline > entry.Stamp;
    }
}
