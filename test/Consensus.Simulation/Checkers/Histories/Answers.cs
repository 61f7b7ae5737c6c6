using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Transactions;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// Each answer is what the log made of that very request, whichever member gives it, and whatever happened meanwhile; and what was answered
/// as not done was never granted,
/// written or ended anything.
/// </summary>
public sealed class Answers
{
    public const string Name = "answers";

    private readonly Dictionary<RequestId, Outcome> _outcomes = [];

    /// <summary>The log resolved a request: again, when it waited before.</summary>
    public void Resolved(RequestId request, Outcome outcome) => _outcomes[request] = outcome;

    /// <summary>A client was answered.</summary>
    public void Answered(Operation operation)
    {
        if (operation.IsRead || operation.Outcome is not { } answer)
        {
            return;
        }
        var isKnown = _outcomes.TryGetValue(operation.AnsweredRequest, out var outcome);
        // What a transaction read is read again for a retry: the checker of transactions looks at that.
        var isReadAgain = outcome is TxnDone done && TxnReads.Lacks(done);
        Violation.Unless(isKnown && OutcomeText.Of(outcome!) == OutcomeText.Of(isReadAgain ? OutcomeText.AsKept(answer) : answer), Name, () =>
            $"{operation} was answered {OutcomeText.Of(answer)}; the log made of it {(isKnown ? OutcomeText.Of(outcome!) : "nothing")}");
    }

    /// <summary>At the end: none of the attempts that a member called not done had an effect.</summary>
    public void CheckNotDone(IEnumerable<Operation> operations)
    {
        foreach (var operation in operations)
        {
            foreach (var request in operation.NotDone)
            {
                Violation.Unless(!_outcomes.TryGetValue(request, out var outcome) || !HasEffect(outcome), Name, () =>
                    $"an attempt of {operation} was answered as not done, and came to be {OutcomeText.Of(_outcomes[request])}");
            }
        }
    }

    private static bool HasEffect(Outcome outcome) => outcome is PutDone or DeleteDone { Deleted: > 0 } or HoldGranted or HoldReleased or HoldRenewed or ManyGranted
        or HandedOver or TxnDone or LeaseGranted or LeaseRevoked or FencePassed or SettingPut or PermitsChanged;
}
