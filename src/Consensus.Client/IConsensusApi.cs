using Consensus.Api.Elections;
using Consensus.Api.Fences;
using Consensus.Api.KeyValue;
using Consensus.Api.Leases;
using Consensus.Api.Locks;
using Consensus.Api.Requests;
using Consensus.Api.Semaphores;
using Consensus.Api.Transactions;
using Consensus.Client.Sessions;

namespace Consensus.Client;

/// <summary>
/// What <see cref="ConsensusClient"/> needs of the API: <see cref="ConsensusApiClient"/> is the real one, and the fake for users' tests answers out of the same state
/// machine without a network. What each method does is said there; what grants something is asked under an identity, so that it can be asked again and withdrawn. Renewals block the calling
/// thread.
/// </summary>
internal interface IConsensusApi : IDisposable
{
    /// <summary>The same with the same connections, as one whose write is sent under that identity: one operation.</summary>
    IConsensusApi Under(RequestIdentity identity);

    /// <summary>
    /// The same, as one that asks several members at once: for what takes something back, while nobody has time for a member that is
    /// silent.
    /// </summary>
    IConsensusApi Hurried { get; }

    Task<ApiResult<KeyAnswer>> GetKeyAsync(string key, ReadOptions? read, CancellationToken cancellationToken);

    Task<ApiResult<KeyAnswer>> PutKeyAsync(string key, ReadOnlyMemory<byte> value, KeyPutOptions? options, CancellationToken cancellationToken);

    Task<ApiResult<KeysDeletedAnswer>> DeleteKeyAsync(string key, long? ifRevision, CancellationToken cancellationToken);

    Task<ApiResult<KeysDeletedAnswer>> DeleteKeysAsync(string prefix, CancellationToken cancellationToken);

    Task<ApiResult<KeyListAnswer>> ListKeysAsync(KeyListQuery query, CancellationToken cancellationToken);

    Task<ApiResult<TxnAnswer>> TxnAsync(TxnRequest transaction, CancellationToken cancellationToken);

    IAsyncEnumerable<WatchMessage> WatchKeyAsync(string key, WatchOptions? options, CancellationToken cancellationToken);

    IAsyncEnumerable<WatchMessage> WatchKeysAsync(string prefix, WatchOptions? options, CancellationToken cancellationToken);

    IAsyncEnumerable<WatchMessage> WatchLockAsync(string name, CancellationToken cancellationToken);

    IAsyncEnumerable<WatchMessage> WatchSemaphoreAsync(string name, CancellationToken cancellationToken);

    IAsyncEnumerable<WatchMessage> WatchElectionAsync(string name, WatchOptions? options, CancellationToken cancellationToken);

    Task<ApiResult<LeaseAnswer>> GrantLeaseAsync(TimeSpan ttl, RequestIdentity identity, CancellationToken cancellationToken);

    Task<ApiResult<LeaseAnswer>> GrantSessionAsync(TimeSpan ttl, RequestIdentity identity, CancellationToken cancellationToken);

    /// <param name="after">Where to go on with what began.</param>
    SessionRenewal KeepSessionAliveOnce(string session, long since, long? after, TimeSpan timeout, CancellationToken cancellationToken);

    Task<ApiResult<SettleAnswer>> SettleAsync(string session, long seq, CancellationToken cancellationToken);

    Task<ApiResult<LeaseRevokedAnswer>> RevokeLeaseAsync(string lease, CancellationToken cancellationToken);

    HoldRenewal KeepLeaseAliveOnce(string lease, TimeSpan timeout, CancellationToken cancellationToken);

    Task<ApiResult<LockGrantAnswer>> AcquireLockAsync(LockWish wish, RequestIdentity identity, CancellationToken cancellationToken);

    Task<ApiResult<MultiLockAnswer>> AcquireLocksAsync(MultiLockWish wish, RequestIdentity identity, CancellationToken cancellationToken);

    HoldRenewal RenewLockOnce(string name, long fencingToken, TimeSpan timeout, CancellationToken cancellationToken);

    Task<ApiResult<EmptyAnswer>> ReleaseLockAsync(string name, long fencingToken, CancellationToken cancellationToken);

    Task<ApiResult<HandOverAnswer>> HandOverLockAsync(string name, long fencingToken, string to, CancellationToken cancellationToken);

    Task<ApiResult<LockAnswer>> GetLockAsync(string name, ReadOptions? read, CancellationToken cancellationToken);

    Task<ApiResult<SemaphoreGrantAnswer>> AcquireSemaphoreAsync(SemaphoreWish wish, RequestIdentity identity, CancellationToken cancellationToken);

    HoldRenewal RenewSemaphoreOnce(string name, long fencingToken, TimeSpan timeout, CancellationToken cancellationToken);

    Task<ApiResult<EmptyAnswer>> ReleaseSemaphoreAsync(string name, long fencingToken, CancellationToken cancellationToken);

    Task<ApiResult<PermitsChangedAnswer>> ChangePermitsAsync(string name, long permits, CancellationToken cancellationToken);

    Task<ApiResult<SemaphoreAnswer>> GetSemaphoreAsync(string name, ReadOptions? read, CancellationToken cancellationToken);

    Task<ApiResult<ElectedAnswer>> CampaignAsync(CampaignWish wish, RequestIdentity identity, CancellationToken cancellationToken);

    HoldRenewal RenewLeadershipOnce(string name, long fencingToken, TimeSpan timeout, CancellationToken cancellationToken);

    Task<ApiResult<LeadershipAnswer>> ProclaimAsync(string name, long fencingToken, string value, CancellationToken cancellationToken);

    Task<ApiResult<EmptyAnswer>> ResignAsync(string name, long fencingToken, CancellationToken cancellationToken);

    Task<ApiResult<HandOverAnswer>> HandOverLeadershipAsync(string name, long fencingToken, string to, CancellationToken cancellationToken);

    Task<ApiResult<ElectionAnswer>> GetElectionAsync(string name, ReadOptions? read, CancellationToken cancellationToken);

    Task<ApiResult<WithdrawAnswer>> WithdrawAsync(string idempotencyKey, CancellationToken cancellationToken);

    Task<ApiResult<FenceAnswer>> PassFenceAsync(string resource, long fencingToken, CancellationToken cancellationToken);

    Task<ApiResult<FenceAnswer>> GetFenceAsync(string resource, ReadOptions? read, CancellationToken cancellationToken);
}
