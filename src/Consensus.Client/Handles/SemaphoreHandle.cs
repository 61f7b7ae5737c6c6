using Consensus.Api.Semaphores;
using Consensus.Client.Holding;
using Consensus.Client.Sessions;

namespace Consensus.Client;

/// <summary>Permits of a semaphore that are held.</summary>
public sealed class SemaphoreHandle : HoldHandle
{
    private readonly ClientWrites _writes;
    private readonly SemaphoreGrantAnswer _grant;

    internal SemaphoreHandle(ClientWrites writes, HoldKeeper keeper, SemaphoreGrantAnswer grant, KeptHold hold)
        : base(keeper, hold) => (_writes, _grant) = (writes, grant);

    /// <summary>The semaphore's name.</summary>
    public string Name => _grant.Name;

    /// <summary>Who holds it.</summary>
    public string Owner => _grant.Owner;

    /// <summary>Permits held.</summary>
    public long Count => _grant.Count;

    /// <summary>Tells this grant apart from others; several hold at once, so it puts them in no order that a fence could use.</summary>
    public long FencingToken => _grant.FencingToken;

    /// <summary>The lease that the hold is under (hexadecimal id).</summary>
    public string Lease => _grant.Lease;

    /// <summary>Tokens of another cluster do not compare with this one's.</summary>
    public string ClusterId => _grant.ClusterId;

    private protected override string What => $"semaphore '{Name}'";

    private protected override Task<ApiResult<EmptyAnswer>> SendReleaseAsync(CancellationToken cancellationToken) =>
        _writes.SendAsync(api => api.ReleaseSemaphoreAsync(Name, FencingToken, cancellationToken), givesBack: true);
}
