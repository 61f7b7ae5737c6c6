using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>
/// Holds stand together only as they may: never a writer with anybody else, never more permits than the limit, never two leaders of one election. Each grant has a token above
/// those of all grants before it, of whatever object (rule 16).
/// </summary>
internal sealed class HoldsFit
{
    public const string Name = "holds fit";

    private long _highest;

    public void Saw(AppliedEntry entry, HoldStep step)
    {
        var holders = step.After.Holders;
        var fits = step.Name.Space switch
        {
            HoldSpace.Lock => holders.Length <= 1 || holders.All(hold => hold.Mode == LockMode.Shared),
            HoldSpace.Election => holders.Length <= 1,
            _ => holders.Sum(hold => hold.Count) <= step.After.Permits,
        };
        Violation.Unless(fits, Name, () => $"after {entry} the {step.Name} is held by {string.Join(", ", holders)} ({step.After.Permits} permits)");
        Violation.Unless(
            entry.Command is ChangePermitsCommand
                || step.Before.HolderCount == 0 || step.After.HolderCount == 0 || step.Before.Permits == step.After.Permits || step.Begun.Count == holders.Length,
            Name,
            () => $"after {entry} the {step.Name} has {step.After.Permits} permits rather than {step.Before.Permits}, though it is in use");
    }

    /// <summary>All that the entry granted, of all objects.</summary>
    public void Granted(AppliedEntry entry, IEnumerable<Hold> holds)
    {
        foreach (var hold in holds.OrderBy(hold => hold.Token))
        {
            Violation.Unless(hold.Token.Value > _highest, Name, () => $"{entry} granted {hold}, and a token {_highest} was given before");
            _highest = hold.Token.Value;
        }
    }
}
