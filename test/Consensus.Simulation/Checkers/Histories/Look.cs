using Consensus.Simulation.Clients;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>An answer that names an owner.</summary>
/// <param name="Revision">Of the state that it was seen in.</param>
/// <param name="Owner">Who holds or waits.</param>
/// <param name="By">Whose answer says so.</param>
/// <param name="Waits">It waits, and holds nothing under that name.</param>
internal readonly record struct Look(long Revision, string Owner, Operation By, bool Waits)
{
    /// <summary>All that answers say of who holds and who waits.</summary>
    public static IEnumerable<Look> Of(IEnumerable<Operation> operations)
    {
        foreach (var operation in operations.Where(o => o.Status == OperationStatus.Done))
        {
            if (operation.Seen is { } seen)
            {
                foreach (var owner in seen.Holders?.Select(hold => hold.Owner) ?? (seen.Holder is { } holder ? [holder] : []))
                {
                    yield return new Look(seen.ViewRevision, owner, operation, Waits: false);
                }
                foreach (var owner in seen.Waiters ?? [])
                {
                    yield return new Look(seen.ViewRevision, owner, operation, Waits: true);
                }
            }
            var other = operation.Outcome switch
            {
                HoldRefused held => held.Holder,
                NotHolder not => not.Current,
                _ => null,
            };
            if (other is not null)
            {
                yield return new Look(operation.Outcome!.Revision.Value, other.Owner, operation, Waits: false);
            }
        }
    }
}
