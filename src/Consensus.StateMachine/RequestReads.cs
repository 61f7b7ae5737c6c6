using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine;

/// <summary>What a view knows of requests that may be sent again.</summary>
public static class RequestReads
{
    /// <summary>
    /// Whether something came of a request with this identity, or may come yet: then apply tells that again before it looks at rights (rule
    /// 21). That it was forbidden is no such thing: it is judged anew.
    /// </summary>
    /// <param name="principal">The name of who asks.</param>
    /// <param name="idempotencyKey">Empty for a request of a session, or for one without an identity.</param>
    public static bool Knows(StateView view, string principal, ReadOnlyMemory<byte> idempotencyKey, SessionRequest session)
    {
        if (!session.IsNone)
        {
            return view.Tables.Sessions.Sessions.TryGet(session.Session, out var record) && record.Principal == principal
                && session.Number <= record.Highest;
        }
        if (idempotencyKey.IsEmpty)
        {
            return false;
        }
        var identity = new Identity(principal, new Key(idempotencyKey.Span));
        var answers = view.Tables.Answers;
        return answers.Kept.TryGet(identity, out _)
            || answers.Forgotten.TryGet(identity, out _)
            || (answers.Brief.TryGet(identity, out var brief) && brief.Outcome is not Forbidden)
            || view.Tables.Waiters.ByIdentity.TryGet(identity, out _);
    }
}
