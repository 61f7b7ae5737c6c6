using Consensus.Simulation.Clients;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <param name="Value">Null when the key does not exist.</param>
/// <param name="ModRevision">-1 when it is not known, because the answer of its put was lost.</param>
/// <param name="Floor">The highest revision that is known to be past.</param>
public readonly record struct KeyState(string? Value, long ModRevision, long Version, long Floor);

/// <param name="IsAnswered">False for one that may have taken effect.</param>
/// <param name="Value">What it puts; one word for all values that nobody ever saw.</param>
public readonly record struct KeyCall(Operation Operation, bool IsAnswered, string Value);

/// <summary>One key: put, delete and read, with conditions, revisions and versions.</summary>
public sealed class KeyModel : IObjectModel<KeyState, KeyCall>
{
    private const long Unknown = -1;
    private const string Unseen = "?";

    public KeyState Initial => new(null, 0, 0, 1);

    /// <summary>The calls of one key, from everything that was asked of it.</summary>
    public static List<Call<KeyCall>> CallsOf(IEnumerable<Operation> operations)
    {
        var calls = new List<Call<KeyCall>>();
        var all = operations.ToList();
        var seen = all.Select(o => o.Kind == OperationKind.Read ? o.Seen?.Value : null).ToHashSet(StringComparer.Ordinal);
        foreach (var operation in all)
        {
            if (operation.Kind == OperationKind.StaleRead)
            {
                continue;
            }
            var isDone = operation.Status == OperationStatus.Done;
            if (isDone)
            {
                calls.Add(new Call<KeyCall>(operation.InvokedAt, operation.ReturnedAt, new KeyCall(operation, true, operation.Value)));
            }
            var mayStillHappen = operation.Status is OperationStatus.Unknown or OperationStatus.Open
                || (isDone && operation.HadUnknownAttempt && !HadEffect(operation.Outcome));
            if (mayStillHappen && !operation.IsRead)
            {
                var value = seen.Contains(operation.Value) ? operation.Value : Unseen;
                var alike = value == Unseen ? $"{operation.Kind} {operation.Condition.Kind} {operation.Condition.ModRevision}" : null;
                calls.Add(new Call<KeyCall>(operation.InvokedAt, long.MaxValue, new KeyCall(operation, false, value), alike));
            }
        }
        return calls;
    }

    public bool TryApply(in KeyState state, KeyCall call, out KeyState next)
    {
        next = state;
        var operation = call.Operation;
        if (!call.IsAnswered)
        {
            return TryUnanswered(state, operation, call.Value, out next);
        }
        if (operation.Kind == OperationKind.Read)
        {
            var seen = operation.Seen!;
            return seen.Value == state.Value
                && seen.Version == state.Version
                && seen.ViewRevision >= state.Floor
                && (state.Value is null || TryLearn(state, seen.ModRevision, out next));
        }
        switch (operation.Outcome)
        {
            case PutDone put:
                if (!Holds(operation.Condition, state) || put.Version != state.Version + 1 || put.ModRevision.Value <= state.Floor)
                {
                    return false;
                }
                next = new KeyState(operation.Value, put.ModRevision.Value, put.Version, put.ModRevision.Value);
                return true;
            case DeleteDone { Deleted: 1 } deleted:
                next = new KeyState(null, 0, 0, deleted.Revision.Value);
                return state.Value is not null && Holds(operation.Condition, state) && deleted.Revision.Value > state.Floor;
            case DeleteDone { Deleted: 0 }:
                return state.Value is null && operation.Condition.Kind is (KeyConditionKind.None or KeyConditionKind.Absent);
            case ConditionFailed failed:
                return Fails(operation.Condition, state, failed.CurrentModRevision.Value, out next);
            default:
                // A published bound or quota: nothing was done.
                return true;
        }
    }

    private static bool HadEffect(Outcome? outcome) => outcome is PutDone or DeleteDone { Deleted: > 0 };

    private static bool TryUnanswered(in KeyState state, Operation operation, string value, out KeyState next)
    {
        next = state;
        if (!Holds(operation.Condition, state))
        {
            return false;
        }
        if (operation.Kind == OperationKind.Put)
        {
            next = new KeyState(value, Unknown, state.Version + 1, state.Floor);
            return true;
        }
        next = new KeyState(null, 0, 0, state.Floor);
        return state.Value is not null;
    }

    /// <summary>An answer names the key's mod revision: it fits what is known, and is known from now on.</summary>
    private static bool TryLearn(in KeyState state, long modRevision, out KeyState next)
    {
        next = state with { ModRevision = modRevision, Floor = Math.Max(state.Floor, modRevision) };
        return state.ModRevision == modRevision || (state.ModRevision == Unknown && modRevision > state.Floor);
    }

    private static bool Holds(KeyCondition condition, in KeyState state) => condition.Kind switch
    {
        KeyConditionKind.None => true,
        KeyConditionKind.Absent => state.Value is null,
        KeyConditionKind.Exists => state.Value is not null,
        _ => state.Value is not null && TryLearn(state, condition.ModRevision.Value, out _),
    };

    private static bool Fails(KeyCondition condition, in KeyState state, long current, out KeyState next)
    {
        next = state;
        if (condition.Kind == KeyConditionKind.ModRevisionIs && current == condition.ModRevision.Value)
        {
            return false;
        }
        if (condition.Kind is KeyConditionKind.None || (condition.Kind == KeyConditionKind.Exists && state.Value is not null))
        {
            return false;
        }
        return state.Value is null
            ? current == 0 && condition.Kind != KeyConditionKind.Absent
            : TryLearn(state, current, out next);
    }
}
