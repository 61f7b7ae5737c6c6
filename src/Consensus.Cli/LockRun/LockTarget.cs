using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary>An exclusive lock with a lease of its own.</summary>
internal sealed class LockTarget(ConsensusApiClient client, string name, string owner, TimeSpan ttl) : IHoldTarget
{
    public string Description => $"lock '{name}'";

    public IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string> { ["CONSENSUS_LOCK"] = name };

    public async Task<GrantResult> AcquireAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        var result = await client.AcquireLockAsync(new LockWish(name, owner) { Ttl = ttl, Wait = wait }, cancellationToken);
        return result.Succeeded
            ? new GrantResult(new Grant(result.Value.FencingToken, result.Value.TtlMs, result.Value.WaitedMs), null)
            : new GrantResult(null, result.Problem);
    }

    public LockRenewal RenewOnce(long fencingToken, TimeSpan timeout, CancellationToken cancellationToken) =>
        client.RenewLockOnce(name, fencingToken, timeout, cancellationToken);

    public Task<ApiResult<EmptyAnswer>> ReleaseAsync(long fencingToken, CancellationToken cancellationToken) =>
        client.ReleaseLockAsync(name, fencingToken, cancellationToken);
}
