using System.Runtime.CompilerServices;
using Consensus.Api.Locks;

namespace Consensus.Client;

public sealed partial class ConsensusClient
{
    /// <inheritdoc/>
    public async Task<LockHandle> AcquireLockAsync(
        string name, LockOptions? options = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var (grant, hold) = await AcquireAsync(_orders.Lock(name, options ?? new LockOptions()), timeout, cancellationToken).ConfigureAwait(false);
        return new LockHandle(_writes, _keeper, grant, hold);
    }

    /// <inheritdoc/>
    public async Task<LockHandle?> TryAcquireLockAsync(
        string name, LockOptions? options = null, TimeSpan timeout = default, CancellationToken cancellationToken = default)
    {
        var taken = await TryAcquireAsync(_orders.Lock(name, options ?? new LockOptions()), timeout, cancellationToken).ConfigureAwait(false);
        return taken is { } got ? new LockHandle(_writes, _keeper, got.Grant, got.Hold) : null;
    }

    /// <inheritdoc/>
    public async Task<MultiLockHandle> AcquireLocksAsync(
        IReadOnlyList<string> names, MultiLockOptions? options = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var (grant, hold) = await AcquireAsync(_orders.MultiLock(names, options ?? new MultiLockOptions()), timeout, cancellationToken).ConfigureAwait(false);
        return new MultiLockHandle(_writes, _keeper, grant, hold);
    }

    /// <inheritdoc/>
    public async Task<MultiLockHandle?> TryAcquireLocksAsync(
        IReadOnlyList<string> names, MultiLockOptions? options = null, TimeSpan timeout = default, CancellationToken cancellationToken = default)
    {
        var taken = await TryAcquireAsync(_orders.MultiLock(names, options ?? new MultiLockOptions()), timeout, cancellationToken).ConfigureAwait(false);
        return taken is { } got ? new MultiLockHandle(_writes, _keeper, got.Grant, got.Hold) : null;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LockAnswer> ObserveLockAsync(string name, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        WellFormed.Name(name);
        await foreach (var message in _api.WatchLockAsync(name, cancellationToken).ConfigureAwait(false))
        {
            if (message is WatchLock { Lock: var state })
            {
                yield return state;
            }
        }
    }

    /// <inheritdoc/>
    public async Task<LockAnswer> GetLockAsync(string name, CancellationToken cancellationToken = default)
    {
        WellFormed.Name(name);
        return Value(await _api.GetLockAsync(name, null, cancellationToken).ConfigureAwait(false));
    }
}
