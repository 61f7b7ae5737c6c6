using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>After a hold with a <c>lockDelay</c> was lost, rather than released, nobody but the same owner is granted the object for that long.</summary>
internal sealed class LockDelays
{
    public const string Name = "lock delay";

    private readonly Dictionary<ObjectName, (string Owner, ClusterTime Until)> _delays = [];

    /// <summary>Of holds that stand, what their clients asked for, by token.</summary>
    private readonly Dictionary<long, long> _asked = [];

    public void Saw(AppliedEntry entry, HoldStep step)
    {
        if (entry.Command is ReleaseLockCommand { Force: true } && step.Before.HolderCount == 0)
        {
            // An operator ended it.
            _delays.Remove(step.Name);
        }
        var lost = IsLoss(entry.Command) ? step.Ended : [.. step.Ended.Where(hold => entry.WithdrewLease(hold.Lease))];
        var isDelayed = _delays.TryGetValue(step.Name, out var delay) && delay.Until > entry.Stamp;
        var before = (isDelayed, delay);
        // Of several that were lost in one entry, each may have been followed by grants.
        var since = lost.Count > 1 ? long.MaxValue : step.After.LastLoss is { } loss && lost.Any(hold => hold.Token == loss.Token) ? loss.AtRevision.Value : 0;
        foreach (var hold in lost)
        {
            var until = entry.Stamp.PlusMicros(_asked.GetValueOrDefault(hold.Token.Value, hold.LockDelayMicros));
            if (until > entry.Stamp && (!isDelayed || until >= delay.Until))
            {
                (isDelayed, delay) = (true, (hold.Owner, until));
            }
        }
        foreach (var hold in step.Begun)
        {
            if (entry.AskedFor(hold) is { } asked)
            {
                _asked[hold.Token.Value] = asked is AcquireManyCommand many ? many.LockDelayMicros : ((AcquireLockCommand)asked).LockDelayMicros;
            }
            if (hold.Token.Value < since && (!before.isDelayed || hold.Owner == before.delay.Owner || lost.Count > 1))
            {
                // Granted beside one that was lost after it.
                continue;
            }
            Violation.Unless(!isDelayed || hold.Owner == delay.Owner, Name, () =>
                $"{entry} granted {hold}, and the {step.Name} is kept for {delay.Owner} until {delay.Until}");
            isDelayed = false;
        }
        foreach (var hold in step.Ended)
        {
            _asked.Remove(hold.Token.Value);
        }
        // Where losses and grants of one entry alternate, a grant between them may have ended the delay.
        isDelayed &= lost.Count == 0 || step.Begun.Count == 0 || step.After.DelayedUntil is not null;
        if (isDelayed)
        {
            _delays[step.Name] = delay;
        }
        else
        {
            _delays.Remove(step.Name);
        }
    }

    private static bool IsLoss(Command command) => command is ExpireCommand or RevokeLeaseCommand or ReleaseLockCommand { Force: true };
}
