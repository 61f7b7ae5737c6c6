using System.Runtime.CompilerServices;
using Consensus.Api.Semaphores;

namespace Consensus.Client;

public sealed partial class ConsensusClient
{
    /// <inheritdoc/>
    public async Task<SemaphoreHandle> AcquireSemaphoreAsync(
        string name, long permits, SemaphoreOptions? options = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var (grant, hold) = await AcquireAsync(_orders.Semaphore(name, permits, options ?? new SemaphoreOptions()), timeout, cancellationToken)
            .ConfigureAwait(false);
        return new SemaphoreHandle(_writes, _keeper, grant, hold);
    }

    /// <inheritdoc/>
    public async Task<SemaphoreHandle?> TryAcquireSemaphoreAsync(
        string name, long permits, SemaphoreOptions? options = null, TimeSpan timeout = default, CancellationToken cancellationToken = default)
    {
        var taken = await TryAcquireAsync(_orders.Semaphore(name, permits, options ?? new SemaphoreOptions()), timeout, cancellationToken)
            .ConfigureAwait(false);
        return taken is { } got ? new SemaphoreHandle(_writes, _keeper, got.Grant, got.Hold) : null;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<SemaphoreAnswer> ObserveSemaphoreAsync(string name, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        WellFormed.Name(name);
        await foreach (var message in _api.WatchSemaphoreAsync(name, cancellationToken).ConfigureAwait(false))
        {
            if (message is WatchSemaphore { Semaphore: var state })
            {
                yield return state;
            }
        }
    }

    /// <inheritdoc/>
    public async Task<PermitsChangedAnswer> ChangePermitsAsync(string name, long permits, CancellationToken cancellationToken = default)
    {
        WellFormed.Name(name);
        return Value(await _writes.SendAsync(api => api.ChangePermitsAsync(name, permits, cancellationToken)).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public async Task<SemaphoreAnswer> GetSemaphoreAsync(string name, CancellationToken cancellationToken = default)
    {
        WellFormed.Name(name);
        return Value(await _api.GetSemaphoreAsync(name, null, cancellationToken).ConfigureAwait(false));
    }
}
