using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>
/// After a hold with a <c>lockDelay</c> was lost, rather than released, what it had is kept for its owner for that long: nothing exclusive is granted to others, nothing shared
/// either when it was exclusive, and lost permits stay taken. Each lost hold has a delay of its own, whatever others are granted. Where one entry loses and grants several, and the
/// order is not seen, the owner is believed to have taken back what would be kept for longest.
/// </summary>
internal sealed class LockDelays
{
    public const string Name = "lock delay";

    private readonly Dictionary<ObjectName, List<Delay>> _delays = [];

    /// <summary>Of holds that stand, what their clients asked for, by token.</summary>
    private readonly Dictionary<long, long> _asked = [];

    /// <summary>
    /// Holds that waiting places of sessions became, by token, while no request of the session has come since: of one that nobody took nothing
    /// is kept when it ends (rule 18).
    /// </summary>
    private readonly Dictionary<long, LeaseId> _unheard = [];

    private sealed record Delay(string Owner, ClusterTime Until, LockMode Mode, long Count);

    /// <summary>Before what the entry did with objects: which session it is heard from.</summary>
    public void Heard(AppliedEntry entry)
    {
        if (_unheard.Count == 0)
        {
            return;
        }
        var renewed = entry.Command is RenewLeasesCommand renewal ? renewal.Ids : [];
        foreach (var (token, session) in _unheard)
        {
            if (session == entry.Session.Session || renewed.Contains(session))
            {
                _unheard.Remove(token);
            }
        }
    }

    public void Saw(AppliedEntry entry, HoldStep step)
    {
        var delays = _delays.GetValueOrDefault(step.Name) ?? [];
        delays.RemoveAll(delay => delay.Until <= entry.Stamp);
        if (entry is { Command: ReleaseHoldCommand { Force: true } forced, Asked: not null } && forced.Object == step.Name && step.Before.HolderCount == 0)
        {
            // An operator ended them, and nobody else may.
            delays.Clear();
        }
        var lost = IsLoss(entry.Command) ? step.Ended : [.. step.Ended.Where(hold => entry.WithdrewLease(hold.Lease))];
        var known = lost.Where(hold => !_unheard.ContainsKey(hold.Token.Value));
        var added = known.Select(hold => DelayOf(entry, hold)).Where(delay => delay.Until > entry.Stamp).ToList();
        // Of a single loss it is seen which grants came after it; of several it is not.
        var lostAt = lost.Count != 1 ? (long?)null : step.After.LastLoss is { } loss && loss.Token == lost[0].Token ? loss.AtRevision.Value : 0;
        var isOrdered = lost.Count == 0 || lostAt is not null;
        foreach (var hold in step.Begun.OrderBy(hold => hold.Token))
        {
            if (lostAt < hold.Token.Value)
            {
                delays.AddRange(added);
                added.Clear();
            }
            var inTheWay = step.Name.Space == HoldSpace.Semaphore ? null
                : delays.Find(delay => delay.Owner != hold.Owner && (delay.Mode == LockMode.Exclusive || hold.Mode == LockMode.Exclusive));
            Violation.Unless(inTheWay is null, Name, () => $"{entry} granted {hold}, and the {step.Name} is kept by {inTheWay}");
            if (!isOrdered)
            {
                delays.AddRange(added.Where(delay => delay.Owner == hold.Owner));
                added.RemoveAll(delay => delay.Owner == hold.Owner);
            }
            TakeBack(delays, hold, isOrdered);
        }
        delays.AddRange(added);
        var (used, kept) = (step.After.Holders.Sum(hold => hold.Count), delays.Sum(delay => delay.Count));
        Violation.Unless(step.Name.Space != HoldSpace.Semaphore || step.Begun.Count == 0 || used + kept <= step.After.Permits, Name, () =>
            $"after {entry} {used} permits of the {step.Name} are held and {kept} are kept, of {step.After.Permits}: {string.Join(", ", delays)}");
        Asked(entry, step);
        _delays[step.Name] = delays;
    }

    private Delay DelayOf(AppliedEntry entry, Hold hold) => new(
        hold.Owner, entry.Stamp.PlusMicros(_asked.GetValueOrDefault(hold.Token.Value, hold.LockDelayMicros)), hold.Mode, hold.Count);

    /// <summary>A grant takes back what its owner lost: of the same mode first, and what ends first.</summary>
    private static void TakeBack(List<Delay> delays, Hold hold, bool isOrdered)
    {
        var own = delays.Where(delay => delay.Owner == hold.Owner);
        var inOrder = isOrdered ? own.OrderBy(delay => delay.Mode != hold.Mode).ThenBy(delay => delay.Until) : own.OrderByDescending(delay => delay.Until);
        var left = hold.Count;
        foreach (var delay in inOrder.ToList())
        {
            if (left > 0)
            {
                var taken = Math.Min(left, delay.Count);
                left -= taken;
                delays.Remove(delay);
                if (delay.Count > taken)
                {
                    delays.Add(delay with { Count = delay.Count - taken });
                }
            }
        }
    }

    private void Asked(AppliedEntry entry, HoldStep step)
    {
        foreach (var hold in step.Begun)
        {
            if (entry.AskedFor(hold) is { } asked)
            {
                _asked[hold.Token.Value] = asked is AcquireManyCommand many ? many.LockDelayMicros : ((AcquireCommand)asked).LockDelayMicros;
            }
        }
        foreach (var hold in step.Begun.Where(hold => entry.After.GetSession(hold.Lease) is not null))
        {
            if (step.Before.Waiters.Any(waiter => waiter.Owner == hold.Owner))
            {
                _unheard[hold.Token.Value] = hold.Lease;
            }
        }
        foreach (var hold in step.Ended)
        {
            _unheard.Remove(hold.Token.Value);
            _asked.Remove(hold.Token.Value);
        }
    }

    private static bool IsLoss(Command command) => command is ExpireCommand or RevokeLeaseCommand or ReleaseHoldCommand { Force: true };
}
