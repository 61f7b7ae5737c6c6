using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>A hold that is handed over goes to the first who waits under the named name, in the step in which it ends; to nobody else, and else nothing is done.</summary>
internal static class HandOvers
{
    public const string Name = "hand-over";

    public static void Saw(AppliedEntry entry, HoldStep step)
    {
        if (entry.Command is not HandOverCommand logged || step.Name != logged.Object)
        {
            return;
        }
        var command = entry.Asked?.Command as HandOverCommand ?? logged;
        if (entry.Outcome is HandedOver done && step.Ended.Count > 0)
        {
            var isNext = step.Before.Waiters.Any(waiter => waiter.Owner == command.To && !waiter.Detached);
            Violation.Unless(
                isNext
                    && step.Ended.Count == 1
                    && step.Ended[0].Token == command.Token
                    && step.Begun.Count > 0
                    && step.Begun[0].Owner == command.To
                    && step.Begun[0].Token == done.Hold.Token
                    && done.Hold.Owner == command.To,
                Name,
                () => $"{entry} ended {string.Join(", ", step.Ended)} and granted {string.Join(", ", step.Begun)}; it was answered {done}");
            return;
        }
        Violation.Unless(step.Begun.Count + step.Ended.Count == 0, Name, () =>
            $"{entry} was answered {entry.Outcome}, and ended {string.Join(", ", step.Ended)} and granted {string.Join(", ", step.Begun)}");
    }
}
