using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>
/// A place in line under a number of a session stays what it is, whatever becomes of connections and members (rule 18): there is one, in
/// its order and with its deadline, however
/// often it is asked for; it is never passed over as detached; and it ends with its grant, of which there is one, with its wait, with its
/// number's settlement or with its session.
/// </summary>
internal sealed class SessionPlaces
{
    public const string Name = "places of sessions";

    /// <summary>What was asked under numbers of sessions, by owner: each number has one of its own.</summary>
    private readonly Dictionary<string, Operation> _asked = new(StringComparer.Ordinal);

    /// <summary>The token that each of them was granted.</summary>
    private readonly Dictionary<string, long> _granted = new(StringComparer.Ordinal);

    public void Saw(AppliedEntry entry, HoldStep step)
    {
        if (entry.Asked is { Session.IsNone: false, Command: AcquireCommand, HoldsAs: { } asker } operation)
        {
            _asked.TryAdd(asker, operation);
        }
        foreach (var hold in step.Begun)
        {
            if (_asked.TryGetValue(hold.Owner, out var asked))
            {
                Violation.Unless(hold.Lease == asked.Session.Session, Name, () => $"{entry} granted {hold} to {asked}");
                Violation.Unless(
                    _granted.TryAdd(hold.Owner, hold.Token.Value),
                    Name,
                    () => $"{entry} granted {hold} to {asked}, which had been granted {_granted[hold.Owner]}");
            }
        }
        foreach (var waiter in step.After.Waiters.Where(waiter => _asked.ContainsKey(waiter.Owner)))
        {
            Violation.Unless(!waiter.Detached, Name, () => $"after {entry} {waiter} is passed over");
            var count = step.After.Waiters.Count(other => other.Owner == waiter.Owner);
            Violation.Unless(
                count == 1 && !_granted.ContainsKey(waiter.Owner),
                Name,
                () => $"after {entry} {waiter} waits {count} times, and was granted {_granted.GetValueOrDefault(waiter.Owner)}");
        }
        foreach (var waiter in step.Before.Waiters)
        {
            if (_asked.TryGetValue(waiter.Owner, out var asked))
            {
                Stays(entry, step, waiter, asked);
            }
        }
        var order = step.Before.Waiters.Select(waiter => waiter.Owner).Where(
            owner => step.After.Waiters.Any(waiter => waiter.Owner == owner));
        var stayed = step.After.Waiters.Select(waiter => waiter.Owner).Where(
            owner => step.Before.Waiters.Any(waiter => waiter.Owner == owner));
        Violation.Unless(order.SequenceEqual(stayed), Name, () => $"{entry} changed the order of the line {string.Join(", ", step.Before.Waiters)} to {string.Join(", ", step.After.Waiters)}");
    }

    private static void Stays(AppliedEntry entry, HoldStep step, WaiterInfo waiter, Operation asked)
    {
        if (step.After.Waiters.FirstOrDefault(other => other.Owner == waiter.Owner) is { } after)
        {
            Violation.Unless(
                after.WaitDeadline == waiter.WaitDeadline, Name, () => $"{entry} moved the deadline of {waiter} to {after.WaitDeadline}");
            return;
        }
        var hasReason = step.Begun.Any(hold => hold.Owner == waiter.Owner)
            || entry.After.GetLease(asked.Session.Session) is null
            || (step.Name.Space == HoldSpace.Semaphore && waiter.Count > step.After.Permits)
            || entry.Command switch
            {
                ExpireCommand => waiter.WaitDeadline <= entry.Stamp,
                SettleCommand settle => settle.Session == asked.Session.Session && settle.Number == asked.Session.Number,
                _ => false,
            };
        Violation.Unless(hasReason, Name, () => $"{entry} took {waiter} out of the line for the {step.Name}, which {asked} stands in");
    }
}
