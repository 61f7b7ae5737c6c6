using Consensus.Api.Leases;
using Consensus.Client.Holding;
using Consensus.Client.Sessions;

namespace Consensus.Client;

/// <summary>A lease that is kept alive, for keys that are to go when their writer does. Releasing it revokes it: its keys are deleted.</summary>
public sealed class LeaseHandle : HoldHandle
{
    private readonly ClientWrites _writes;

    internal LeaseHandle(ClientWrites writes, HoldKeeper keeper, LeaseAnswer grant, KeptHold hold)
        : base(keeper, hold, isWatched: false) => (_writes, Id) = (writes, grant.Id);

    /// <summary>Hexadecimal.</summary>
    public string Id { get; }

    private protected override string What => $"lease {Id}";

    private protected override async Task<ApiResult<EmptyAnswer>> SendReleaseAsync(CancellationToken cancellationToken)
    {
        var result = await _writes.SendAsync(api => api.RevokeLeaseAsync(Id, cancellationToken), givesBack: true).ConfigureAwait(false);
        return result.Succeeded ? ApiResult<EmptyAnswer>.Of(new EmptyAnswer(), result.Json) : ApiResult<EmptyAnswer>.Failed(result.Problem);
    }
}
