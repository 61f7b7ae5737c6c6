using Consensus.Api.Elections;
using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary>Leadership with a lease of its own; the wait of <paramref name="wish"/> is each request's.</summary>
internal sealed class ElectionTarget(IConsensusApi client, CampaignWish wish) : IHoldTarget
{
    public string Description => $"leadership of '{wish.Name}'";

    public IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string> { ["CONSENSUS_ELECTION"] = wish.Name };

    public TimeSpan? MaxHold => wish.MaxHold;

    /// <summary>The last answer that said "elected".</summary>
    public ApiResult<ElectedAnswer>? Elected { get; private set; }

    public async Task<GrantResult> AcquireAsync(TimeSpan wait, RequestIdentity identity, CancellationToken cancellationToken)
    {
        var result = await client.CampaignAsync(wish with { Wait = wait }, identity, cancellationToken);
        if (!result.Succeeded)
        {
            return new GrantResult(null, result.Problem);
        }
        Elected = result;
        return new GrantResult(new Grant(result.Value.FencingToken, result.Value.TtlMs, result.Value.WaitedMs), null);
    }

    public HoldRenewal RenewOnce(long fencingToken, TimeSpan timeout, CancellationToken cancellationToken) =>
        client.RenewLeadershipOnce(wish.Name, fencingToken, timeout, cancellationToken);

    public Task<ApiResult<EmptyAnswer>> ReleaseAsync(long fencingToken, CancellationToken cancellationToken) =>
        client.ResignAsync(wish.Name, fencingToken, cancellationToken);
}
