using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Client.Testing.Api;

/// <summary>The problems that a member answers with, as the client sees them (docs/http-api.md).</summary>
internal static class Refusals
{
    public static readonly ApiProblem Unreachable = new(ApiFailureKind.Unavailable, 0, "", "The cluster does not answer: this client is disconnected.");

    public static ApiProblem BadRequest(string detail) => Of(ProblemTypes.BadRequest, detail);

    public static ApiProblem TooLarge(string detail) => Of(ProblemTypes.TooLarge, detail);

    public static ApiProblem NotFound(string detail) => Of(ProblemTypes.NotFound, detail);

    /// <summary>Of an outcome that is no success.</summary>
    public static ApiProblem Of(Outcome outcome) => outcome switch
    {
        ConditionFailed failed => Of(
            ProblemTypes.PreconditionFailed, $"the key's modRevision is {failed.CurrentModRevision}", problem => problem with { Revision = failed.CurrentModRevision.Value }),
        LeaseMissing { WasToEnd: true } missing => NotFound($"there is no lease {missing.Id}"),
        LeaseMissing missing => Of(ProblemTypes.LeaseExpired, $"the lease {missing.Id} does not exist or has ended"),
        HoldRefused held => OfHeld(held),
        NotHolder not => OfNotHolder(not),
        WaitCancelled => Unreachable,
        WaitDetached or WaitTakenOver => new ApiProblem(ApiFailureKind.OutcomeUnknown, 504, ProblemTypes.OutcomeUnknown.Slug, "the wait goes on elsewhere"),
        NoSuchWaiter nobody => NotFound($"nobody called \"{nobody.Owner}\" waits who could have it now; nothing was done"),
        PermitsMismatch mismatch => Of(
            ProblemTypes.PermitsMismatch,
            $"the semaphore is in use with a limit of {mismatch.Permits} permits; nothing was done",
            problem => problem with { Permits = mismatch.Permits }),
        PermitsOut more => Of(
            ProblemTypes.PermitsOut,
            $"{more.Out} permits are out, and the limit of {more.Permits} stays; nothing was done",
            problem => problem with { Permits = more.Permits, PermitsOut = more.Out }),
        SemaphoreUnused => NotFound("nobody holds permits of it or waits for some, so it has no limit: whoever asks next gives it one"),
        KeyWrittenTwice twice => BadRequest($"\"{twice.Key}\" is given twice; nothing was done"),
        AnswerTooLarge large => TooLarge($"what the transaction gets has more than {large.LimitBytes} bytes; nothing was done"),
        FenceStale stale => Of(
            ProblemTypes.StaleToken, $"the token is below {stale.Highest}, the highest that was seen", problem => problem with { HighestToken = stale.Highest.Value }),
        TokenFromFuture future => BadRequest($"the token is above {future.Revision}, the present revision: no grant can have given it; nothing was done"),
        TokenNotExclusive shared => Of(
            ProblemTypes.SharedToken,
            $"the token is that of a hold of \"{shared.Object.Name}\" that others may hold too: a fence takes tokens of exclusive holds only; nothing was done",
            problem => problem with { Name = shared.Object.Name.ToString() }),
        IdempotencyMismatch => Of(ProblemTypes.IdempotencyMismatch, "this Idempotency-Key came with another request before; nothing was done"),
        RetryTooLate => Of(ProblemTypes.RetryTooLate, "this Idempotency-Key had its effect so long ago that its answer is no longer kept; nothing was done now"),
        RequestWithdrawn => Of(ProblemTypes.Withdrawn, "the request was withdrawn under its Idempotency-Key; nothing is held under it, and nothing was done now"),
        ReplayedHoldGone => Of(ProblemTypes.LeaseExpired, "this request had its effect before, but what it was granted is gone"),
        BoundReached bound => Of(ProblemTypes.TooManyRequests, $"at most {bound.Limit}; nothing was done"),
        SettingOutOfRange => BadRequest("the value is outside what the setting takes; nothing was done"),
        SessionRefused refused => OfSession(refused),
        QuotaExceeded quota => Of(ProblemTypes.QuotaExceeded, $"the store's {quota.LimitBytes} bytes are used up; nothing was done"),
        TooManyObjects many => TooLarge($"this would touch more than {many.Limit} objects; nothing was done"),
        _ => Invariant.Unreachable<ApiProblem>(outcome),
    };

    public static ApiProblem Compacted(Revision compactRevision) => Of(
        ProblemTypes.Compacted,
        $"what is kept begins after {compactRevision}: read again, and watch from there",
        problem => problem with { CompactRevision = compactRevision.Value });

    private static ApiProblem OfHeld(HoldRefused held)
    {
        var name = held.Name.IsEmpty ? null : held.Name.ToString();
        var detail = (name is null ? "" : $"\"{name}\" is ") + (held.Holder is { } holder ? $"held by \"{holder.Owner}\" with token {holder.Token}" : "not granted in time");
        if (held.Own != FencingToken.None)
        {
            detail += $"; you hold it already, with token {held.Own} (the same owner, or the same lease), and holds are not re-entrant";
        }
        return Of(ProblemTypes.LockHeld, detail, problem => problem with
        {
            Holder = held.Holder?.Owner,
            FencingToken = held.Holder?.Token.Value,
            Name = name,
            OwnFencingToken = held.Own == FencingToken.None ? null : held.Own.Value,
            Waiters = held.Waiters,
        });
    }

    private static ApiProblem OfSession(SessionRefused refused) => refused.Reason switch
    {
        SessionRefusal.Ended => Of(
            ProblemTypes.SessionEnded, $"the session {refused.Session} does not exist or has ended; this attempt did nothing, and what came of earlier ones is unknown"),
        SessionRefusal.AcknowledgesItself => BadRequest("the request acknowledges its own answer; nothing was done"),
        SessionRefusal.TooFarAhead =>
            Of(ProblemTypes.TooManyRequests, $"unacknowledged numbers of one session: at most {refused.Limit}; nothing was done"),
        SessionRefusal.Full => Of(ProblemTypes.TooManyRequests,
            $"bytes of answers of one session: at most {refused.Limit}; nothing was done"),
        SessionRefusal.OtherLease =>
            BadRequest($"the lease of a hold that is asked for under a session is the session {refused.Session}; nothing was done"),
        _ => Invariant.Unreachable<ApiProblem>(refused),
    };

    private static ApiProblem OfNotHolder(NotHolder outcome)
    {
        var type = outcome is { IsRenewal: true, Loss.Reason: LossReason.Expired } ? ProblemTypes.LeaseExpired : ProblemTypes.NotHolder;
        var reason = outcome.Loss is not { } loss ? "" : $": {loss.Reason.ToString().ToLowerInvariant()} at revision {loss.AtRevision}";
        return Of(type, $"the token {outcome.Asked} is not that of the present hold{reason}", problem => problem with
        {
            Holder = outcome.Current?.Owner,
            FencingToken = outcome.Current?.Token.Value,
        });
    }

    private static ApiProblem Of(ProblemType type, string detail, Func<ProblemAnswer, ProblemAnswer>? more = null)
    {
        var document = new ProblemAnswer { Type = type.Uri, Title = type.Title, Status = type.Status, Detail = detail };
        var kind = type.Status is 503 or 429 ? ApiFailureKind.Unavailable
            : type == ProblemTypes.SessionEnded || type == ProblemTypes.RetryTooLate ? ApiFailureKind.OutcomeUnknown
            : ApiFailureKind.Refused;
        return new ApiProblem(kind, type.Status, type.Slug, detail)
        {
            Json = JsonSerializer.Serialize(more is null ? document : more(document), ApiJson.Default.ProblemAnswer),
        };
    }
}
