using Consensus.Api;
using Consensus.Client.Watches;

namespace Consensus.Client;

public sealed partial class ConsensusApiClient
{
    /// <summary>
    /// Watches one key. When the stream breaks, the watch goes on at the next endpoint where it was: no gap, no duplicate. It ends after <see cref="WatchCompacted"/>.
    /// </summary>
    /// <exception cref="ConsensusException">While enumerated: it was refused, it could not begin, or it could not go on for <see cref="WatchOptions.GiveUpAfter"/>.</exception>
    public IAsyncEnumerable<WatchMessage> WatchKeyAsync(string key, WatchOptions? options = null, CancellationToken cancellationToken = default) =>
        Watch(KeyTarget(key, ""), options, cancellationToken);

    /// <summary>As <see cref="WatchKeyAsync"/>, of all keys with a prefix (empty: all keys).</summary>
    public IAsyncEnumerable<WatchMessage> WatchKeysAsync(string prefix, WatchOptions? options = null, CancellationToken cancellationToken = default) =>
        Watch(ApiRoutes.Keys + "?prefix=" + ApiPath.EncodeQuery(prefix), options, cancellationToken);

    /// <summary>As <see cref="WatchKeyAsync"/>, of an election's leader and its value; unless it goes on somewhere, it begins with the present one.</summary>
    public IAsyncEnumerable<WatchMessage> WatchElectionAsync(string name, WatchOptions? options = null, CancellationToken cancellationToken = default) =>
        Watch(ElectionTarget(name, ""), options, cancellationToken);

    /// <summary>
    /// The lock as it is, and each time what it becomes: who holds it, how many wait, what was lost last and why. A client that is slow or was cut off is told the present state and
    /// nothing of what was between. When the stream breaks it goes on at the next endpoint.
    /// </summary>
    /// <exception cref="ConsensusException">While enumerated: it was refused, or it could not begin.</exception>
    public IAsyncEnumerable<WatchMessage> WatchLockAsync(string name, CancellationToken cancellationToken = default) => Watch(LockTarget(name, ""), null, cancellationToken);

    /// <summary>As <see cref="WatchLockAsync"/>, of a semaphore.</summary>
    public IAsyncEnumerable<WatchMessage> WatchSemaphoreAsync(string name, CancellationToken cancellationToken = default) =>
        Watch(SemaphoreTarget(name, ""), null, cancellationToken);

    /// <summary>As <see cref="WatchLockAsync"/>, of a lease: how much hangs on it. Its renewals are not told. It ends after <see cref="WatchLeaseEnded"/>.</summary>
    public IAsyncEnumerable<WatchMessage> WatchLeaseAsync(string lease, CancellationToken cancellationToken = default) =>
        Watch(LeaseTarget(lease), null, cancellationToken, lease);

    private IAsyncEnumerable<WatchMessage> Watch(string target, WatchOptions? options, CancellationToken cancellationToken, string? lease = null)
    {
        ObjectDisposedException.ThrowIf(_sender.IsDisposed, this);
        return new ResumingWatch(_sender.Options, _sender.Transport, target, options ?? new WatchOptions(),
            lease).RunAsync(_sender.Preferred, cancellationToken);
    }
}
