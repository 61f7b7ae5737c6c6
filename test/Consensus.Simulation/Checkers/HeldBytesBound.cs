using System.Globalization;
using Consensus.Node.Core;
using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Checkers;

/// <summary>What a member holds for others stays within the budgets that were planned for it, whatever it was started with.</summary>
public static class HeldBytesBound
{
    public const string Name = "held bytes";

    /// <summary>One more is let in where nothing else is, or before a budget is full; no value of the simulation is larger.</summary>
    private const long SlackBytes = 64 << 10;

    /// <param name="planned">The budgets.</param>
    public static void Turned(string member, NodeCore core, NodeCoreOptions planned)
    {
        foreach (var held in core.Held)
        {
            var limit = held.What switch
            {
                "requests" => planned.MaxPendingBytes,
                "forwarded" => planned.MaxForwardedBytes,
                "given-up" => planned.MaxGivenUpBytes,
                "foreign-requests" => planned.MaxForeignBytes,
                "uncommitted" => planned.Raft.MaxUncommittedBytes,
                // What is not applied cannot be forgotten: it is bounded where it is proposed.
                "log" => planned.Raft.MaxLogBytes + core.UnappliedBytes,
                _ => throw new SimulationFailureException(Name, $"nobody checks what {member} holds of {held.What}"),
            };
            Violation.Unless(held.Held <= limit + SlackBytes, Name, () => string.Create(
                CultureInfo.InvariantCulture, $"{member} holds {held.Held} bytes of {held.What}; its budget is {limit}"));
        }
    }
}
