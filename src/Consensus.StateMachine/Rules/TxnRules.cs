using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Transactions;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Rules;

/// <summary>Transactions: judged whole first, then done, so that nothing is ever half done.</summary>
internal sealed class TxnRules(StateTables state, Applying entry, KeyRules keys, RetryRules retries)
{
    public Outcome Do(TxnCommand c)
    {
        if (c.Compares.Length + c.Success.Length + c.Failure.Length > state.Limits.MaxTxnOperations)
        {
            return new TooManyObjects(state.Revision, state.Limits.MaxTxnOperations);
        }
        var succeeded = true;
        foreach (var compare in c.Compares)
        {
            succeeded &= Holds(compare);
        }
        var plan = new TxnPlan(state);
        foreach (var operation in succeeded ? c.Success : c.Failure)
        {
            if (plan.Add(operation) is { } refusal)
            {
                entry.Output.Light += plan.Touched;
                return refusal;
            }
        }
        entry.Output.Light += plan.Touched - plan.Changes.Count;
        if (plan.Changes.Count > 0)
        {
            state.Bump();
        }
        foreach (var change in plan.Changes)
        {
            Invariant.Require(change.Revision == state.Revision, "a transaction has one revision");
            keys.Change(change);
        }
        var done = new TxnDone(state.Revision, succeeded, plan.Results);
        if (plan.Changes.Count > 0 && !entry.Identity.IsNone)
        {
            retries.Keep(new TxnWritten(done.Revision, succeeded, TxnResultCodec.Encode(done.Results)));
        }
        return done;
    }

    private bool Holds(TxnCompare compare)
    {
        if (compare.Target == CompareTarget.Hold)
        {
            // What a guarded write asks: the hold of this token has not ended. A lease past its deadline is alive until an entry ends it (rule 2).
            var isCurrent = state.Holds.Find(new ObjectName(compare.Space, compare.Name), new FencingToken(compare.Number)) is not null;
            return compare.Operator switch
            {
                CompareOperator.Equal => isCurrent,
                CompareOperator.NotEqual => !isCurrent,
                CompareOperator.Less or CompareOperator.Greater => false,
                _ => Invariant.Unreachable<bool>(compare.Operator),
            };
        }
        state.Keys.TryGet(compare.Name, out var record);
        if (compare.Target == CompareTarget.Value)
        {
            return record is null
                ? compare.Operator == CompareOperator.NotEqual
                : Holds(compare.Operator, record.Value.Span.SequenceCompareTo(compare.Value.Span));
        }
        var number = compare.Target switch
        {
            CompareTarget.Version => record?.Version ?? 0,
            CompareTarget.CreateRevision => record?.CreateRevision.Value ?? 0,
            CompareTarget.ModRevision => record?.ModRevision.Value ?? 0,
            CompareTarget.Lease => record?.Lease.Value ?? 0,
            CompareTarget.Exists => record is null ? 0 : 1,
            _ => Invariant.Unreachable<long>(compare.Target),
        };
        return Holds(compare.Operator, number.CompareTo(compare.Number));
    }

    private static bool Holds(CompareOperator comparison, int order) => comparison switch
    {
        CompareOperator.Equal => order == 0,
        CompareOperator.NotEqual => order != 0,
        CompareOperator.Less => order < 0,
        CompareOperator.Greater => order > 0,
        _ => Invariant.Unreachable<bool>(comparison),
    };
}
