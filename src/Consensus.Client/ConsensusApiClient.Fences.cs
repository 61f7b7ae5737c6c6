using Consensus.Api;
using Consensus.Api.Fences;

namespace Consensus.Client;

public sealed partial class ConsensusApiClient
{
    /// <summary>
    /// Asks, before a write to the resource, whether the token is still the highest seen, and makes it so: 412 <c>stale-token</c> when a higher one was.
    /// Only for tokens of exclusive holds.
    /// </summary>
    public Task<ApiResult<FenceAnswer>> PassFenceAsync(string resource, long fencingToken, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Put,
            Target = FenceTarget(resource, ""),
            // Marks only rise, so a token that is stale stays stale.
            RefusalIsLasting = true,
            NeedsIdentity = false,
            Body = RequestJson.Encode(new FenceRequest(fencingToken), RequestJson.Types.FenceRequest, nameof(fencingToken)),
        };
        return SendAsync(request, ClientJson.Default.FenceAnswer, cancellationToken);
    }

    /// <summary>The highest token that the resource has seen; 404 when it has seen none.</summary>
    public Task<ApiResult<FenceAnswer>> GetFenceAsync(string resource, ReadOptions? read, CancellationToken cancellationToken) =>
        GetAsync(FenceTarget(resource, ReadOptions.Query(read)), ClientJson.Default.FenceAnswer, cancellationToken);

    /// <summary>Forgets the mark: an operator's act.</summary>
    public Task<ApiResult<FenceResetAnswer>> ResetFenceAsync(string resource, CancellationToken cancellationToken) => SendAsync(
        new ApiRequest { Method = HttpMethod.Delete, Target = FenceTarget(resource, "") }, ClientJson.Default.FenceResetAnswer, cancellationToken);

    /// <summary>One page of the fences.</summary>
    public Task<ApiResult<FenceListAnswer>> ListFencesAsync(ListQuery query, CancellationToken cancellationToken) =>
        GetAsync(ListTarget(ApiRoutes.Fences, query), ClientJson.Default.FenceListAnswer, cancellationToken);

    private static string FenceTarget(string resource, string query) => NamedTarget(ApiRoutes.FencePrefix, resource, query);
}
