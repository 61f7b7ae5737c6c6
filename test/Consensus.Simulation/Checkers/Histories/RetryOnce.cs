using Consensus.Simulation.Clients;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>A request that is sent again under its identity has one effect, and its answers tell of that one (rule 21).</summary>
public sealed class RetryOnce
{
    public const string Name = "retry has one effect";

    private readonly Dictionary<string, long> _effects = [];

    /// <summary>An effect, or an answer that tells of one.</summary>
    /// <param name="identity">Of the request; whatever tells requests apart.</param>
    /// <param name="outcome">What came of it.</param>
    public void Effect(string identity, Outcome outcome)
    {
        var revision = outcome switch
        {
            PutDone put => put.ModRevision.Value,
            DeleteDone { Deleted: > 0 } deleted => deleted.Revision.Value,
            HoldGranted granted => granted.Hold.Token.Value,
            ManyGranted many => many.Holds[0].Token.Value,
            HandedOver over => over.Hold.Token.Value,
            LeaseGranted granted => granted.Id.Value,
            TxnDone done when done.Results.Any(result => result is TxnPutResult or TxnDeleteResult { Deleted: > 0 }) => done.Revision.Value,
            _ => 0,
        };
        if (revision == 0)
        {
            return;
        }
        if (!_effects.TryAdd(identity, revision))
        {
            Violation.Unless(_effects[identity] == revision, Name, () =>
                $"the request {identity} had one effect at revision {_effects[identity]} and another at {revision}");
        }
    }

    /// <summary>What a client was answered.</summary>
    public void Answered(Operation operation)
    {
        Violation.Unless(operation.Outcome is not IdempotencyMismatch, Name, () => $"{operation} was taken for another request");
        var givesBack = operation.Kind is OperationKind.Delete or OperationKind.Renew or OperationKind.Release or OperationKind.RenewHold or OperationKind.ReleaseHold
            or OperationKind.HandOver or OperationKind.RenewLeases or OperationKind.RevokeLease or OperationKind.ResetFence;
        Violation.Unless(operation.Outcome is not BoundReached { Bound: BoundKind.IdempotencyKeys } || !givesBack, Name, () => $"{operation} was refused for want of room");
        if (operation.Outcome is { } outcome)
        {
            Effect(operation.Owner, outcome);
        }
    }
}
