using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>
/// A request for several locks that waits has a place in the line of each or in none, and holds none of them meanwhile; whichever entry
/// grants it, grants all that was asked for; and once it is the first of every line, and all are free, it waits no longer. That nobody
/// passes it is the grant order's.
/// </summary>
internal sealed class WaitingMultiLocks
{
    public const string Name = "waiting multi-lock";

    /// <summary>What its client asked for, by the owner, of which each request has one of its own.</summary>
    private readonly Dictionary<string, AcquireManyCommand> _waiting = new(StringComparer.Ordinal);

    public void Saw(AppliedEntry entry, IReadOnlyList<HoldStep> steps)
    {
        foreach (var granted in entry.Granted.Where(grant => grant.Asked?.Command is AcquireManyCommand).GroupBy(grant => grant.Asked!))
        {
            IsWhole(entry, (AcquireManyCommand)granted.Key.Command!, [.. granted.Select(grant => grant.Hold)]);
        }
        if (entry is { Command: AcquireManyCommand logged, Outcome: HoldQueued })
        {
            var asked = entry.Asked?.Command as AcquireManyCommand ?? logged;
            _waiting[asked.Owner] = asked;
        }
        if (steps.Count == 0)
        {
            return;
        }
        foreach (var asked in _waiting.Values.ToList())
        {
            Stands(entry, asked, steps);
        }
    }

    private static void IsWhole(AppliedEntry entry, AcquireManyCommand asked, IReadOnlyList<Hold> holds) => Violation.Unless(
        holds.OrderBy(hold => hold.Token).Select(hold => hold.Name).SequenceEqual(asked.Names), Name, () =>
            $"{entry} granted {string.Join(", ", holds)} of {string.Join(", ", asked.Names)}");

    private void Stands(AppliedEntry entry, AcquireManyCommand asked, IReadOnlyList<HoldStep> steps)
    {
        var objects = asked.Names.Select(name => entry.After.GetObject(ObjectName.Lock(name))).ToList();
        var places = objects.Count(info => info.Waiters.Any(waiter => waiter.Owner == asked.Owner));
        if (places == 0)
        {
            _waiting.Remove(asked.Owner);
            return;
        }
        Violation.Unless(places == objects.Count, Name, () =>
            $"after {entry} {asked.Owner} has {places} places for {string.Join(", ", asked.Names)}");
        Violation.Unless(!objects.Exists(info => info.Holders.Any(hold => hold.Owner == asked.Owner)), Name, () =>
            $"after {entry} {asked.Owner} waits for {string.Join(", ", asked.Names)}, and holds one of them");
        var somethingEnded = steps.Any(step => step.Ended.Count > 0 && asked.Names.Any(name => step.Name == ObjectName.Lock(name)));
        Violation.Unless(!somethingEnded || !objects.TrueForAll(info => IsNext(entry, asked, info)), Name, () =>
            $"after {entry} {asked.Owner} still waits for {string.Join(", ", asked.Names)}, though it is the next and all are free");
    }

    /// <summary>Who waits under a lease that is not its own may be passed over when that is over: it is not judged here.</summary>
    private static bool IsNext(AppliedEntry entry, AcquireManyCommand asked, HeldObject info) =>
        info.Holders.IsEmpty
        && info.DelayedUntil is null
        && asked.SharedLease.IsNone
        && info.Waiters[0] is { Detached: false } first
        && first.Owner == asked.Owner
        && first.WaitDeadline > entry.Stamp;
}
