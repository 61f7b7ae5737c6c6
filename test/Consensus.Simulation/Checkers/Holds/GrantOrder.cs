using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>
/// First come, first served: nobody is granted anything past one who waits and could be granted, so that a writer is not starved by readers; and nobody waits who fits. Who is
/// handed a hold, or takes one back that is kept for it, passes the others.
/// </summary>
internal sealed class GrantOrder
{
    public const string Name = "grant order";

    /// <summary>Who waits under a lease that is not its own may be passed over when that is over: it is not judged here.</summary>
    private readonly HashSet<string> _underOtherLeases = new(StringComparer.Ordinal);

    /// <summary>
    /// Who waits for several locks may have to wait for another one: who fits everywhere is seen by <see cref="WaitingMultiLocks"/>.
    /// </summary>
    private readonly HashSet<string> _forSeveral = new(StringComparer.Ordinal);

    /// <summary>Sessions of those who wait under one, by owner: while it lives nobody passes them.</summary>
    private readonly Dictionary<string, LeaseId> _sessions = new(StringComparer.Ordinal);

    private readonly HashSet<ObjectName> _delayed = [];

    /// <summary>Requests that were told that they do not have it: told again, nobody is looked for.</summary>
    private readonly HashSet<Clients.Operation> _refused = [];

    public void Saw(AppliedEntry entry, HoldStep step)
    {
        if (entry.Command is AcquireCommand { SharedLease.IsNone: false } ofSession && entry.Asked is { Session.IsNone: false })
        {
            _sessions[ofSession.Owner] = ofSession.SharedLease;
        }
        else if (entry.Command is AcquireCommand { SharedLease.IsNone: false } acquire)
        {
            _underOtherLeases.Add(acquire.Owner);
        }
        if (entry.Command is AcquireManyCommand many)
        {
            (many.SharedLease.IsNone ? _forSeveral : _underOtherLeases).Add(many.Owner);
        }
        var isNew = IsNew(entry);
        var mayBeKept = _delayed.Contains(step.Name) || step.Before.DelayedUntil is not null || step.After.DelayedUntil is not null
            || step.Ended.Any(hold => hold.LockDelayMicros > 0);
        if (step.Before.DelayedUntil is null && step.After.DelayedUntil is null)
        {
            _delayed.Remove(step.Name);
        }
        else
        {
            _delayed.Add(step.Name);
        }
        if (mayBeKept || entry.Command is HandOverCommand)
        {
            return;
        }
        NobodyIsPassed(entry, step);
        NobodyWaitsWhoFits(entry, step, isNew);
    }

    /// <summary>Noted of each entry, also of one that is not judged: the repeat of a "no" may come when the delay is over.</summary>
    private bool IsNew(AppliedEntry entry) => entry is { Command: AcquireCommand, Outcome: HoldQueued }
        || (entry is { Command: AcquireCommand, Outcome: HoldRefused { WaitedMicros: 0 } }
            && (entry.Asked is not { } asked || (!asked.HasIdentity && asked.Session.IsNone) || _refused.Add(asked)));

    private void NobodyIsPassed(AppliedEntry entry, HoldStep step)
    {
        if (step.Begun.Count == 0)
        {
            return;
        }
        var ahead = step.Before.Waiters.TakeWhile(waiter => !CouldBeGranted(entry, waiter) || !StillWaits(waiter, step.After.Waiters)).ToList();
        if (ahead.Count == step.Before.Waiters.Length)
        {
            return;
        }
        foreach (var hold in step.Begun)
        {
            Violation.Unless(ahead.Exists(waiter => waiter.Owner == hold.Owner), Name, () =>
                $"{entry} granted {hold} past {step.Before.Waiters[ahead.Count]}, who waited for the {step.Name}");
        }
    }

    private void NobodyWaitsWhoFits(AppliedEntry entry, HoldStep step, bool isNew)
    {
        var wasJudged = step.Ended.Count + step.Begun.Count > 0 || isNew;
        if (!wasJudged || step.After.Waiters is not [var first, ..] || _forSeveral.Contains(first.Owner) || !CouldBeGranted(entry, first))
        {
            return;
        }
        var holders = step.After.Holders;
        var fits = step.Name.Space switch
        {
            HoldSpace.Semaphore => first.Count <= step.After.Permits - holders.Sum(hold => hold.Count),
            HoldSpace.Lock => holders.IsEmpty || (first.Mode == LockMode.Shared && holders.All(hold => hold.Mode == LockMode.Shared)),
            _ => holders.IsEmpty,
        };
        Violation.Unless(!fits, Name, () => $"after {entry} {first} still waits for the {step.Name}, though it could have it");
    }

    private bool CouldBeGranted(AppliedEntry entry, WaiterInfo waiter) =>
        !waiter.Detached
            && waiter.WaitDeadline > entry.Stamp
            && !_underOtherLeases.Contains(waiter.Owner)
            && (!_sessions.TryGetValue(waiter.Owner, out var session) || (entry.Before.GetLease(session)?.Deadline > entry.Stamp && entry.After.GetLease(session) is not null));

    private static bool StillWaits(WaiterInfo waiter, ImmutableArray<WaiterInfo> waiters) => waiters.Any(other => other.Owner == waiter.Owner && !other.Detached);
}
