using Consensus.Api;
using Consensus.Api.Leases;

namespace Consensus.Client;

public sealed partial class ConsensusApiClient
{
    public Task<ApiResult<LeaseAnswer>> GrantLeaseAsync(TimeSpan ttl, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Post,
            Target = ApiRoutes.Leases,
            Body = ClientJson.Encode(new LeaseGrantRequest(ClientJson.Text(ttl)), ApiJson.Default.LeaseGrantRequest),
        };
        return SendAsync(request, ClientJson.Default.LeaseAnswer, cancellationToken);
    }

    public Task<ApiResult<LeaseAnswer>> KeepLeaseAliveAsync(string lease, CancellationToken cancellationToken)
    {
        var request = new ApiRequest { Method = HttpMethod.Post, Target = LeaseTarget(lease) + "/keepalive" };
        return SendAsync(request, ClientJson.Default.LeaseAnswer, cancellationToken);
    }

    /// <summary>Ends a lease: its keys are deleted and its locks freed, in one step.</summary>
    public Task<ApiResult<LeaseRevokedAnswer>> RevokeLeaseAsync(string lease, CancellationToken cancellationToken) =>
        SendAsync(
            new ApiRequest { Method = HttpMethod.Delete, Target = LeaseTarget(lease) },
            ClientJson.Default.LeaseRevokedAnswer,
            cancellationToken);

    public Task<ApiResult<LeaseDetailAnswer>> GetLeaseAsync(string lease, CancellationToken cancellationToken) =>
        GetAsync(LeaseTarget(lease), ClientJson.Default.LeaseDetailAnswer, cancellationToken);

    /// <summary>One page of all leases; <paramref name="cursor"/> is the last page's <c>nextCursor</c>.</summary>
    public Task<ApiResult<LeaseListAnswer>> ListLeasesAsync(string? cursor, CancellationToken cancellationToken)
    {
        var target = ApiRoutes.Leases + (cursor is null ? "" : "?cursor=" + ApiPath.EncodeQuery(cursor));
        return GetAsync(target, ClientJson.Default.LeaseListAnswer, cancellationToken);
    }

    private static string LeaseTarget(string lease) => ApiRoutes.LeasePrefix + ApiPath.EncodeQuery(lease);
}
