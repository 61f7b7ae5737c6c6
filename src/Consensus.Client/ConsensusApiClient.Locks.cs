using Consensus.Api;
using Consensus.Api.Json;
using Consensus.Api.Locks;

namespace Consensus.Client;

public sealed partial class ConsensusApiClient
{
    /// <summary>Takes a lock, and stands in line for it for as long as the wish says; 409 <c>lock-held</c> when that is over.</summary>
    public Task<ApiResult<LockGrantAnswer>> AcquireLockAsync(LockWish wish, CancellationToken cancellationToken) =>
        ((IConsensusApi)this).AcquireLockAsync(wish, IdentityOf(wish?.IdempotencyKey), cancellationToken);

    Task<ApiResult<LockGrantAnswer>> IConsensusApi.AcquireLockAsync(LockWish wish, RequestIdentity identity, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(wish);
        var body = new LockAcquireRequest
        {
            Owner = wish.Owner,
            Ttl = Optional(wish.Ttl),
            Lease = wish.Lease,
            Mode = wish.Shared ? "shared" : null,
            LockDelay = Optional(wish.LockDelay),
            MaxHold = Optional(wish.MaxHold),
            Metadata = Raw(wish.Metadata),
        };
        var request = AcquireRequest(LockTarget(wish.Name, ""), identity, wish.Wait, wait =>
            RequestJson.Encode(body with { Wait = wait }, RequestJson.Types.LockAcquireRequest, nameof(wish)));
        return SendAsync(request, ClientJson.Default.LockGrantAnswer, cancellationToken);
    }

    /// <summary>Exclusive holds of several locks, all or none.</summary>
    public Task<ApiResult<MultiLockAnswer>> AcquireLocksAsync(MultiLockWish wish, CancellationToken cancellationToken) =>
        ((IConsensusApi)this).AcquireLocksAsync(wish, IdentityOf(wish?.IdempotencyKey), cancellationToken);

    Task<ApiResult<MultiLockAnswer>> IConsensusApi.AcquireLocksAsync(MultiLockWish wish, RequestIdentity identity, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(wish);
        var body = new MultiLockRequest
        {
            Names = wish.Names,
            Owner = wish.Owner,
            Ttl = Optional(wish.Ttl),
            Lease = wish.Lease,
            LockDelay = Optional(wish.LockDelay),
            MaxHold = Optional(wish.MaxHold),
            Metadata = Raw(wish.Metadata),
        };
        var request = AcquireRequest(ApiRoutes.MultiLock, identity, wish.Wait, wait =>
            RequestJson.Encode(body with { Wait = wait }, RequestJson.Types.MultiLockRequest, nameof(wish)));
        return SendAsync(request, ClientJson.Default.MultiLockAnswer, cancellationToken);
    }

    /// <summary>Renews the hold's whole lease. To keep a lock, count its time from before this was sent (rule 3), or use <see cref="RenewLockOnce"/>.</summary>
    public Task<ApiResult<HoldRenewedAnswer>> RenewLockAsync(string name, long fencingToken, CancellationToken cancellationToken) =>
        SendAsync(RenewRequest(LockTarget(name, ""), fencingToken), ClientJson.Default.HoldRenewedAnswer, cancellationToken);

    /// <summary>Gives a lock back. Giving back what was given back already is a success; what was lost is refused.</summary>
    public Task<ApiResult<EmptyAnswer>> ReleaseLockAsync(string name, long fencingToken, CancellationToken cancellationToken) =>
        DeleteHoldAsync(LockTarget(name, TokenQuery(fencingToken)), cancellationToken);

    /// <summary>Breaks a lock, whoever holds it: an operator's act.</summary>
    /// <param name="fencingToken">Only this hold; null: all holds.</param>
    public Task<ApiResult<EmptyAnswer>> ForceReleaseLockAsync(string name, long? fencingToken, CancellationToken cancellationToken) =>
        DeleteHoldAsync(LockTarget(name, ForceQuery(fencingToken)), cancellationToken);

    /// <summary>Passes the hold to a waiter of that owner, past those who wait before it; 404 when nobody of that name could have it now.</summary>
    public Task<ApiResult<HandOverAnswer>> HandOverLockAsync(string name, long fencingToken, string to, CancellationToken cancellationToken) =>
        HandOverAsync(LockTarget(name, ""), fencingToken, to, cancellationToken);

    /// <summary>Who holds a lock and who waits; an unknown name is an unheld lock.</summary>
    public Task<ApiResult<LockAnswer>> GetLockAsync(string name, CancellationToken cancellationToken) =>
        GetLockAsync(name, null, cancellationToken);

    /// <summary>As the other, read as the options say.</summary>
    public Task<ApiResult<LockAnswer>> GetLockAsync(string name, ReadOptions? read, CancellationToken cancellationToken) =>
        GetAsync(LockTarget(name, ReadOptions.Query(read)), ClientJson.Default.LockAnswer, cancellationToken);

    /// <summary>One page of the locks with a prefix; <paramref name="cursor"/> is the last page's <c>nextCursor</c>.</summary>
    public Task<ApiResult<LockListAnswer>> ListLocksAsync(string prefix, string? cursor, CancellationToken cancellationToken) =>
        ListLocksAsync(new ListQuery { Prefix = prefix, Cursor = cursor }, cancellationToken);

    /// <summary>One page of the locks that are held or waited for.</summary>
    public Task<ApiResult<LockListAnswer>> ListLocksAsync(ListQuery query, CancellationToken cancellationToken) =>
        GetAsync(ListTarget(ApiRoutes.Locks, query), ClientJson.Default.LockListAnswer, cancellationToken);

    /// <summary>
    /// Sends one renewal once, blocking the calling thread; after an unanswered one, the next call asks the next endpoint. It needs no
    /// Idempotency-Key: renewing twice is renewing once, and an answer must speak of now, not be a replay.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public HoldRenewal RenewLockOnce(string name, long fencingToken, TimeSpan timeout, CancellationToken cancellationToken) =>
        SendOnce(
            RenewRequest(LockTarget(name, ""), fencingToken), ClientJson.Default.HoldRenewedAnswer, static answer => answer.TtlMs, timeout,
            cancellationToken);

    private static string LockTarget(string name, string query) => NamedTarget(ApiRoutes.LockPrefix, name, query);

    private static string? Optional(TimeSpan? duration) => duration is { } given ? ClientJson.Text(given) : null;

    private static RawJson? Raw(string? json) => json is null ? null : new RawJson(json);
}
