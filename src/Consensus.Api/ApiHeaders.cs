namespace Consensus.Api;

/// <summary>Headers that are this API's own.</summary>
public static class ApiHeaders
{
    /// <summary>On every answer: the revision that it was computed from (rule 29).</summary>
    public const string Revision = "Consensus-Revision";

    /// <summary>On every answer: the Raft term of the answering member.</summary>
    public const string Term = "Consensus-Term";

    /// <summary>On every answer: the leader's member name; empty while none is known.</summary>
    public const string Leader = "Consensus-Leader";

    /// <summary>On a write: 1 to 128 printable ASCII characters under which it may be retried (rule 21).</summary>
    public const string IdempotencyKey = "Idempotency-Key";

    /// <summary>On a write, instead of an Idempotency-Key: <c>ID; seq=N; acked=M</c>, the number of the request in a session, and up to which one its client knows the answers.</summary>
    public const string Session = "Consensus-Session";
}
