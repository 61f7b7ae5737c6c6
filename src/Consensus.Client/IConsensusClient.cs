using Consensus.Api.Locks;
using Consensus.Api.Semaphores;
using Consensus.Api.Transactions;

namespace Consensus.Client;

/// <summary>
/// Locks, semaphores, elections, keys, leases and fences of a Consensus cluster. Whatever is held comes as a handle that is renewed until it is disposed of, and that tells
/// when it is lost. What is refused or unavailable throws <see cref="ConsensusException"/>; cancellation <see cref="OperationCanceledException"/>. Thread-safe.
/// </summary>
/// <remarks>
/// <c>Acquire…</c> waits in line, for ever unless a time-out is given, and throws <see cref="TimeoutException"/> when that is over. <c>TryAcquire…</c> does not wait unless a
/// time-out is given, and returns null where it is held by others. A time-out is kept, whatever the cluster does, and what is thrown then says what is known. Who stops waiting, by
/// cancellation, by a time-out or by disposing of the client, gives its place up, and gives back what was granted in that very moment: at once, in the background.
/// </remarks>
public interface IConsensusClient : IDisposable
{
    /// <summary>Takes a lock, waiting in line for it: exclusively, unless the options say shared.</summary>
    /// <param name="timeout">Null: for ever.</param>
    /// <exception cref="TimeoutException">It was not granted in time.</exception>
    Task<LockHandle> AcquireLockAsync(
        string name, LockOptions? options = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="AcquireLockAsync"/>; null when others hold it and the time is over.</summary>
    Task<LockHandle?> TryAcquireLockAsync(
        string name, LockOptions? options = null, TimeSpan timeout = default, CancellationToken cancellationToken = default);

    /// <summary>
    /// All the locks at once, exclusively, or none: waits in the line of each, for ever unless a time-out is given, and holds none
    /// meanwhile.
    /// </summary>
    /// <exception cref="TimeoutException">It was not granted in time.</exception>
    Task<MultiLockHandle> AcquireLocksAsync(
        IReadOnlyList<string> names, MultiLockOptions? options = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="AcquireLocksAsync"/>.</summary>
    Task<MultiLockHandle?> TryAcquireLocksAsync(
        IReadOnlyList<string> names, MultiLockOptions? options = null, TimeSpan timeout = default, CancellationToken cancellationToken = default);

    /// <summary>Who holds the lock and who waits; an unknown name is an unheld lock.</summary>
    Task<LockAnswer> GetLockAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>
    /// The lock as it is and then each time what it becomes: who holds it, how many wait, the last loss and why. What lasted for moments only may not be told. Resumes by itself, for as
    /// long as it is enumerated.
    /// </summary>
    IAsyncEnumerable<LockAnswer> ObserveLockAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Takes permits of a semaphore, waiting in line for them.</summary>
    /// <param name="permits">The limit, the same for all who use the semaphore at a time.</param>
    /// <exception cref="TimeoutException">They were not granted in time.</exception>
    Task<SemaphoreHandle> AcquireSemaphoreAsync(
        string name, long permits, SemaphoreOptions? options = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="AcquireSemaphoreAsync"/>; null when there are too few left and the time is over.</summary>
    /// <param name="permits">The limit, the same for all who use the semaphore at a time.</param>
    Task<SemaphoreHandle?> TryAcquireSemaphoreAsync(
        string name, long permits, SemaphoreOptions? options = null, TimeSpan timeout = default, CancellationToken cancellationToken = default);

    /// <summary>
    /// Changes the limit of a semaphore that is in use, for those who have permits, those who wait and those to come: whoever asks with another one is refused from then on.
    /// </summary>
    /// <param name="permits">At least 1, and at least what is held, or kept for those who lost it.</param>
    /// <exception cref="ConsensusException"><c>permits-out</c>: more are out. <c>not-found</c>: nobody uses it.</exception>
    Task<PermitsChangedAnswer> ChangePermitsAsync(string name, long permits, CancellationToken cancellationToken = default);

    /// <summary>Who holds permits and who waits; an unknown name is an unused semaphore.</summary>
    Task<SemaphoreAnswer> GetSemaphoreAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="ObserveLockAsync"/>, of a semaphore.</summary>
    IAsyncEnumerable<SemaphoreAnswer> ObserveSemaphoreAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Stands for election, and waits until elected.</summary>
    /// <exception cref="TimeoutException">It was not elected in time.</exception>
    Task<LeadershipHandle> CampaignAsync(
        string election, CampaignOptions? options = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="CampaignAsync"/>; null when another leads and the time is over.</summary>
    Task<LeadershipHandle?> TryCampaignAsync(
        string election, CampaignOptions? options = null, TimeSpan timeout = default, CancellationToken cancellationToken = default);

    /// <summary>Who leads now; its <see cref="ElectionState.Leader"/> is null when nobody does.</summary>
    Task<ElectionState> GetLeaderAsync(string election, CancellationToken cancellationToken = default);

    /// <summary>The present leader and then every change of it and of its value. Resumes by itself, for as long as it is enumerated.</summary>
    IAsyncEnumerable<ElectionState> ObserveLeaderAsync(string election, CancellationToken cancellationToken = default);

    /// <summary>A lease that is kept alive until it is disposed of: keys that are put with its <see cref="LeaseHandle.Id"/> go with it.</summary>
    Task<LeaseHandle> GrantLeaseAsync(TimeSpan ttl, TimeSpan? safetyMargin = null, CancellationToken cancellationToken = default);

    /// <summary>A key, or null.</summary>
    Task<KeyEntry?> GetAsync(string key, ReadOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>All keys with a prefix (empty: all) as they were together at one revision, read page by page.</summary>
    Task<KeyList> ListAsync(string prefix, ReadOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Sets a key.</summary>
    /// <param name="lease">The key is deleted when this lease ends.</param>
    /// <returns>Its modRevision.</returns>
    Task<long> PutAsync(string key, ReadOnlyMemory<byte> value, string? lease = null, CancellationToken cancellationToken = default);

    /// <summary>Sets a key only if its modRevision is the expected one; 0: only if there is no such key.</summary>
    Task<ConditionalWrite> CompareAndSetAsync(
        string key, ReadOnlyMemory<byte> value, long expectedRevision, string? lease = null, CancellationToken cancellationToken = default);

    /// <summary>Deletes a key.</summary>
    /// <returns>False when there was no such key.</returns>
    Task<bool> DeleteAsync(string key, CancellationToken cancellationToken = default);

    /// <summary>Deletes a key only if its modRevision is the expected one.</summary>
    Task<ConditionalWrite> CompareAndDeleteAsync(string key, long expectedRevision, CancellationToken cancellationToken = default);

    /// <summary>Deletes all keys with a prefix in one revision; more than 10,000 are refused.</summary>
    /// <returns>How many there were.</returns>
    Task<long> DeletePrefixAsync(string prefix, CancellationToken cancellationToken = default);

    /// <summary>Compares, and does one branch or the other, in one revision.</summary>
    Task<TxnAnswer> TransactAsync(TxnRequest transaction, CancellationToken cancellationToken = default);

    /// <summary>
    /// Changes of one key, from <see cref="WatchOptions.FromRevision"/> or from now on: one item for each revision, no gap, no duplicate, in order. Resumes by itself, for as
    /// long as it is enumerated.
    /// </summary>
    /// <exception cref="WatchCompactedException">While enumerated: what comes next is no longer kept.</exception>
    IAsyncEnumerable<KeyChanges> WatchAsync(string key, WatchOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="WatchAsync"/>, of all keys with a prefix (empty: all keys).</summary>
    /// <exception cref="WatchCompactedException">While enumerated: what comes next is no longer kept.</exception>
    IAsyncEnumerable<KeyChanges> WatchPrefixAsync(string prefix, WatchOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Asks, before a write to a resource that cannot judge tokens itself, whether this token is still the highest seen. Only for tokens of exclusive holds.
    /// </summary>
    /// <returns>False when a higher one was seen: the write must not be done.</returns>
    Task<bool> PassFenceAsync(string resource, long fencingToken, CancellationToken cancellationToken = default);

    /// <summary>Returns when the cluster has answered a linearizable read: it has a leader and a majority.</summary>
    Task PingAsync(CancellationToken cancellationToken = default);
}
