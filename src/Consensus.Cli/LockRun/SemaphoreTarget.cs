using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary>Permits of a semaphore with a lease of their own; <paramref name="wish"/> says how many, its wait is each request's.</summary>
internal sealed class SemaphoreTarget(IConsensusApi client, SemaphoreWish wish) : IHoldTarget
{
    public string Description => $"semaphore '{wish.Name}'";

    public IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string> { ["CONSENSUS_SEMAPHORE"] = wish.Name };

    public TimeSpan? MaxHold => wish.MaxHold;

    public async Task<GrantResult> AcquireAsync(TimeSpan wait, RequestIdentity identity, CancellationToken cancellationToken)
    {
        var result = await client.AcquireSemaphoreAsync(wish with { Wait = wait }, identity, cancellationToken);
        return result.Succeeded
            ? new GrantResult(new Grant(result.Value.FencingToken, result.Value.TtlMs, result.Value.WaitedMs), null)
            : new GrantResult(null, result.Problem);
    }

    public HoldRenewal RenewOnce(long fencingToken, TimeSpan timeout, CancellationToken cancellationToken) =>
        client.RenewSemaphoreOnce(wish.Name, fencingToken, timeout, cancellationToken);

    public Task<ApiResult<EmptyAnswer>> ReleaseAsync(long fencingToken, CancellationToken cancellationToken) =>
        client.ReleaseSemaphoreAsync(wish.Name, fencingToken, cancellationToken);
}
