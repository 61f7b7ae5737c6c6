using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Translation;

namespace Consensus.Server.Commands;

/// <summary>What is said of a request that has no outcome (rule 19).</summary>
internal static class AnswerProblems
{
    /// <summary>What is in the way passes by itself (an election, a queue, a start), mostly within that time; nobody knows when.</summary>
    private const int RetryAfterSeconds = 1;

    /// <summary>For an outcome that no endpoint takes for a success, and for none.</summary>
    public static Problem Of(CommandAnswer answer) =>
        answer.Kind == AnswerKind.Done ? OutcomeProblems.Of(answer.Outcome!) : Of(answer.Kind, answer.Reason);

    public static Problem Of(AnswerKind kind, NotDoneReason reason) => kind switch
    {
        AnswerKind.NotDone => NotDone(reason),
        AnswerKind.Unknown => new Problem(
            ProblemTypes.OutcomeUnknown, "no outcome was learned in time; a retry with the same Idempotency-Key or number finds out without doing it twice"),
        AnswerKind.Done => throw new InvariantViolationException("a done answer has an outcome"),
        _ => Invariant.Unreachable<Problem>(kind),
    };

    private static Problem NotDone(NotDoneReason reason) => reason switch
    {
        NotDoneReason.NoLeader => new Problem(ProblemTypes.NoLeader, "no leader is known; nothing was done") { RetryAfterSeconds = RetryAfterSeconds },
        NotDoneReason.NotReady => Problem.NotReady("this member is starting or stopping, or did not get as far as this request waits for (minRevision) in time; nothing was done"),
        NotDoneReason.TooManyRequests => new Problem(ProblemTypes.TooManyRequests, "too many requests are waiting; nothing was done")
        {
            RetryAfterSeconds = RetryAfterSeconds,
        },
        NotDoneReason.Cancelled => Problem.NotReady("the request was cancelled before it took effect; nothing was done"),
        NotDoneReason.None => throw new InvariantViolationException("a request that was not done has a reason"),
        _ => Invariant.Unreachable<Problem>(reason),
    };
}
