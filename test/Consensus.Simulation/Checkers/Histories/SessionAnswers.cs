using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// One number of a session has one answer, whoever asks how often, through whatever member: it was done at one revision, refused, or settled for ever as not done. Only what its
/// client acknowledged is too late (rule 21). Judged by every answer that any attempt was given, also of those whose client did not wait for it.
/// </summary>
public sealed class SessionAnswers
{
    public const string Name = "a number is answered once";

    /// <summary>When it was done is not said: of a hold that is gone.</summary>
    private static readonly Revision Untold = Revision.Zero;

    private readonly Dictionary<(LeaseId Session, long Number), (Came Came, Revision Revision)> _told = [];
    private readonly Dictionary<LeaseId, long> _acked = [];

    private enum Came
    {
        Done,
        Refused,
        Never,
    }

    /// <summary>Numbers that came to something.</summary>
    public int Count => _told.Count;

    /// <summary>Numbers that were settled before anything came of them.</summary>
    public int Fenced => _told.Values.Count(told => told.Came == Came.Never);

    /// <summary>A client sent a request that acknowledges so much.</summary>
    public void Acknowledged(LeaseId session, long acked) => _acked[session] = Math.Max(acked, _acked.GetValueOrDefault(session));

    /// <summary>What an attempt of a number, or its settlement, was answered.</summary>
    public void Told(LeaseId session, long number, Outcome outcome)
    {
        Violation.Unless(outcome is not IdempotencyMismatch, Name, () => $"the number {number} of {session} was taken for another request");
        Violation.Unless(outcome is not RetryTooLate || number <= _acked.GetValueOrDefault(session), Name, () =>
            $"the number {number} of {session} is said to be acknowledged, of which its client acknowledged {_acked.GetValueOrDefault(session)}");
        if (Of(outcome) is not { } came)
        {
            return;
        }
        if (!_told.TryAdd((session, number), came))
        {
            var first = _told[(session, number)];
            var isSame = first.Came == came.Came && (first.Revision == came.Revision || first.Revision == Untold || came.Revision == Untold);
            Violation.Unless(
                isSame,
                Name,
                () => $"the number {number} of {session} came to {came} with {OutcomeText.Of(outcome)}, and before that to {first}");
            _told[(session, number)] = first.Revision == Untold ? came : first;
        }
    }

    /// <summary>
    /// By answers alone: under a number that was settled as not done nobody ever sees a hold, and nobody a place from then on.
    /// </summary>
    public static void CheckSeen(IReadOnlyList<Operation> operations)
    {
        var looks = Look.Of(operations).ToLookup(look => look.Owner, StringComparer.Ordinal);
        foreach (var settlement in operations.Where(o => o is { Settles: not null, Outcome: Settled { Result: SettleResult.NotDone } }))
        {
            foreach (var look in looks[settlement.Settles!.Owner])
            {
                Violation.Unless(look.Waits && look.By.InvokedAt <= settlement.ReturnedAt, Name, () =>
                    $"{settlement} told that nothing ever comes of {settlement.Settles}, which is seen by {look.By}");
            }
        }
    }

    /// <summary>Null for what says nothing of the number.</summary>
    private static (Came Came, Revision Revision)? Of(Outcome outcome) => outcome switch
    {
        PutDone put => (Came.Done, put.ModRevision),
        DeleteDone deleted => (deleted.Deleted > 0 ? Came.Done : Came.Refused, deleted.Revision),
        ConditionFailed failed => (Came.Refused, failed.Revision),
        HoldGranted granted => (Came.Done, granted.Hold.AcquiredRevision),
        ManyGranted many => (Came.Done, many.Holds[0].AcquiredRevision),
        ReplayedHoldGone or Settled { Result: SettleResult.Done, First: null } => (Came.Done, Untold),
        HandedOver or HoldReleased => (Came.Done, outcome.Revision),
        HoldRefused or PermitsMismatch or NotHolder or NoSuchWaiter => (Came.Refused, outcome.Revision),
        RequestWithdrawn or Settled { Result: SettleResult.NotDone } => (Came.Never, Revision.Zero),
        Settled { First: { } first } => Of(first),
        _ => null,
    };
}
