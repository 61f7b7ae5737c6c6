using Consensus.Api.Leases;
using Consensus.Client.Holding;

namespace Consensus.Client;

public sealed partial class ConsensusClient
{
    /// <inheritdoc/>
    public async Task<LeaseHandle> GrantLeaseAsync(TimeSpan ttl, TimeSpan? safetyMargin = null, CancellationToken cancellationToken = default)
    {
        var order = new HoldOrder<LeaseAnswer>
        {
            What = "a lease",
            Kind = "lease",
            Margin = LeaseSchedule.Checked(safetyMargin, ttl),
            Ask = (_, cancellation) => _api.GrantLeaseAsync(ttl, cancellation),
            Times = grant => GrantTimes.OfMs(grant.TtlMs, 0),
            Renew = grant => (timeout, cancellation) => _api.KeepLeaseAliveOnce(grant.Id, timeout, cancellation),
            GiveBack = (grant, cancellation) => _api.RevokeLeaseAsync(grant.Id, cancellation),
        };
        var taken = await _acquirer.RunAsync(order, TimeSpan.Zero, cancellationToken).ConfigureAwait(false);
        return taken is { } got
            ? new LeaseHandle(_api, _keeper, got.Grant, got.Hold)
            : throw new ConsensusException(new ApiProblem(ApiFailureKind.OutcomeUnknown, 0, "", "A lease was granted, but the answer came too late to use it."));
    }
}
