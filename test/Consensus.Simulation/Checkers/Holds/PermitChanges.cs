using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>
/// The limit of a semaphore in use changes when an operator asks for it, to what was asked, and never below what is held and kept back of
/// it; and no hold ends for it.
/// </summary>
internal sealed class PermitChanges
{
    public const string Name = "permits";

    /// <summary>Requests that were answered: told again, nothing is done.</summary>
    private readonly HashSet<Operation> _answered = [];

    public void Saw(AppliedEntry entry, HoldStep step)
    {
        if (step.Name.Space != HoldSpace.Semaphore)
        {
            return;
        }
        Violation.Unless(entry is not { Command: ReleaseHoldCommand { Force: true }, Asked: null } || step.Ended.Count == 0, Name, () =>
            $"{entry}, which no client asked for, ended {string.Join(", ", step.Ended)}");
        var (before, after) = (step.Before, step.After);
        if (entry.Command is not ChangePermitsCommand logged)
        {
            return;
        }
        var asked = entry.Asked?.Command as ChangePermitsCommand ?? logged;
        var isDone = after.Permits != before.Permits;
        Violation.Unless(!isDone || (entry.Outcome is PermitsChanged && after.Permits == asked.Permits), Name, () =>
            $"{entry}, asked as {asked}, gave the {step.Name} {after.Permits} permits, was answered {entry.Outcome}");
        Violation.Unless(OutOf(entry, after) <= after.Permits || OutOf(entry, after) == 0, Name, () =>
            $"after {entry} {OutOf(entry, after)} permits of the {step.Name} are out, of {after.Permits}");
        if (entry.Asked is { HasIdentity: true } request && !_answered.Add(request))
        {
            return;
        }
        var (wanted, taken) = (asked.Permits, OutOf(entry, before));
        var isUsed = before.HolderCount + before.WaiterCount + taken > 0;
        var fits = entry.Outcome switch
        {
            PermitsChanged changed => isUsed && wanted >= Math.Max(1, taken) && changed.Permits == wanted && changed.Before == before.Permits && after.Permits == wanted,
            PermitsOut stays => isUsed && wanted < Math.Max(1, taken) && stays.Permits == before.Permits && stays.Out == taken && !isDone,
            SemaphoreUnused => !isUsed,
            _ => !isDone,
        };
        Violation.Unless(
            fits, Name, () => $"{entry}, asked as {asked}, was answered {entry.Outcome}; of {before.Permits} permits {taken} were out");
    }

    /// <summary>Held, or kept back at the stamp of the entry.</summary>
    private static long OutOf(AppliedEntry entry, HeldObject info) =>
        info.Holders.Sum(hold => hold.Count) + info.Delays.Where(delay => delay.Until > entry.Stamp).Sum(delay => delay.Count);
}
