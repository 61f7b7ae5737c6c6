using System.Globalization;
using Consensus.Chaos.Clients;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Nodes;

namespace Consensus.Peers.Trials;

/// <summary>
/// What chaos' checkers of durability and linearizability say of everything that a trial asked and was answered. Its others judge what
/// trials do not have: watches, holds, sessions.
/// </summary>
/// <param name="Durability">What they saw of acknowledged writes that are not there any more; null when nothing.</param>
/// <param name="Linearizability">The key whose answers no order explains, and they; null when there is none.</param>
/// <param name="Undecided">Keys with histories too long a search to decide.</param>
internal sealed record Judgement(string? Durability, string? Linearizability, int Undecided)
{
    /// <summary>A promise is broken.</summary>
    public bool IsBroken => Durability is not null || Linearizability is not null;

    /// <summary>Once nobody asks any more.</summary>
    public static Judgement Of(Record record)
    {
        var (operations, undecided) = (record.Operations, 0);
        var durability = Violation(() => RevisionsIncrease.Check(operations));
        var linearizability = Violation(() => undecided = ObjectHistories.Check(operations, _ => 0));
        return new(durability, linearizability, undecided);
    }

    /// <summary>By which checkers, in a few words.</summary>
    public override string ToString()
    {
        string[] broken =
        [
            .. Durability is null ? Array.Empty<string>() : [RevisionsIncrease.Name],
            .. Linearizability is null ? Array.Empty<string>() : [ObjectHistories.Name],
        ];
        var open = Undecided > 0 ? string.Create(CultureInfo.InvariantCulture, $", {Undecided} keys undecided") : "";
        return (broken.Length > 0 ? $"broken: {string.Join(" and ", broken)}" : "nothing broken") + open;
    }

    private static string? Violation(Action check)
    {
        try
        {
            check();
            return null;
        }
        catch (SimulationFailureException broken)
        {
            return broken.Message;
        }
    }
}
