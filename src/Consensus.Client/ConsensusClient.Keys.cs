using System.Runtime.CompilerServices;
using Consensus.Api.Problems;
using Consensus.Api.Transactions;

namespace Consensus.Client;

public sealed partial class ConsensusClient
{
    /// <inheritdoc/>
    public async Task<KeyEntry?> GetAsync(string key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        WellFormed.Name(key);
        var result = await _api.GetKeyAsync(key, options, cancellationToken).ConfigureAwait(false);
        return result.Succeeded ? KeyEntry.Of(result.Value)
            : result.Problem.Slug == ProblemTypes.NotFound.Slug ? null
            : throw new ConsensusException(result.Problem);
    }

    /// <inheritdoc/>
    public async Task<KeyList> ListAsync(string prefix, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        WellFormed.Text(prefix);
        var items = new List<KeyEntry>();
        for (var query = new KeyListQuery { Prefix = prefix, Read = options }; ;)
        {
            var page = Value(await _api.ListKeysAsync(query, cancellationToken).ConfigureAwait(false));
            items.AddRange(page.Items.Select(KeyEntry.Of));
            if (page.NextCursor is null)
            {
                return new KeyList(items, page.Revision);
            }
            query = query with { Cursor = page.NextCursor };
        }
    }

    /// <inheritdoc/>
    public async Task<long> PutAsync(string key, ReadOnlyMemory<byte> value, string? lease = null, CancellationToken cancellationToken = default)
    {
        WellFormed.Name(key);
        WellFormed.Text(lease);
        var options = new KeyPutOptions { Lease = lease };
        return Value(await _writes.SendAsync(api =>
            api.PutKeyAsync(key, value, options, cancellationToken)).ConfigureAwait(false)).ModRevision;
    }

    /// <inheritdoc/>
    public async Task<ConditionalWrite> CompareAndSetAsync(
        string key, ReadOnlyMemory<byte> value, long expectedRevision, string? lease = null, CancellationToken cancellationToken = default)
    {
        WellFormed.Name(key);
        WellFormed.Text(lease);
        ArgumentOutOfRangeException.ThrowIfNegative(expectedRevision);
        var options = new KeyPutOptions { IfAbsent = expectedRevision == 0, IfRevision = expectedRevision == 0 ? null : expectedRevision, Lease = lease };
        var result = await _writes.SendAsync(api => api.PutKeyAsync(key, value, options, cancellationToken)).ConfigureAwait(false);
        return result.Succeeded ? new ConditionalWrite(true, result.Value.ModRevision) : Unmet(result.Problem);
    }

    /// <inheritdoc/>
    public async Task<bool> DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        WellFormed.Name(key);
        return Value(await _writes.SendAsync(api => api.DeleteKeyAsync(key, null, cancellationToken)).ConfigureAwait(false)).Deleted > 0;
    }

    /// <inheritdoc/>
    public async Task<ConditionalWrite> CompareAndDeleteAsync(string key, long expectedRevision, CancellationToken cancellationToken = default)
    {
        WellFormed.Name(key);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(expectedRevision);
        var result = await _writes.SendAsync(api => api.DeleteKeyAsync(key, expectedRevision, cancellationToken)).ConfigureAwait(false);
        return result.Succeeded ? new ConditionalWrite(true, 0) : Unmet(result.Problem);
    }

    /// <inheritdoc/>
    public async Task<long> DeletePrefixAsync(string prefix, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        WellFormed.Text(prefix);
        return Value(await _writes.SendAsync(api => api.DeleteKeysAsync(prefix, cancellationToken)).ConfigureAwait(false)).Deleted;
    }

    /// <inheritdoc/>
    public async Task<TxnAnswer> TransactAsync(TxnRequest transaction, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        return Value(await _writes.SendAsync(api => api.TxnAsync(transaction, cancellationToken)).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<KeyChanges> WatchAsync(string key, WatchOptions? options = null, CancellationToken cancellationToken = default)
    {
        WellFormed.Name(key);
        return ChangesAsync(_api.WatchKeyAsync(key, options, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<KeyChanges> WatchPrefixAsync(string prefix, WatchOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        WellFormed.Text(prefix);
        return ChangesAsync(_api.WatchKeysAsync(prefix, options, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<bool> PassFenceAsync(string resource, long fencingToken, CancellationToken cancellationToken = default)
    {
        WellFormed.Name(resource);
        var result = await _api.PassFenceAsync(resource, fencingToken, cancellationToken).ConfigureAwait(false);
        return result.Succeeded || (result.Problem.Slug == ProblemTypes.StaleToken.Slug ? false : throw new ConsensusException(result.Problem));
    }

    private static async IAsyncEnumerable<KeyChanges> ChangesAsync(
        IAsyncEnumerable<WatchMessage> messages, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var message in messages.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            switch (message)
            {
                case WatchChanges changes:
                    yield return new KeyChanges(changes.Revision, [.. changes.Events.Select(KeyChange.Of)]);
                    break;
                case WatchCompacted compacted:
                    throw new WatchCompactedException(compacted.CompactRevision);
                default:
                    break;
            }
        }
    }

    private static ConditionalWrite Unmet(ApiProblem problem) => problem.Slug == ProblemTypes.PreconditionFailed.Slug
        ? new ConditionalWrite(false, problem.Document?.Revision ?? 0)
        : throw new ConsensusException(problem);
}
