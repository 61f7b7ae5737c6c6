using Consensus.Api.Elections;
using Consensus.Client.Holding;
using Consensus.Client.Sessions;

namespace Consensus.Client;

/// <summary>A leadership that is held; releasing it resigns.</summary>
public sealed class LeadershipHandle : HoldHandle
{
    private readonly ClientWrites _writes;
    private readonly ElectedAnswer _grant;
    private volatile string _value;

    internal LeadershipHandle(ClientWrites writes, HoldKeeper keeper, ElectedAnswer grant, KeptHold hold)
        : base(keeper, hold)
    {
        (_writes, _grant) = (writes, grant);
        _value = grant.Value;
    }

    /// <summary>The election's name.</summary>
    public string Name => _grant.Name;

    /// <summary>Under which name this candidate leads.</summary>
    public string Candidate => _grant.Leader;

    /// <summary>What was proclaimed last through this handle.</summary>
    public string Value => _value;

    /// <summary>Larger than every token given before in this cluster: give it along with every write, and let the store refuse a smaller one.</summary>
    public long FencingToken => _grant.FencingToken;

    /// <summary>The lease that the hold is under (hexadecimal id).</summary>
    public string Lease => _grant.Lease;

    /// <summary>Tokens of another cluster do not compare with this one's.</summary>
    public string ClusterId => _grant.ClusterId;

    /// <summary>What it was granted.</summary>
    internal ElectedAnswer Grant => _grant;

    private protected override string What => $"the leadership of '{Name}'";

    /// <summary>Proclaims another value, which observers are told.</summary>
    /// <exception cref="ConsensusException">The leadership was lost, or nobody answered.</exception>
    public async Task ProclaimAsync(string value, CancellationToken cancellationToken = default)
    {
        WellFormed.Text(value);
        var result = await _writes.SendAsync(api => api.ProclaimAsync(Name, FencingToken, value, cancellationToken)).ConfigureAwait(false);
        _value = result.Succeeded ? value : throw new ConsensusException(result.Problem);
    }

    /// <summary>Passes leadership to a candidate that waits; the handle has nothing then.</summary>
    /// <returns>False when nobody of that name waits: it still leads.</returns>
    /// <exception cref="ConsensusException">The leadership was lost, or nobody answered.</exception>
    public async Task<bool> HandOverAsync(string to, CancellationToken cancellationToken = default)
    {
        WellFormed.Text(to);
        return HandedOver(await _writes.Api.HandOverLeadershipAsync(Name, FencingToken, to, cancellationToken).ConfigureAwait(false));
    }

    private protected override Task<ApiResult<EmptyAnswer>> SendReleaseAsync(CancellationToken cancellationToken) =>
        _writes.SendAsync(api => api.ResignAsync(Name, FencingToken, cancellationToken), givesBack: true);
}
