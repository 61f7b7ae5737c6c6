using Consensus.Simulation.Clients;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <param name="Operation">What was asked.</param>
/// <param name="IsAnswered">False for one that may have taken effect.</param>
public readonly record struct FenceCall(Operation Operation, bool IsAnswered);

/// <param name="Highest">0 while there is no fence.</param>
public readonly record struct FenceState(long Highest);

/// <summary>One fence: a mark that tokens raise, and that an operator forgets.</summary>
public sealed class FenceModel : IObjectModel<FenceState, FenceCall>
{
    public FenceState Initial => new(0);

    public static List<Call<FenceCall>> CallsOf(IEnumerable<Operation> operations)
    {
        var calls = new List<Call<FenceCall>>();
        foreach (var operation in operations)
        {
            var isDone = operation.Status == OperationStatus.Done;
            if (isDone)
            {
                calls.Add(new Call<FenceCall>(operation.InvokedAt, operation.ReturnedAt, new FenceCall(operation, true)));
            }
            // An effect that was kept is repeated as the answer. What had none may be answered again, while an earlier attempt is still on
            // its way.
            var hadEffect = operation.Outcome is FencePassed or FenceReset { Existed: true };
            var mayStillHappen = operation.Status is OperationStatus.Unknown or OperationStatus.Open || (isDone && operation.HadUnknownAttempt && !hadEffect);
            if (mayStillHappen && !operation.IsRead)
            {
                calls.Add(new Call<FenceCall>(
                    operation.InvokedAt, long.MaxValue, new FenceCall(operation, false), $"{operation.Kind} {operation.Token}"));
            }
        }
        return calls;
    }

    public bool TryApply(in FenceState state, FenceCall call, out FenceState next)
    {
        var operation = call.Operation;
        next = state;
        if (operation.Kind == OperationKind.ReadFence)
        {
            return operation.Seen!.Token == state.Highest;
        }
        if (operation.Kind == OperationKind.ResetFence)
        {
            var reset = operation.Outcome as FenceReset;
            next = call.IsAnswered && reset is null ? state : new FenceState(0);
            return !call.IsAnswered || reset is null || reset.Existed == state.Highest > 0;
        }
        switch (call.IsAnswered ? operation.Outcome : null)
        {
            case FencePassed passed:
                next = new FenceState(operation.Token);
                return operation.Token >= state.Highest && passed.Highest.Value == operation.Token;
            case FenceStale stale:
                return stale.Highest.Value == state.Highest && operation.Token < state.Highest;
            case TokenFromFuture future:
                return operation.Token > future.Revision.Value;
            case null:
                next = new FenceState(operation.Token);
                return operation.Token >= state.Highest;
            default:
                // A published bound: nothing was done.
                return true;
        }
    }
}
