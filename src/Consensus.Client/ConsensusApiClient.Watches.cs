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

    private IAsyncEnumerable<WatchMessage> Watch(string target, WatchOptions? options, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new ResumingWatch(_options, _transport, target, options ?? new WatchOptions()).RunAsync(Volatile.Read(ref _preferred), cancellationToken);
    }
}
