using System.Globalization;
using System.Text;
using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;

namespace Consensus.Translation;

/// <summary>The problem answers of outcomes: every outcome that no endpoint takes for a success.</summary>
public static class OutcomeProblems
{
    /// <summary>Nobody knows when a hold ends: so long whoever would rather ask than <c>wait</c> ought to pause.</summary>
    private const int SecondsBetweenAsks = 1;

    /// <summary>For outcomes that mean the same whatever was asked. Endpoints turn the others into their answers first.</summary>
    public static Problem Of(Outcome outcome)
    {
        var problem = outcome switch
        {
            ConditionFailed failed => OfCondition(failed),
            // Unlike its use, the end of a lease that is gone asks for nothing that it could not have: 404 (rule 22).
            LeaseMissing { WasToEnd: true } missing => Problem.NotFound($"there is no lease {missing.Id}"),
            LeaseMissing missing => new Problem(ProblemTypes.LeaseExpired, $"the lease {missing.Id} does not exist or has ended"),
            LeaseIdTaken => Problem.NotReady("no free lease id was found; nothing was done"),
            HoldRefused held => OfHeld(held),
            NotHolder not => OfNotHolder(not),
            WaitCancelled cancelled => Problem.NotReady(cancelled.Reason switch
            {
                CancelReason.Disconnected => "the wait was cancelled; nothing was done",
                CancelReason.Stopping => "this member is stopping; the wait was cancelled, nothing was done",
                _ => Invariant.Unreachable<string>(cancelled.Reason),
            }),
            WaitDetached => new Problem(
                ProblemTypes.OutcomeUnknown, "the wait goes on without this connection; a retry with the same Idempotency-Key or number takes the place again"),
            WaitTakenOver => new Problem(ProblemTypes.OutcomeUnknown, "a later request with the same identity took this place in the queue; its answer counts"),
            NoSuchWaiter { WaitsForSeveral: true } several => Problem.NotFound(
                $"\"{Excerpt.Of(several.Owner)}\" waits for it together with other locks, and is granted all of them or none; "
                + "nothing was done"),
            NoSuchWaiter nobody => Problem.NotFound(
                $"nobody called \"{Excerpt.Of(nobody.Owner)}\" waits who could have it now; nothing was done"),
            PermitsMismatch mismatch => new Problem(
                ProblemTypes.PermitsMismatch, $"the semaphore is in use with a limit of {mismatch.Permits} permits; nothing was done")
            {
                Permits = mismatch.Permits,
            },
            PermitsOut more => new Problem(ProblemTypes.PermitsOut, $"{more.Out} permits are out, and the limit of {more.Permits} stays; nothing was done")
            {
                Permits = more.Permits,
                PermitsOut = more.Out,
            },
            SemaphoreUnused => Problem.NotFound("nobody holds permits of it or waits for some, so it has no limit: whoever asks next gives it one"),
            KeyWrittenTwice twice => Problem.BadRequest(
                $"the transaction writes the key \"{Excerpt.Of(twice.Key)}\" twice; nothing was done"),
            AnswerTooLarge large => Problem.TooLarge($"what the transaction gets has more than {large.LimitBytes} bytes; nothing was done"),
            FenceStale { IsUntold: true } => new Problem(
                ProblemTypes.StaleToken, "the token is below the highest that was seen: its hold is over, and another came after it"),
            FenceStale stale => new Problem(
                ProblemTypes.StaleToken, $"the token is below {stale.Highest}, the highest that was seen: its hold is over, and another came after it")
            {
                HighestToken = stale.Highest.Value,
            },
            TokenFromFuture => Problem.BadRequest(
                $"the field \"fencingToken\" is above {outcome.Revision}, the present revision: no grant can have given it; nothing was done"),
            TokenNotExclusive { IsUntold: true } => new Problem(
                ProblemTypes.SharedToken,
                "the token is that of a hold beside which others may stand: a fence takes tokens of exclusive holds only; "
                + "nothing was done"),
            TokenNotExclusive shared => new Problem(
                ProblemTypes.SharedToken,
                shared.Object.Space == HoldSpace.Semaphore
                    ? $"the token is that of permits of the semaphore \"{Excerpt.Of(shared.Object.Name)}\", which others may hold too: a fence takes tokens of exclusive holds only; nothing was done"
                    : $"the token is that of a shared hold of the lock \"{Excerpt.Of(shared.Object.Name)}\": a fence takes tokens of exclusive holds only; nothing was done")
            {
                Name = shared.Object.Name.ToString(),
            },
            BoundReached bound => new Problem(
                ProblemTypes.TooManyRequests, $"{BoundName(bound.Bound)}: at most {bound.Limit}; nothing was done{WayOut(bound.Bound)}")
            {
                RetryAfterSeconds = Seconds(bound.RetryAfterMicros),
            },
            Forbidden forbidden => OfForbidden(forbidden),
            PolicyRefused refused => OfPolicy(refused),
            SettingOutOfRange outside => Problem.BadRequest(
                $"the field \"value\" is outside what the setting takes: {SettingTexts.Range(SettingDefinition.Of(outside.Setting))}; nothing was done"),
            QuotaExceeded quota => new Problem(
                ProblemTypes.QuotaExceeded, $"the store's {quota.LimitBytes} bytes are used up; nothing was done, deletes and reads still work (consensusctl settings set quota-bytes)"),
            TooManyObjects many => Problem.TooLarge($"this would touch more than {many.Limit} objects; nothing was done"),
            IdempotencyMismatch => new Problem(
                ProblemTypes.IdempotencyMismatch, "this Idempotency-Key, or number of a session, came with another request before; nothing was done"),
            RetryTooLate => new Problem(
                ProblemTypes.RetryTooLate, "this request had its effect or was acknowledged, and its answer is not kept; nothing was done now"),
            RequestWithdrawn => new Problem(
                ProblemTypes.Withdrawn, "the request was withdrawn under its Idempotency-Key, or settled under its number; nothing is held under it, and nothing was done now"),
            SessionRefused refused => OfSession(refused),
            ReplayedHoldGone gone => new Problem(
                ProblemTypes.LeaseExpired,
                "this request had its effect before, "
                + (gone.Left.Length is > 0 and var left
                    ? string.Create(CultureInfo.InvariantCulture, $"and has {left} of its holds still, but another is gone")
                    : "but what it was granted is gone")
                + LossText(gone.Loss)),
            _ => Invariant.Unreachable<Problem>(outcome),
        };
        return problem with { StateRevision = outcome.Revision };
    }

    /// <summary>410 when the hold of the asked token that was to be renewed is known to have expired, else 412 with the reason (rule 22).</summary>
    private static Problem OfNotHolder(NotHolder outcome)
    {
        var type = outcome is { IsRenewal: true, Loss.Reason: LossReason.Expired } ? ProblemTypes.LeaseExpired : ProblemTypes.NotHolder;
        return new Problem(type, $"the token {outcome.Asked} is not that of the present hold" + LossText(outcome.Loss))
        {
            Holder = outcome.Current?.Owner,
            FencingToken = outcome.Current?.Token.Value,
        };
    }

    /// <summary>Says what was asked for, and nothing of what there is.</summary>
    private static Problem OfForbidden(Forbidden forbidden) => new(ProblemTypes.Forbidden, (forbidden.Reason, forbidden.Missing) switch
    {
        (DenialReason.NotAllowed, { Space: not Spaces.None } missing) =>
            $"this needs \"{Word(missing.Verb)}\" of the {Word(missing.Space)} {(missing.IsPrefix ? "with the prefix " : "")}"
            + $"\"{Excerpt.Of(missing.Name)}\"; nothing was done",
        (DenialReason.NotAllowed, _) => "no role of the principal allows this; nothing was done",
        (DenialReason.NotOwner, { Lease.IsNone: false } missing) => $"the lease {missing.Lease} is another principal's; nothing was done",
        (DenialReason.NotOwner, _) => "the hold is another principal's; nothing was done",
        (DenialReason.Disabled, _) => "the principal is disabled; nothing was done",
        (DenialReason.Revoked, _) => "the credential is not valid; nothing was done",
        _ => Invariant.Unreachable<string>(forbidden.Reason),
    })
    {
        Denial = forbidden,
    };

    private static string Word<T>(T flag)
        where T : struct, Enum => flag.ToString().ToLowerInvariant();

    private static Problem OfPolicy(PolicyRefused refused) => refused.Reason switch
    {
        PolicyRefusal.OtherRevision => new Problem(
            ProblemTypes.PreconditionFailed, $"the policy is at revision {refused.PolicyRevision}; nothing was done"),
        PolicyRefusal.RoleInUse => new Problem(
            ProblemTypes.PreconditionFailed, $"the principal \"{refused.Name}\" has the role; nothing was done"),
        PolicyRefusal.BuiltIn => Problem.BadRequest($"the role \"{refused.Name}\" is built in; nothing was done"),
        PolicyRefusal.NoSuchRole => Problem.BadRequest($"there is no role \"{refused.Name}\"; nothing was done"),
        PolicyRefusal.Missing => Problem.NotFound("there is no such role, principal, revocation or token; nothing was done"),
        PolicyRefusal.NoAdministrator => new Problem(
            ProblemTypes.PreconditionFailed,
            $"the principal \"{Excerpt.Of(refused.Name)}\" has other roles than {BuiltInRoles.Admin}, or is disabled, so that nobody might "
            + "administer the cluster any more: give it that role first; nothing was done"),
        PolicyRefusal.Malformed => Problem.BadRequest("a name, a rule, a fingerprint or an id is malformed; nothing was done"),
        PolicyRefusal.OtherToken => new Problem(
            ProblemTypes.PreconditionFailed, "a token of that id is there, and is another one; nothing was done"),
        PolicyRefusal.NoTokenShown => Problem.BadRequest(
            "it is asked with no token, in whose place another could be made, or which could be ended; nothing was done"),
        PolicyRefusal.TooLong => Problem.BadRequest(
            "the token would be good for longer than the one that it is made with, or than a year; nothing was done"),
        _ => Invariant.Unreachable<Problem>(refused.Reason),
    };

    private static Problem OfSession(SessionRefused refused) => refused.Reason switch
    {
        SessionRefusal.Ended => new Problem(
            ProblemTypes.SessionEnded, $"the session {refused.Session} does not exist or has ended; this attempt did nothing, and what came of earlier ones is unknown"),
        SessionRefusal.AcknowledgesItself => Problem.BadRequest("the request acknowledges its own answer: acked is below seq; nothing was done"),
        SessionRefusal.TooFarAhead => new Problem(
            ProblemTypes.TooManyRequests, $"unacknowledged numbers of one session: at most {refused.Limit}; nothing was done, and the number is still new"),
        SessionRefusal.Full => new Problem(
            ProblemTypes.TooManyRequests, $"bytes of the answers of one session that are not acknowledged: at most {refused.Limit}; nothing was done, and the number is still new"),
        SessionRefusal.QuotaUsed => new Problem(
            ProblemTypes.QuotaExceeded,
            $"the store's {refused.Limit} bytes are used up; nothing was done, and the number is still new; deletes and reads still work (consensusctl settings set quota-bytes)"),
        SessionRefusal.OtherLease => Problem.BadRequest(
            $"the lease of a hold that is asked for under a session is the session: \"lease\":\"{refused.Session}\"; nothing was done"),
        _ => Invariant.Unreachable<Problem>(refused.Reason),
    };

    private static Problem OfCondition(ConditionFailed failed) => new(
        ProblemTypes.PreconditionFailed,
        failed.IsUntold ? "the condition does not hold, and whoever may not read the key is not told why"
        : failed.CurrentModRevision == Revision.Zero
            ? "there is no such key"
            : $"the key's modRevision is {failed.CurrentModRevision}")
    {
        Revision = failed.CurrentModRevision.Value,
    };

    /// <summary>Who holds it already is told so, for holds are not re-entrant (rule 18).</summary>
    private static Problem OfHeld(HoldRefused held)
    {
        var detail = new StringBuilder();
        if (!held.Name.IsEmpty)
        {
            detail.Append(CultureInfo.InvariantCulture, $"\"{Excerpt.Of(held.Name)}\" is ");
        }
        detail.Append(held switch
        {
            { Holder: { } holder } => $"held by \"{Excerpt.Of(holder.Owner)}\" with token {holder.Token}",
            { IsUntold: true } => "held by another principal",
            { DelayedUntil: not null } => "held by nobody",
            _ => "not granted in time",
        });
        if (held.DelayedUntil is not null)
        {
            detail.Append(", and what was lost of it is kept for its last owner alone for as long as its lockDelay says");
        }
        if (held.WaitedMicros > 0)
        {
            detail.Append(CultureInfo.InvariantCulture, $", after a wait of {held.WaitedMicros / 1000} ms");
        }
        if (held.Own != FencingToken.None)
        {
            detail.Append(CultureInfo.InvariantCulture, $"; you hold it already, with token {held.Own} (the same owner, or the same lease), and holds are not re-entrant");
        }
        return new Problem(ProblemTypes.LockHeld, detail.ToString())
        {
            StateRevision = held.Revision,
            Holder = held.Holder?.Owner,
            FencingToken = held.Holder?.Token.Value,
            Name = held.Name.IsEmpty ? null : held.Name.ToString(),
            OwnFencingToken = held.Own == FencingToken.None ? null : held.Own.Value,
            Waiters = held.Waiters,
            RetryAfterSeconds = Seconds(held.DelayLeftMicros) ?? SecondsBetweenAsks,
        };
    }

    /// <summary>Whole seconds, upwards: who comes back then does not come too early. Null for what is not known.</summary>
    private static int? Seconds(long micros) => micros > 0 ? (int)((micros + 999_999) / 1_000_000) : null;

    private static string LossText(HoldLoss? loss) => loss is null
        ? ""
        : loss.Reason switch
        {
            LossReason.Expired => $": its lease expired at revision {loss.AtRevision}",
            LossReason.Revoked => $": its lease was revoked at revision {loss.AtRevision}",
            LossReason.Forced => $": it was broken by force at revision {loss.AtRevision}",
            LossReason.HeldTooLong => $": its maxHold was over at revision {loss.AtRevision}",
            _ => Invariant.Unreachable<string>(loss.Reason),
        };

    private static string BoundName(BoundKind bound) => bound switch
    {
        BoundKind.Leases => "leases",
        BoundKind.Locks => "locks, semaphores and elections in use",
        BoundKind.Waiters => "waiters",
        BoundKind.IdempotencyKeys => "idempotency keys of the last minute",
        BoundKind.LeaseAttachments => "keys, holds and waiting places of one lease",
        BoundKind.Fences => "fences",
        BoundKind.Holders => "holders of one lock or semaphore",
        BoundKind.WaitersOfOne => "waiters of one lock, semaphore or election",
        BoundKind.Roles => "roles",
        BoundKind.Rules => "rules of one role",
        BoundKind.Principals => "principals",
        BoundKind.RolesOfOne => "roles of one principal",
        BoundKind.Revocations => "revoked certificates",
        BoundKind.Tokens => "tokens",
        BoundKind.LeasesOfPrincipal => "leases of one principal",
        BoundKind.HoldsOfPrincipal => "holds and waiting places of one principal",
        BoundKind.IdempotencyBytesOfPrincipal => "bytes kept under the idempotency keys of one principal",
        _ => Invariant.Unreachable<string>(bound),
    };

    /// <summary>As with the quota: the command that changes it, where there is one.</summary>
    private static string WayOut(BoundKind bound) =>
        SettingOf(bound) is { } setting ? $" (consensusctl settings set {SettingDefinition.Of(setting).Name})" : "";

    private static Setting? SettingOf(BoundKind bound) => bound switch
    {
        BoundKind.Leases => Setting.MaxLeases,
        BoundKind.Locks => Setting.MaxObjects,
        BoundKind.Waiters => Setting.MaxWaiters,
        BoundKind.Fences => Setting.MaxFences,
        BoundKind.IdempotencyKeys or BoundKind.LeaseAttachments or BoundKind.Holders or BoundKind.WaitersOfOne => null,
        BoundKind.Roles or BoundKind.Rules or BoundKind.Principals or BoundKind.RolesOfOne or BoundKind.Revocations
            or BoundKind.Tokens => null,
        BoundKind.LeasesOfPrincipal or BoundKind.HoldsOfPrincipal or BoundKind.IdempotencyBytesOfPrincipal => null,
        _ => Invariant.Unreachable<Setting?>(bound),
    };
}
