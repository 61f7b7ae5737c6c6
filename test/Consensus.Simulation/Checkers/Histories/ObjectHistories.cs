using Consensus.Simulation.Clients;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>Linearizability of a whole history, object by object: a history is linearizable when that of each object is (Herlihy and Wing, 1990).</summary>
public static class ObjectHistories
{
    public const string Name = "linearizability";

    /// <summary>Returns how many objects' histories were too long a search to decide.</summary>
    public static int Check(IEnumerable<Operation> operations, Func<Operation, long> promisedUntil)
    {
        var undecided = 0;
        foreach (var ofObject in operations.Where(o => o.IsPlain).GroupBy(o => (o.Object, o.IsOfLock)))
        {
            var verdict = ofObject.Key.IsOfLock
                ? Linearizability.Check(new LockModel(), LockModel.CallsOf(ofObject, promisedUntil))
                : Linearizability.Check(new KeyModel(), KeyModel.CallsOf(ofObject));
            undecided += verdict == Verdict.Undecided ? 1 : 0;
            Violation.Unless(verdict != Verdict.NotLinearizable, Name, () =>
                $"no order of the {ofObject.Count()} operations on {ofObject.Key.Object} explains their answers:\n{string.Join('\n', ofObject.Take(300))}");
        }
        return undecided;
    }
}
