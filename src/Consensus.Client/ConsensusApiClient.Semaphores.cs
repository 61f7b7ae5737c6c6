using Consensus.Api;
using Consensus.Api.Locks;
using Consensus.Api.Semaphores;

namespace Consensus.Client;

public sealed partial class ConsensusApiClient
{
    /// <summary>Takes permits, and stands in line for them for as long as the wish says; 409 <c>lock-held</c> when that is over, <c>permits-mismatch</c> when the limit is another one.</summary>
    public Task<ApiResult<SemaphoreGrantAnswer>> AcquireSemaphoreAsync(SemaphoreWish wish, CancellationToken cancellationToken) =>
        ((IConsensusApi)this).AcquireSemaphoreAsync(wish, IdentityOf(wish?.IdempotencyKey), cancellationToken);

    Task<ApiResult<SemaphoreGrantAnswer>> IConsensusApi.AcquireSemaphoreAsync(SemaphoreWish wish, RequestIdentity identity, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(wish);
        var body = new SemaphoreAcquireRequest
        {
            Owner = wish.Owner,
            Permits = wish.Permits,
            Count = wish.Count == 1 ? null : wish.Count,
            Ttl = Optional(wish.Ttl),
            Lease = wish.Lease,
            LockDelay = Optional(wish.LockDelay),
            MaxHold = Optional(wish.MaxHold),
            Metadata = Raw(wish.Metadata),
        };
        var request = AcquireRequest(SemaphoreTarget(wish.Name, ""), identity, wish.Wait, wait =>
            RequestJson.Encode(body with { Wait = wait }, RequestJson.Types.SemaphoreAcquireRequest, nameof(wish)));
        return SendAsync(request, ClientJson.Default.SemaphoreGrantAnswer, cancellationToken);
    }

    /// <summary>Renews the whole lease of the permits, as <see cref="RenewLockAsync"/> does.</summary>
    public Task<ApiResult<SemaphoreRenewedAnswer>> RenewSemaphoreAsync(string name, long fencingToken, CancellationToken cancellationToken) =>
        SendAsync(RenewRequest(SemaphoreTarget(name, ""), fencingToken), ClientJson.Default.SemaphoreRenewedAnswer, cancellationToken);

    /// <summary>Gives the permits of one grant back. Again is a success; what was lost is refused.</summary>
    public Task<ApiResult<EmptyAnswer>> ReleaseSemaphoreAsync(string name, long fencingToken, CancellationToken cancellationToken) =>
        DeleteHoldAsync(SemaphoreTarget(name, TokenQuery(fencingToken)), cancellationToken);

    /// <summary>Takes permits away from whoever holds them: an operator's act.</summary>
    /// <param name="fencingToken">Only this hold; null: all holds.</param>
    public Task<ApiResult<EmptyAnswer>> ForceReleaseSemaphoreAsync(string name, long? fencingToken, CancellationToken cancellationToken) =>
        DeleteHoldAsync(SemaphoreTarget(name, ForceQuery(fencingToken)), cancellationToken);

    /// <summary>Passes the permits to a waiter, as <see cref="HandOverLockAsync"/> does.</summary>
    public Task<ApiResult<HandOverAnswer>> HandOverSemaphoreAsync(string name, long fencingToken, string to, CancellationToken cancellationToken) =>
        HandOverAsync(SemaphoreTarget(name, ""), fencingToken, to, cancellationToken);

    /// <summary>
    /// Changes the limit of a semaphore that is in use: 409 <c>permits-out</c> when more are held or kept back than that, 404 when nobody uses it. Whoever waits and has room by it is
    /// granted; whoever waits for more than there are is refused with 409 <c>permits-mismatch</c>, and so is from then on whoever asks with another limit.
    /// </summary>
    /// <param name="permits">At least 1.</param>
    public Task<ApiResult<PermitsChangedAnswer>> ChangePermitsAsync(string name, long permits, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Patch,
            Target = SemaphoreTarget(name, ""),
            NotFoundIsFinal = false,
            Body = RequestJson.Encode(new ChangePermitsRequest(permits), RequestJson.Types.ChangePermitsRequest, nameof(permits)),
        };
        return SendAsync(request, ClientJson.Default.PermitsChangedAnswer, cancellationToken);
    }

    /// <summary>Who holds permits and who waits; an unknown name is an unused semaphore.</summary>
    public Task<ApiResult<SemaphoreAnswer>> GetSemaphoreAsync(string name, ReadOptions? read, CancellationToken cancellationToken) =>
        GetAsync(SemaphoreTarget(name, ReadOptions.Query(read)), ClientJson.Default.SemaphoreAnswer, cancellationToken);

    /// <summary>One page of the semaphores that are used or waited for.</summary>
    public Task<ApiResult<SemaphoreListAnswer>> ListSemaphoresAsync(ListQuery query, CancellationToken cancellationToken) =>
        GetAsync(ListTarget(ApiRoutes.Semaphores, query), ClientJson.Default.SemaphoreListAnswer, cancellationToken);

    /// <summary>As <see cref="RenewLockOnce"/>.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public HoldRenewal RenewSemaphoreOnce(string name, long fencingToken, TimeSpan timeout, CancellationToken cancellationToken) =>
        SendOnce(
            RenewRequest(SemaphoreTarget(name, ""), fencingToken), ClientJson.Default.SemaphoreRenewedAnswer, static answer => answer.TtlMs,
            timeout, cancellationToken);

    private static string SemaphoreTarget(string name, string query) => NamedTarget(ApiRoutes.SemaphorePrefix, name, query);
}
