using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Consensus.Client;

/// <summary>
/// Healthy while the cluster answers a linearizable read: it has a leader and a majority. Add it with
/// <c>services.AddHealthChecks().AddCheck&lt;ConsensusHealthCheck&gt;("consensus")</c>.
/// </summary>
public sealed class ConsensusHealthCheck(IConsensusClient client) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        var failure = context.Registration.FailureStatus;
        try
        {
            await client.PingAsync(limit.Token).ConfigureAwait(false);
            return HealthCheckResult.Healthy("The cluster answers.");
        }
        catch (ConsensusException error)
        {
            return new HealthCheckResult(failure, error.Problem.Detail, error);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new HealthCheckResult(failure, $"The cluster did not answer within {Patience.TotalSeconds:0} s.");
        }
    }
}
