using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>A hold with a <c>maxHold</c> ends so long after its grant, however often it is renewed, and not before that for this reason.</summary>
internal sealed class MaxHolds
{
    public const string Name = "max hold";

    /// <summary>Cluster time that passes at most between the moment at which it is over and the entry that ends it: proposing, committing, a new leader's first turns.</summary>
    public const long SlackMicros = 3_000_000;

    private readonly Dictionary<long, ClusterTime> _standing = [];
    private ClusterTime? _healedAt;

    public void Saw(AppliedEntry entry, HoldStep step)
    {
        Granted(entry, step);
        foreach (var hold in step.Ended)
        {
            _standing.Remove(hold.Token.Value);
            var isHeldTooLong = step.After.LastLoss is { Reason: LossReason.HeldTooLong } loss && loss.Token == hold.Token;
            Violation.Unless(!isHeldTooLong || hold.HoldUntil <= entry.Stamp, Name, () => $"{entry} ended {hold} as held too long");
        }
    }

    /// <summary>From this cluster time on nothing is in the way of an entry that ends what is over.</summary>
    public void HealedAt(ClusterTime stamp) => _healedAt = stamp;

    /// <summary>After every entry: one that ends what is over ends all of it; once all is well it comes soon.</summary>
    public void Passed(AppliedEntry entry)
    {
        foreach (var (token, until) in _standing)
        {
            var isLate = entry.Command is ExpireCommand ? until <= entry.Stamp
                : _healedAt is { } healed && entry.Stamp - (until > healed ? until : healed) > SlackMicros;
            Violation.Unless(!isLate, Name, () => $"after {entry} the hold of token {token} still stands; it may be held until {until}");
        }
    }

    private void Granted(AppliedEntry entry, HoldStep step)
    {
        foreach (var hold in step.Begun)
        {
            var asked = entry.AskedFor(hold);
            var micros = asked switch
            {
                AcquireCommand one => one.MaxHoldMicros,
                AcquireManyCommand many => many.MaxHoldMicros,
                _ => 0,
            };
            var until = micros > 0 ? entry.Stamp.PlusMicros(micros) : ClusterTime.Never;
            Violation.Unless(asked is null || hold.HoldUntil == until, Name, () => $"{entry} granted {hold} for {asked}, which may be held until {until}");
            if (hold.HoldUntil != ClusterTime.Never)
            {
                _standing.Add(hold.Token.Value, hold.HoldUntil);
            }
        }
    }
}
