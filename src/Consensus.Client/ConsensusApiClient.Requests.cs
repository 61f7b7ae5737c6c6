using Consensus.Api;
using Consensus.Api.Requests;

namespace Consensus.Client;

public sealed partial class ConsensusApiClient
{
    /// <summary>
    /// Takes back whatever was asked under an Idempotency-Key, however far it came: a place in line is given up, what was granted is released, and an attempt that is still under way does
    /// nothing. For whoever gives up and does not know.
    /// </summary>
    public Task<ApiResult<WithdrawAnswer>> WithdrawAsync(string idempotencyKey, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Delete,
            Target = NamedTarget(ApiRoutes.RequestPrefix, RequestIdentity.Checked(idempotencyKey), ""),
            NeedsIdentity = false,
        };
        return SendAsync(request, ClientJson.Default.WithdrawAnswer, cancellationToken);
    }
}
