using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// No attempt of a request has an effect after the log answered another one of it without an effect: a "no" does not become a "yes", for as
/// long as an attempt can be under way
/// (rule 21). Nor is a request that had its effect refused later. Plain renewals are judged anew each time.
/// </summary>
/// <param name="limits">Those that members are to have.</param>
internal sealed class FinalAnswers(Limits limits)
{
    public const string Name = "a no is final";

    private readonly Dictionary<Operation, (Outcome Outcome, ClusterTime Told, long Count)> _noes = [];
    private readonly Dictionary<Operation, Outcome> _effects = [];

    /// <summary>How often something without an effect was answered: so many that are newer push an answer out at most.</summary>
    private long _count;

    /// <summary>The log came to this for an attempt of the operation, which has an identity.</summary>
    /// <param name="isChanged">The entry changed something that has a revision, or a fence; true for those that had waited.</param>
    public void Resolved(Operation operation, Outcome outcome, bool isChanged, ClusterTime stamp)
    {
        if (IsRenewal(operation))
        {
            return;
        }
        var hadEffect = HasEffect(outcome, isChanged);
        var isNo = !hadEffect && IsAnswer(outcome);
        if (hadEffect && _noes.TryGetValue(operation, out var no))
        {
            var isOver = stamp - no.Told > limits.BriefKeepMicros || _count - no.Count >= limits.MaxBriefAnswers;
            Violation.Unless(isOver, Name, () =>
                $"{operation} came to {OutcomeText.Of(outcome)} at {stamp}, after an attempt of it was answered {OutcomeText.Of(no.Outcome)} at {no.Told}");
            _noes.Remove(operation);
        }
        if (isNo)
        {
            // Whoever releases or revokes twice may find that somebody else did, where there was no room to keep the first answer.
            Violation.Unless(IsUnkept(operation) || !IsRefusal(outcome) || !_effects.TryGetValue(operation, out var effect), Name, () =>
                $"{operation} was answered {OutcomeText.Of(outcome)} at {stamp}, after it had come to {OutcomeText.Of(_effects[operation])}");
            // What was full is judged anew so long after it was told first; everything else after it was told last.
            var isToldAgain = outcome is BoundReached or QuotaExceeded && _noes.TryGetValue(operation, out var before) && stamp - before.Told <= limits.BriefKeepMicros;
            _noes[operation] = isToldAgain ? _noes[operation] : (outcome, stamp, ++_count);
        }
        if (hadEffect)
        {
            _effects.TryAdd(operation, outcome);
        }
    }

    /// <summary>
    /// The same by answers alone: what is told to one more attempt, at once, is an effect where the first answer was one, and a refusal
    /// where that was.
    /// </summary>
    public static void CheckToldAgain(IEnumerable<Operation> operations)
    {
        foreach (var operation in operations.Where(o => o is { Status: OperationStatus.Done, Outcome: not null } && !IsRenewal(o)))
        {
            foreach (var again in operation.ToldAgain)
            {
                var wasEffect = HasEffect(operation.Outcome!, isChanged: true);
                var isNo = IsRefusal(operation.Outcome!);
                // Where there was no room to keep its answer, whoever gives back twice finds it gone.
                var fits = again is RetryTooLate || (wasEffect ? !IsRefusal(again) || IsUnkept(operation) : !isNo || !HasEffect(again, isChanged: true));
                Violation.Unless(fits, Name, () => $"{operation} was told {OutcomeText.Of(again)} when it came again");
            }
        }
    }

    private static bool IsUnkept(Operation operation) =>
        operation.Kind is OperationKind.Release or OperationKind.ReleaseHold or OperationKind.RevokeLease;

    /// <summary>A plain renewal: nothing of it is kept.</summary>
    public static bool IsRenewal(Operation operation) =>
        operation.Kind == OperationKind.Renew || operation.Command is RenewLeasesCommand or RenewHoldCommand { Value: null };

    /// <param name="isChanged">What was asked changed something that has a revision, or a fence.</param>
    public static bool HasEffect(Outcome outcome, bool isChanged) => outcome switch
    {
        PutDone or DeleteDone { Deleted: > 0 } or LeaseGranted or LeaseRevoked or HoldGranted or ManyGranted or HandedOver or FenceReset { Existed: true } or SettingPut => true,
        PermitsChanged changed => changed.Permits != changed.Before,
        TxnDone done => done.Results.Any(result => result is TxnPutResult or TxnDeleteResult { Deleted: > 0 }),
        FencePassed or HoldReleased or HoldRenewed => isChanged,
        _ => false,
    };

    /// <summary>
    /// False for what is said of one attempt and not of the request: it waits, lost its connection, or another lease id is drawn.
    /// </summary>
    private static bool IsAnswer(Outcome outcome) => IsRefusal(outcome) || outcome is DeleteDone or FencePassed or HoldReleased or HoldRenewed or FenceReset or TxnDone or PermitsChanged;

    private static bool IsRefusal(Outcome outcome) => outcome is ConditionFailed or LeaseMissing or HoldRefused or NoSuchWaiter or PermitsMismatch or PermitsOut
        or SemaphoreUnused or NotHolder or KeyWrittenTwice or AnswerTooLarge or FenceStale or TokenFromFuture or TokenNotExclusive or BoundReached or QuotaExceeded or TooManyObjects
        or SettingOutOfRange;
}
