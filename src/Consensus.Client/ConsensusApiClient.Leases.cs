using Consensus.Api;
using Consensus.Api.Leases;

namespace Consensus.Client;

public sealed partial class ConsensusApiClient
{
    /// <summary>A lease that ends unless it is kept alive.</summary>
    public Task<ApiResult<LeaseAnswer>> GrantLeaseAsync(TimeSpan ttl, CancellationToken cancellationToken) => GrantLeaseAsync(ttl, null, cancellationToken);

    /// <summary>As the other.</summary>
    /// <param name="idempotencyKey">Under which it is asked, as in <see cref="LockWish.IdempotencyKey"/>.</param>
    public Task<ApiResult<LeaseAnswer>> GrantLeaseAsync(TimeSpan ttl, string? idempotencyKey, CancellationToken cancellationToken) =>
        ((IConsensusApi)this).GrantLeaseAsync(ttl, IdentityOf(idempotencyKey), cancellationToken);

    Task<ApiResult<LeaseAnswer>> IConsensusApi.GrantLeaseAsync(
        TimeSpan ttl, RequestIdentity identity, CancellationToken cancellationToken) =>
        GrantAsync(new LeaseGrantRequest(ClientJson.Text(ttl)), identity, cancellationToken);

    private Task<ApiResult<LeaseAnswer>> GrantAsync(LeaseGrantRequest wish, RequestIdentity identity, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Post,
            Identity = identity,
            Target = ApiRoutes.Leases,
            Body = RequestJson.Encode(wish, RequestJson.Types.LeaseGrantRequest, nameof(wish)),
        };
        return SendAsync(request, ClientJson.Default.LeaseAnswer, cancellationToken);
    }

    /// <summary>Renews a lease; 410 once it ended.</summary>
    public Task<ApiResult<LeaseAnswer>> KeepLeaseAliveAsync(string lease, CancellationToken cancellationToken) =>
        SendAsync(KeepAliveRequest(lease), ClientJson.Default.LeaseAnswer, cancellationToken);

    /// <summary>Renews up to 10,000 leases in one step; each has a result of its own, in the order asked.</summary>
    public Task<ApiResult<LeaseKeepAliveAnswer>> KeepLeasesAliveAsync(IReadOnlyList<string> leases, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Post,
            Target = ApiRoutes.LeasesKeepAlive,
            NeedsIdentity = false,
            Body = RequestJson.Encode(new LeaseKeepAliveRequest(leases), RequestJson.Types.LeaseKeepAliveRequest, nameof(leases)),
        };
        return SendAsync(request, ClientJson.Default.LeaseKeepAliveAnswer, cancellationToken);
    }

    /// <summary>As <see cref="RenewLockOnce"/>, for a lease.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public HoldRenewal KeepLeaseAliveOnce(string lease, TimeSpan timeout, CancellationToken cancellationToken) =>
        SendOnce(
            KeepAliveRequest(lease), ClientJson.Default.LeaseAnswer, static answer => answer.TtlMs, timeout, cancellationToken);

    /// <summary>Ends a lease: its keys are deleted and its locks freed, in one step.</summary>
    public Task<ApiResult<LeaseRevokedAnswer>> RevokeLeaseAsync(string lease, CancellationToken cancellationToken) =>
        SendAsync(
            new ApiRequest { Method = HttpMethod.Delete, Target = LeaseTarget(lease) },
            ClientJson.Default.LeaseRevokedAnswer,
            cancellationToken);

    /// <summary>A lease with what it holds.</summary>
    public Task<ApiResult<LeaseDetailAnswer>> GetLeaseAsync(string lease, CancellationToken cancellationToken) =>
        GetLeaseAsync(lease, null, cancellationToken);

    /// <summary>As the other, read as the options say.</summary>
    public Task<ApiResult<LeaseDetailAnswer>> GetLeaseAsync(string lease, ReadOptions? read, CancellationToken cancellationToken) =>
        GetAsync(QueryText.Append(LeaseTarget(lease), ReadOptions.Query(read)), ClientJson.Default.LeaseDetailAnswer, cancellationToken);

    /// <summary>One page of all leases; <paramref name="cursor"/> is the last page's <c>nextCursor</c>.</summary>
    public Task<ApiResult<LeaseListAnswer>> ListLeasesAsync(string? cursor, CancellationToken cancellationToken) =>
        ListLeasesAsync(new ListQuery { Cursor = cursor }, cancellationToken);

    /// <summary>One page of the leases.</summary>
    public Task<ApiResult<LeaseListAnswer>> ListLeasesAsync(ListQuery query, CancellationToken cancellationToken) =>
        GetAsync(ListTarget(ApiRoutes.Leases, query), ClientJson.Default.LeaseListAnswer, cancellationToken);

    private static ApiRequest KeepAliveRequest(string lease) => new()
    {
        Method = HttpMethod.Post,
        Target = LeaseTarget(lease) + "/keepalive",
        NeedsIdentity = false,
    };

    private static string LeaseTarget(string lease) => ApiRoutes.LeasePrefix + ApiPath.EncodeQuery(lease);
}
