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
            Ask = (question, cancellation) => _api.GrantLeaseAsync(ttl, question.Identity, cancellation),
            Times = grant => GrantTimes.OfMs(grant.TtlMs, 0),
            Renew = grant => (timeout, cancellation) => _api.KeepLeaseAliveOnce(grant.Id, timeout, cancellation),
            GiveBack = async (grant, hurried, cancellation) =>
                Withdrawals.Of((await hurried.RevokeLeaseAsync(grant.Id, cancellation).ConfigureAwait(false)).Problem),
        };
        var taken = await _acquirer.RunAsync(order, TimeSpan.Zero, cancellationToken).ConfigureAwait(false);
        return taken.Succeeded
            ? new LeaseHandle(_writes, _keeper, taken.Grant, taken.Hold)
            : throw new ConsensusException(taken.Problem ?? new ApiProblem(ApiFailureKind.Unavailable, 0, "", "A lease was granted, but the answer came too late to use it."));
    }
}
