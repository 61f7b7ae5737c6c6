using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>No unknown is final: one number of a session is answered as its request was, or nothing ever comes of it.</summary>
internal sealed class SettleRules(StateTables state, SessionRules sessions, WaitRules waits, AnswerReplays replays)
{
    public Outcome Settle(SettleCommand c)
    {
        if (!sessions.TryFind(c.Session, out var session))
        {
            return new SessionRefused(state.Revision, c.Session, SessionRefusal.Ended, 0);
        }
        // It may be told of a hold that it goes on to use.
        session = state.Sessions.Hear(session);
        var number = new SessionNumber(c.Session, c.Number);
        if (state.Sessions.TryGet(number, out var answer))
        {
            return Tell(answer);
        }
        if (state.Holds.Of(number) is { Count: > 0 } holds)
        {
            return new Settled(state.Revision, SettleResult.Done, replays.OfNumber(holds));
        }
        if (state.Waiters.TryFind(Identity.Of(number), out var place))
        {
            // Acknowledged or not: nobody is granted anything under it any more.
            sessions.Fence(number);
            waits.GiveUp(place);
            return new Settled(state.Revision, SettleResult.NotDone, null);
        }
        if (c.Number <= session.Acked)
        {
            return new RetryTooLate(state.Revision);
        }
        if (sessions.RefuseTooFar(session, c.Number) is { } tooFar)
        {
            return tooFar;
        }
        sessions.Fence(number);
        return new Settled(state.Revision, SettleResult.NotDone, null);
    }

    private Settled Tell(NumberAnswer answer) => answer switch
    {
        { IsFenced: true } => new Settled(state.Revision, SettleResult.NotDone, null),
        { Done.Effect: DoneUntold } => new Settled(state.Revision, SettleResult.Done, null),
        { Done: { } done } => new Settled(state.Revision, SettleResult.Done, replays.Of(done.Effect)),
        { Nothing: { } nothing } => new Settled(state.Revision, nothing.IsSuccess ? SettleResult.Done : SettleResult.Refused, replays.Of(nothing)),
        _ => Invariant.Unreachable<Settled>(answer),
    };
}
