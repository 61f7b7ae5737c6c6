using Consensus.Api.Locks;
using Consensus.Client.Holding;
using Consensus.Client.Sessions;

namespace Consensus.Client;

/// <summary>A lock that is held.</summary>
public sealed class LockHandle : HoldHandle
{
    private readonly ClientWrites _writes;
    private readonly LockGrantAnswer _grant;

    internal LockHandle(ClientWrites writes, HoldKeeper keeper, LockGrantAnswer grant, KeptHold hold)
        : base(keeper, hold) => (_writes, _grant) = (writes, grant);

    /// <summary>The lock's name.</summary>
    public string Name => _grant.Name;

    /// <summary>Who holds it.</summary>
    public string Owner => _grant.Owner;

    /// <summary>Beside other shared holds, rather than alone.</summary>
    public bool IsShared => _grant.Mode == "shared";

    /// <summary>Larger than every token given before in this cluster: give it along with every write, and let the store refuse a smaller one.</summary>
    public long FencingToken => _grant.FencingToken;

    /// <summary>The lease that the hold is under (hexadecimal id).</summary>
    public string Lease => _grant.Lease;

    /// <summary>Tokens of another cluster do not compare with this one's.</summary>
    public string ClusterId => _grant.ClusterId;

    private protected override string What => $"lock '{Name}'";

    /// <summary>Passes the lock to a waiter of that owner, past those who wait before it; the handle has nothing then.</summary>
    /// <returns>False when nobody of that name waits who could have it now: it is still held.</returns>
    /// <exception cref="ConsensusException">It was lost, or nobody answered.</exception>
    public async Task<bool> HandOverAsync(string to, CancellationToken cancellationToken = default)
    {
        WellFormed.Text(to);
        return HandedOver(await _writes.Api.HandOverLockAsync(Name, FencingToken, to, cancellationToken).ConfigureAwait(false));
    }

    private protected override Task<ApiResult<EmptyAnswer>> SendReleaseAsync(CancellationToken cancellationToken) =>
        _writes.SendAsync(api => api.ReleaseLockAsync(Name, FencingToken, cancellationToken), givesBack: true);
}
