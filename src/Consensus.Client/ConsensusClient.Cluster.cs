using Consensus.Api;
using Consensus.Api.Cluster;

namespace Consensus.Client;

public sealed partial class ConsensusClient
{
    /// <summary>The cluster as the answering member sees it. Served without a leader too.</summary>
    public Task<ApiResult<ClusterAnswer>> GetClusterAsync(CancellationToken cancellationToken) =>
        GetAsync(ApiRoutes.Cluster, ClientJson.Default.ClusterAnswer, cancellationToken);

    /// <summary>The answering member's view of itself. Served without a leader too.</summary>
    public Task<ApiResult<StatusAnswer>> GetStatusAsync(CancellationToken cancellationToken) =>
        GetAsync(ApiRoutes.Status, ClientJson.Default.StatusAnswer, cancellationToken);
}
