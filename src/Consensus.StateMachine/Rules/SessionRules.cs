using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// The numbers of a session (rule 21). A number is new when it is above what is acknowledged and was not seen; every outcome is kept until it is acknowledged, refusals too, so
/// that a "no" is final. What a session refuses by itself it does not keep: another attempt is judged anew.
/// </summary>
internal sealed class SessionRules(StateTables state, Applying entry, AnswerReplays replays)
{
    /// <summary>The answer to a retry, or to a number that the session does not take; null when the command is to be executed.</summary>
    public Outcome? AnswerRetry(Command command)
    {
        var asked = entry.Session;
        if (!TryFind(asked.Session, out var session))
        {
            return Refuse(SessionRefusal.Ended);
        }
        session = state.Sessions.Hear(session);
        if (asked.Acked >= asked.Number)
        {
            return Refuse(SessionRefusal.AcknowledgesItself);
        }
        if (LeaseOf(command) is { } lease && lease != asked.Session)
        {
            return Refuse(SessionRefusal.OtherLease);
        }
        if (asked.Acked > session.Acked)
        {
            var answers = session.Answers;
            session = state.Sessions.Acknowledge(session, asked.Acked);
            entry.Output.Objects += answers - session.Answers;
        }
        var number = entry.Identity.Number;
        if (state.Sessions.TryGet(number, out var answer))
        {
            return Repeat(answer);
        }
        if (state.Waiters.TryFind(entry.Identity, out var place))
        {
            return AskedTerms.IsForPlacesOf(state.Waiters, place, command) ? null : new IdempotencyMismatch(state.Revision);
        }
        if (state.Holds.Of(number) is { Count: > 0 } holds)
        {
            var fingerprint = state.Holds.Find(holds[0].Object, holds[0].Token)!.Mark!.Fingerprint;
            return fingerprint.Span.SequenceEqual(entry.Fingerprint.Span)
                ? replays.OfNumber(holds)
                : new IdempotencyMismatch(state.Revision);
        }
        return number.Number <= session.Acked ? new RetryTooLate(state.Revision) : RefuseNew(session, command) ?? Take(session);
    }

    /// <summary>Keeps what came of the entry's command under a new number.</summary>
    public void Keep(Command command, Outcome outcome)
    {
        if (!entry.IsNewNumber || state.Sessions.Contains(entry.Identity.Number))
        {
            return;
        }
        if (OutcomeEffects.Of(command, outcome, entry.RevisionBefore) is { } effect)
        {
            Keep(effect, AlwaysPasses.IsRepeatable(command));
        }
        else if (IsRenewal(command, outcome))
        {
            Store(entry.Identity.Number, Done(entry.Fingerprint.ToArray(), new DoneUntold(IsRepeatable: true)));
        }
        else if (BriefAnswer.Of(outcome, 0, ClusterTime.Zero, entry.Fingerprint.ToArray()) is { } nothing)
        {
            Store(entry.Identity.Number, new NumberAnswer(null, nothing));
        }
    }

    /// <summary>For a command that knows itself that it had an effect.</summary>
    /// <param name="isRepeatable">Then, if there was no room for it and it is sent again, it is done again.</param>
    public void Keep(Effect effect, bool isRepeatable)
    {
        if (entry.IsNewNumber)
        {
            Store(entry.Identity.Number, Done(entry.Fingerprint.ToArray(), entry.HasRoom ? effect : new DoneUntold(isRepeatable)));
        }
    }

    /// <summary>A place became a hold. Its number may be acknowledged: then only the hold is found by it.</summary>
    public void KeepGrant(WaiterRecord waiter, Outcome granted) =>
        Store(waiter.Identity.Number, Done(waiter.Fingerprint, OutcomeEffects.OfGrant(granted)));

    /// <summary>A place came to nothing.</summary>
    public void KeepEndOfWait(WaiterRecord waiter, Outcome outcome)
    {
        if (BriefAnswer.Of(outcome, 0, ClusterTime.Zero, waiter.Fingerprint) is { } nothing)
        {
            Store(waiter.Identity.Number, new NumberAnswer(null, nothing));
        }
    }

    /// <summary>Nothing is ever done under this number.</summary>
    public void Fence(SessionNumber number) =>
        Store(number, new NumberAnswer(null, new BriefAnswer(0, ClusterTime.Zero, default, new RequestWithdrawn(state.Revision))));

    /// <summary>The session of this lease, if it is one of the entry's principal.</summary>
    public bool TryFind(LeaseId lease, out SessionRecord session) => state.Sessions.TryGet(lease, out session) && session.Principal == entry.Principal;

    public SessionRefused? RefuseTooFar(SessionRecord session, long number) => number - session.Acked > state.Limits.MaxSessionNumbers
        ? new SessionRefused(state.Revision, session.Id, SessionRefusal.TooFarAhead, state.Limits.MaxSessionNumbers)
        : null;

    private static NumberAnswer Done(ReadOnlyMemory<byte> fingerprint, Effect effect) => new(new KeptOutcome(0, ClusterTime.Zero, fingerprint, effect), null);

    /// <summary>The lease that the asked hold hangs on; null for what asks for none.</summary>
    private static LeaseId? LeaseOf(Command command) => command switch
    {
        AcquireCommand c => c.SharedLease,
        AcquireManyCommand c => c.SharedLease,
        _ => null,
    };

    /// <summary>What it tells is old at once, and it is done again without harm.</summary>
    private static bool IsRenewal(Command command, Outcome outcome) =>
        outcome is LeasesRenewed || (outcome is HoldRenewed && command is not RenewHoldCommand { Value: not null, Space: HoldSpace.Election });

    private SessionRefused Refuse(SessionRefusal reason) => new(state.Revision, entry.Session.Session, reason, 0);

    /// <summary>The answer that is kept; null to do once more what does no harm.</summary>
    private Outcome? Repeat(NumberAnswer answer)
    {
        if (!answer.IsFenced && !answer.Fingerprint.Span.SequenceEqual(entry.Fingerprint.Span))
        {
            return new IdempotencyMismatch(state.Revision);
        }
        return answer switch
        {
            { Done.Effect: DoneUntold { IsRepeatable: true } } => null,
            { Done: { } done } => replays.Of(done.Effect),
            _ => replays.Of(answer.Nothing!),
        };
    }

    /// <summary>Where there is no room for its answer nothing new is done, but for what makes room or keeps alive, which is done unkept.</summary>
    private SessionRefused? RefuseNew(SessionRecord session, Command command)
    {
        if (RefuseTooFar(session, entry.Session.Number) is { } tooFar)
        {
            return tooFar;
        }
        var isFull = session.AnswerBytes >= state.Limits.MaxSessionBytes;
        var isQuotaUsed = state.Bytes >= state.Limits.MaxStateBytes;
        entry.HasRoom = !isFull && !isQuotaUsed;
        return entry.HasRoom || AlwaysPasses.Does(command) ? null
            : isFull ? new SessionRefused(state.Revision, session.Id, SessionRefusal.Full, state.Limits.MaxSessionBytes)
            : new SessionRefused(state.Revision, session.Id, SessionRefusal.QuotaUsed, state.Limits.MaxStateBytes);
    }

    private Outcome? Take(SessionRecord session)
    {
        entry.IsNewNumber = true;
        if (entry.Session.Number > session.Highest)
        {
            state.Sessions.Replace(session with { Highest = entry.Session.Number });
        }
        return null;
    }

    /// <summary>Unless the session ended with the very command, the number was acknowledged while it stood in line, or its answer is there.</summary>
    private void Store(SessionNumber number, NumberAnswer answer)
    {
        if (state.Sessions.TryGet(number.Session, out var session) && number.Number > session.Acked && !state.Sessions.Contains(number))
        {
            state.Sessions.Add(session, number.Number, answer);
        }
    }
}
