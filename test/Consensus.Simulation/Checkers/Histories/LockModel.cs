using Consensus.Simulation.Clients;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <param name="Holder">Null when nobody holds it.</param>
/// <param name="Token">-1 when it is not known, because the answer of the grant was lost.</param>
/// <param name="Floor">The highest token that is known to have been given.</param>
public readonly record struct LockState(string? Holder, long Token, long Floor);

public enum LockCallKind
{
    /// <summary>As it was answered.</summary>
    Answered,

    /// <summary>It may have taken effect.</summary>
    Unanswered,

    /// <summary>The hold that the operation got ends by itself: its lease, or because it was given back for a client that had left.</summary>
    Ends,
}

public readonly record struct LockCall(Operation Operation, LockCallKind Kind);

/// <summary>One lock: acquire, renew, release and read. The end of a lease is a call of its own, possible from the end of what was promised.</summary>
public sealed class LockModel : IObjectModel<LockState, LockCall>
{
    private const long Unknown = -1;

    public LockState Initial => new(null, 0, 0);

    /// <param name="promisedUntil">For an acquire that was granted: the true time before which its hold may not end by itself.</param>
    public static List<Call<LockCall>> CallsOf(IEnumerable<Operation> operations, Func<Operation, long> promisedUntil)
    {
        var calls = new List<Call<LockCall>>();
        var all = operations.ToList();
        var seen = HoldersSeen(all);
        foreach (var operation in all)
        {
            var isDone = operation.Status == OperationStatus.Done;
            if (isDone && operation.Outcome is not ReplayedHoldGone)
            {
                calls.Add(new Call<LockCall>(operation.InvokedAt, operation.ReturnedAt, new LockCall(operation, LockCallKind.Answered)));
            }
            var mayStillHappen = operation.Status is OperationStatus.Unknown or OperationStatus.Open
                || operation.Outcome is ReplayedHoldGone
                || (isDone && operation.HadUnknownAttempt && operation.Outcome is not (HoldGranted or HoldReleased or HoldRenewed));
            // A grant that nobody ever saw explains no answer: whether it was is no matter.
            mayStillHappen &= operation.Kind == OperationKind.Release || (operation.Kind == OperationKind.Acquire && seen.Contains(operation.Owner));
            if (mayStillHappen)
            {
                calls.Add(new Call<LockCall>(operation.InvokedAt, long.MaxValue, new LockCall(operation, LockCallKind.Unanswered)));
            }
            if (operation.Outcome is HoldGranted)
            {
                calls.Add(new Call<LockCall>(promisedUntil(operation), long.MaxValue, new LockCall(operation, LockCallKind.Ends)));
            }
            else if (mayStillHappen && operation.Kind == OperationKind.Acquire)
            {
                calls.Add(new Call<LockCall>(operation.InvokedAt, long.MaxValue, new LockCall(operation, LockCallKind.Ends)));
            }
        }
        return calls;
    }

    private static HashSet<string> HoldersSeen(List<Operation> operations)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var operation in operations)
        {
            var holder = operation.Outcome switch
            {
                HoldRefused held => held.Holder?.Owner,
                NotHolder not => not.Current?.Owner,
                _ => operation.Seen?.Holder,
            };
            if (holder is not null)
            {
                seen.Add(holder);
            }
        }
        return seen;
    }

    public bool TryApply(in LockState state, LockCall call, out LockState next)
    {
        next = state;
        var operation = call.Operation;
        switch (call.Kind)
        {
            case LockCallKind.Ends:
                next = state with { Holder = null, Token = 0 };
                return state.Holder == operation.Owner;
            case LockCallKind.Unanswered when operation.Kind == OperationKind.Acquire:
                next = state with { Holder = operation.Owner, Token = Unknown };
                return state.Holder is null;
            case LockCallKind.Unanswered:
                next = state with { Holder = null, Token = 0 };
                return state.Holder is not null && state.Token == operation.Token;
            default:
                return TryAnswered(state, operation, out next);
        }
    }

    private static bool TryAnswered(in LockState state, Operation operation, out LockState next)
    {
        next = state;
        if (operation.Kind == OperationKind.ReadLock)
        {
            var seen = operation.Seen!;
            return seen.Holder is null ? state.Holder is null : TryLearn(state, seen.Holder, seen.Token, out next);
        }
        switch (operation.Outcome)
        {
            case HoldGranted granted:
                var token = granted.Hold.Token.Value;
                next = new LockState(operation.Owner, token, token);
                return state.Holder is null && token > state.Floor && granted.Hold.Owner == operation.Owner;
            case HoldRefused { Holder: { } holder }:
                return TryLearn(state, holder.Owner, holder.Token.Value, out next);
            case HoldRenewed:
                return state.Holder is not null && state.Token == operation.Token;
            case HoldReleased:
                next = state with { Holder = null, Token = 0 };
                return state.Holder is not null && state.Token == operation.Token;
            case NotHolder { Current: { } current }:
                return current.Token.Value != operation.Token && TryLearn(state, current.Owner, current.Token.Value, out next);
            case NotHolder:
                return state.Holder is null;
            default:
                // Its wait was over or ended, or a bound was reached: it says nothing about the holder.
                return true;
        }
    }

    private static bool TryLearn(in LockState state, string holder, long token, out LockState next)
    {
        next = state with { Token = token, Floor = Math.Max(state.Floor, token) };
        return state.Holder == holder && (state.Token == token || (state.Token == Unknown && token > state.Floor));
    }
}
