using Consensus.Api.Locks;
using Consensus.Client.Holding;
using Consensus.Client.Sessions;

namespace Consensus.Client;

/// <summary>Several exclusive locks that are held together: they are lost together too, as soon as one of them is.</summary>
public sealed class MultiLockHandle : HoldHandle
{
    private readonly ClientWrites _writes;
    private readonly MultiLockAnswer _grant;

    internal MultiLockHandle(ClientWrites writes, HoldKeeper keeper, MultiLockAnswer grant, KeptHold hold)
        : base(keeper, hold)
    {
        (_writes, _grant) = (writes, grant);
        FencingTokens = grant.Locks.ToDictionary(item => item.Name, item => item.FencingToken);
    }

    /// <summary>Who holds it.</summary>
    public string Owner => _grant.Owner;

    /// <summary>The lease that the hold is under (hexadecimal id).</summary>
    public string Lease => _grant.Lease;

    /// <summary>Tokens of another cluster do not compare with this one's.</summary>
    public string ClusterId => _grant.ClusterId;

    /// <summary>Each lock's own, by its name.</summary>
    public IReadOnlyDictionary<string, long> FencingTokens { get; }

    private protected override string What => $"locks {string.Join(", ", _grant.Locks.Select(item => $"'{item.Name}'"))}";

    private protected override bool HasParts => true;

    private protected override async Task<ApiResult<EmptyAnswer>> SendReleaseAsync(CancellationToken cancellationToken)
    {
        var results = await Task.WhenAll(_grant.Locks.Select(item =>
            _writes.SendAsync(api => api.ReleaseLockAsync(item.Name, item.FencingToken, cancellationToken),
                givesBack: true))).ConfigureAwait(false);
        // What is gone is settled; what nobody answered is not.
        return Array.Find(results, result => result.Problem is { Kind: not ApiFailureKind.Refused }) ?? Array.Find(results, result =>
            !result.Succeeded) ?? results[0];
    }
}
