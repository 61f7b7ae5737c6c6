using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// A retry gets the first answer and has no effect of its own, through any member, across failover and snapshot (rule 21). What had an effect is kept; an answer that changed
/// nothing is remembered more briefly, and is final for its request, whichever attempt was told it: a refusal, and a success that found everything done, as a fence passed with
/// the token that is the highest already.
/// </summary>
internal sealed class RetryRules(StateTables state, Applying entry, AnswerReplays replays, SessionRules sessions, ShareRules shares)
{
    /// <summary>The answer to a retry, or to a new identity for which there is no room; null when the command is to be executed.</summary>
    public Outcome? AnswerRetry(Command command)
    {
        entry.HasRoom = true;
        var identity = entry.Identity;
        if (identity.IsNone)
        {
            return null;
        }
        if (identity.IsSession)
        {
            return sessions.AnswerRetry(command);
        }
        var answers = state.Answers;
        answers.ForgetOld(entry.Stamp);
        if (answers.Kept.TryGet(identity, out var kept))
        {
            return kept.Effect is TakenBack || kept.Fingerprint.Span.SequenceEqual(entry.Fingerprint.Span)
                ? replays.Of(kept.Effect)
                : new IdempotencyMismatch(state.Revision);
        }
        if (answers.Brief.TryGet(identity, entry.Stamp, out var brief))
        {
            return Repeat(brief);
        }
        if (answers.Forgotten.TryGet(identity, out var forgotten) && !(forgotten.Kind == ForgottenKind.UnkeptRepeatable && AlwaysPasses.IsRepeatable(command)))
        {
            return new RetryTooLate(state.Revision);
        }
        if (state.Waiters.TryFind(identity, out var place))
        {
            // Its room is that of its grant, which is kept in any case.
            return AskedTerms.IsForPlacesOf(state.Waiters, place, command) ? null : new IdempotencyMismatch(state.Revision);
        }
        var own = shares.RefuseKept();
        entry.HasRoom = own is null && answers.MakeRoom(entry.Stamp);
        return entry.HasRoom || AlwaysPasses.Does(command)
            ? null
            : own ?? new BoundReached(state.Revision, BoundKind.IdempotencyKeys, state.Limits.MaxIdempotencyKeys)
            {
                RetryAfterMicros = answers.UntilOldestMayGo(entry.Stamp),
            };
    }

    /// <summary>Keeps what came of the entry's command, as an effect or as an answer that changed nothing.</summary>
    public void Keep(Command command, Outcome outcome)
    {
        if (entry.Identity.IsSession)
        {
            sessions.Keep(command, outcome);
            return;
        }
        if (entry.Identity.IsNone || state.Answers.Kept.Contains(entry.Identity))
        {
            return;
        }
        if (OutcomeEffects.Of(command, outcome, entry.RevisionBefore) is { } effect)
        {
            Keep(effect, AlwaysPasses.IsRepeatable(command));
        }
        else if (!state.Answers.Forgotten.Contains(entry.Identity))
        {
            // Else the command itself had an effect and told of it, and there was room for no more than that.
            KeepBriefly(command, outcome);
        }
    }

    /// <summary>For a command that knows itself that it had an effect, under the identity that the entry has.</summary>
    /// <param name="isRepeatable">Then, if there was no room for it and it is sent again, it is judged like any other.</param>
    public void Keep(Effect effect, bool isRepeatable = false)
    {
        if (entry.Identity.IsSession)
        {
            sessions.Keep(effect, isRepeatable);
        }
        else if (entry.HasRoom)
        {
            state.Answers.Keep(entry.Identity, entry.Stamp, entry.Fingerprint.ToArray(), effect);
        }
        else
        {
            state.Answers.KeepNoMore(entry.Identity, entry.Stamp, isRepeatable ? ForgottenKind.UnkeptRepeatable : ForgottenKind.Unkept);
        }
    }

    /// <summary>A waiter that was promoted had its effect now, under the identity with which it asked.</summary>
    public void KeepGrant(WaiterRecord waiter, Outcome granted)
    {
        if (waiter.Identity.IsSession)
        {
            sessions.KeepGrant(waiter, granted);
        }
        else if (!waiter.Identity.IsNone && !state.Answers.Kept.Contains(waiter.Identity))
        {
            state.Answers.Keep(waiter.Identity, entry.Stamp, waiter.Fingerprint, OutcomeEffects.OfGrant(granted));
        }
    }

    /// <summary>A wait that ended without a grant is answered for good, whether its attempt is still connected or not.</summary>
    public void KeepBriefly(WaiterRecord waiter, Outcome outcome)
    {
        if (waiter.Identity.IsSession)
        {
            sessions.KeepEndOfWait(waiter, outcome);
        }
        else if (!waiter.Identity.IsNone)
        {
            state.Answers.KeepBriefly(waiter.Identity, entry.Stamp, waiter.Fingerprint, outcome);
        }
    }

    /// <summary>
    /// Renewals are not kept: there are many, and a late one does no harm. No lease and no token comes back once it has ended, so that a "no" stays one by itself; and a "yes"
    /// done twice is a renewal. One that proclaims a value is a write, and is kept.
    /// </summary>
    private void KeepBriefly(Command command, Outcome outcome)
    {
        if (command is not (RenewLeasesCommand or RenewHoldCommand { Value: null }) && !state.Answers.Brief.TryGet(entry.Identity, entry.Stamp, out _))
        {
            state.Answers.KeepBriefly(entry.Identity, entry.Stamp, entry.Fingerprint.ToArray(), outcome);
        }
    }

    /// <summary>
    /// Tells a brief answer again. Whoever asked now may have sent another attempt since the first one was answered: its time begins anew.
    /// Not that of what is full, for there may be room soon, and libraries of HTTP ask again after a 429 by themselves, under the same key;
    /// nor that of what is forbidden, which somebody may allow.
    /// </summary>
    private Outcome Repeat(BriefAnswer answer)
    {
        if (!answer.IsWithdrawn && !answer.Fingerprint.Span.SequenceEqual(entry.Fingerprint.Span))
        {
            return new IdempotencyMismatch(state.Revision);
        }
        if (answer.Outcome is not (BoundReached or QuotaExceeded or Forbidden))
        {
            state.Answers.Renew(entry.Identity, entry.Stamp, answer);
        }
        return replays.Of(answer);
    }
}
