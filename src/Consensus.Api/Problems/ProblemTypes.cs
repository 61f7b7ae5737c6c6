namespace Consensus.Api.Problems;

/// <summary>Every problem that this version answers with.</summary>
public static class ProblemTypes
{
    public static readonly ProblemType BadRequest = new("bad-request", "The request is malformed", 400);
    public static readonly ProblemType SharedToken = new("shared-token", "The fencing token is not that of an exclusive hold", 400);
    public static readonly ProblemType Unauthenticated = new("unauthenticated", "Who asks is not known", 401);
    public static readonly ProblemType Forbidden = new("forbidden", "The request is not allowed", 403);
    public static readonly ProblemType NotFound = new("not-found", "There is no such thing", 404);
    public static readonly ProblemType MethodNotAllowed = new("method-not-allowed", "The path does not take this method", 405);
    public static readonly ProblemType NotAcceptable = new("not-acceptable", "The answer has no form that the request accepts", 406);
    public static readonly ProblemType RequestTimeout = new("request-timeout", "The request did not arrive in time", 408);
    public static readonly ProblemType LockHeld = new("lock-held", "The lock is held", 409);
    public static readonly ProblemType RetryTooLate = new("retry-too-late", "The answer to this request is not kept any more", 409);
    public static readonly ProblemType Withdrawn = new("withdrawn", "The request was withdrawn", 409);
    public static readonly ProblemType PermitsMismatch = new("permits-mismatch", "The semaphore is in use with another limit", 409);
    public static readonly ProblemType PermitsOut = new("permits-out", "More permits are out than that", 409);
    public static readonly ProblemType LeaseExpired = new("lease-expired", "The lease is gone", 410);
    public static readonly ProblemType SessionEnded = new("session-ended", "The session has ended; what came of its requests is unknown", 410);
    public static readonly ProblemType Compacted = new("compacted", "The asked revision is no longer kept", 410);
    public static readonly ProblemType PreconditionFailed = new("precondition-failed", "The condition does not hold", 412);
    public static readonly ProblemType StaleToken = new("stale-token", "A higher fencing token was seen already", 412);
    public static readonly ProblemType NotHolder = new("not-holder", "The fencing token is not that of the present hold", 412);
    public static readonly ProblemType TooLarge = new("too-large", "The request is too large", 413);
    public static readonly ProblemType HeadersTooLarge = new("too-large", "The request's headers are too large", 431);
    public static readonly ProblemType Misdirected = new("misdirected", "The Host header does not name this server", 421);
    public static readonly ProblemType IdempotencyMismatch = new("idempotency-mismatch", "The Idempotency-Key or number was used for another request", 422);
    public static readonly ProblemType TooManyRequests = new("too-many-requests", "A bound is reached", 429);
    public static readonly ProblemType Internal = new("internal", "The server failed to answer", 500);
    public static readonly ProblemType NoLeader = new("no-leader", "No leader is known; nothing was done", 503);
    public static readonly ProblemType NotReady = new("not-ready", "This member is not ready; nothing was done", 503);
    public static readonly ProblemType OutcomeUnknown = new("outcome-unknown", "The request may or may not take effect", 504);
    public static readonly ProblemType QuotaExceeded = new("quota-exceeded", "The store is full", 507);

    public static IReadOnlyList<ProblemType> All { get; } =
    [
        BadRequest, SharedToken, Unauthenticated, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, RequestTimeout, LockHeld, RetryTooLate, Withdrawn, PermitsMismatch, PermitsOut, LeaseExpired, SessionEnded, Compacted,
        PreconditionFailed, StaleToken, NotHolder, TooLarge, HeadersTooLarge, Misdirected, IdempotencyMismatch, TooManyRequests, Internal,
        NoLeader, NotReady, OutcomeUnknown, QuotaExceeded,
    ];

    /// <summary>The problem that says so; null: no member answers with that type under that status.</summary>
    /// <param name="uri">The document's <c>type</c>.</param>
    public static ProblemType? Find(string uri, int status)
    {
        foreach (var problem in All)
        {
            if (problem.Status == status && problem.Uri == uri)
            {
                return problem;
            }
        }
        return null;
    }
}
