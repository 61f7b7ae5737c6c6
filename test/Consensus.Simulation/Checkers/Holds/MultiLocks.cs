using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>Several locks asked for together are all granted in one step, each with a token of its own, or none of them is.</summary>
internal static class MultiLocks
{
    public const string Name = "multi-lock";

    public static void Saw(AppliedEntry entry, IReadOnlyList<HoldStep> steps)
    {
        if (entry.Command is not AcquireManyCommand logged)
        {
            return;
        }
        var command = entry.Asked?.Command as AcquireManyCommand ?? logged;
        var begun = steps.SelectMany(step => step.Begun).Where(hold => hold.Owner == command.Owner).ToList();
        if (entry.Outcome is ManyGranted granted && begun.Count > 0)
        {
            var tokens = granted.Holds.Select(hold => hold.Token).ToList();
            Violation.Unless(
                granted.Holds.Select(hold => hold.Name).SequenceEqual(command.Names)
                    && begun.Count == command.Names.Length
                    && tokens.Distinct().Count() == tokens.Count
                    && tokens.ToHashSet().SetEquals(begun.Select(hold => hold.Token)),
                Name,
                () => $"{entry} was answered {string.Join(", ", granted.Holds)} and granted {string.Join(", ", begun)}");
            return;
        }
        Violation.Unless(begun.Count == 0, Name, () => $"{entry} was answered {entry.Outcome} and granted {string.Join(", ", begun)}");
    }
}
