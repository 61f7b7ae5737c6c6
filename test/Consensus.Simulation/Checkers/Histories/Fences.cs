using Consensus.Simulation.Clients;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// A fence's highest mark never goes back, and a token below it is refused (rule 23): the history of each resource is linearizable against
/// a model of that.
/// </summary>
public static class Fences
{
    public const string Name = "fences";

    /// <summary>Returns how many resources' histories were too long a search to decide.</summary>
    public static int Check(IEnumerable<Operation> operations)
    {
        var undecided = 0;
        foreach (var ofResource in operations.Where(o => o.IsOfFence).GroupBy(o => o.Object, StringComparer.Ordinal))
        {
            var verdict = Linearizability.Check(new FenceModel(), FenceModel.CallsOf(ofResource));
            undecided += verdict == Verdict.Undecided ? 1 : 0;
            Violation.Unless(verdict != Verdict.NotLinearizable, Name, () =>
                $"no order of the {ofResource.Count()} operations on the fence {ofResource.Key} explains their answers:\n{string.Join('\n', ofResource.Take(300))}");
        }
        return undecided;
    }
}
