using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary>An exclusive lock with a lease of its own; the wait of <paramref name="wish"/> is each request's.</summary>
internal sealed class LockTarget(IConsensusApi client, LockWish wish) : IHoldTarget
{
    public string Description => $"lock '{wish.Name}'";

    public IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string> { ["CONSENSUS_LOCK"] = wish.Name };

    public TimeSpan? MaxHold => wish.MaxHold;

    public async Task<GrantResult> AcquireAsync(TimeSpan wait, RequestIdentity identity, CancellationToken cancellationToken)
    {
        var result = await client.AcquireLockAsync(wish with { Wait = wait }, identity, cancellationToken);
        return result.Succeeded
            ? new GrantResult(new Grant(result.Value.FencingToken, result.Value.TtlMs, result.Value.WaitedMs), null)
            : new GrantResult(null, result.Problem);
    }

    public HoldRenewal RenewOnce(long fencingToken, TimeSpan timeout, CancellationToken cancellationToken) =>
        client.RenewLockOnce(wish.Name, fencingToken, timeout, cancellationToken);

    public Task<ApiResult<EmptyAnswer>> ReleaseAsync(long fencingToken, CancellationToken cancellationToken) =>
        client.ReleaseLockAsync(wish.Name, fencingToken, cancellationToken);
}
