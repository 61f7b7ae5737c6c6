using Consensus.Primitives;
using Consensus.StateMachine.Commands;

namespace Consensus.StateMachine.Tables;

/// <summary>Under which identity a request may be retried (rule 21): its idempotency key within its principal, or its number within its session.</summary>
internal readonly record struct Identity(string Principal, Key IdempotencyKey) : IComparable<Identity>
{
    /// <summary>None with an idempotency key.</summary>
    public SessionNumber Number { get; private init; }

    public bool IsNone => IdempotencyKey.IsEmpty && !IsSession;

    public bool IsSession => Number.Number != 0;

    /// <summary>What it takes in memory, about.</summary>
    public long Bytes => IdempotencyKey.Length + (2L * Principal.Length);

    public static Identity Of(SessionNumber number) => new("", default) { Number = number };

    /// <summary>None where neither was given.</summary>
    public static Identity Of(ReadOnlyMemory<byte> key, SessionRequest session, string principal) =>
        !session.IsNone ? Of(new SessionNumber(session.Session, session.Number))
        : key.IsEmpty ? default
        : new Identity(principal, new Key(key.Span));

    public int CompareTo(Identity other)
    {
        var byPrincipal = string.CompareOrdinal(Principal, other.Principal);
        if (byPrincipal != 0)
        {
            return byPrincipal;
        }
        var byKey = IdempotencyKey.CompareTo(other.IdempotencyKey);
        return byKey != 0 ? byKey : Number.CompareTo(other.Number);
    }
}

/// <summary>A number that its client gave a request; 0 for none. Those of one session stand together.</summary>
internal readonly record struct SessionNumber(LeaseId Session, long Number) : IComparable<SessionNumber>
{
    public int CompareTo(SessionNumber other)
    {
        var bySession = Session.CompareTo(other.Session);
        return bySession != 0 ? bySession : Number.CompareTo(other.Number);
    }
}
