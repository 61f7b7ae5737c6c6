using System.Text;
using Consensus.Api;
using Consensus.Api.Elections;
using Consensus.Api.Fences;
using Consensus.Api.Leases;
using Consensus.Api.Locks;
using Consensus.Api.Semaphores;
using Consensus.Client.Testing.Store;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Client.Testing.Api;

internal sealed partial class InMemoryApi
{
    public Task<ApiResult<LockGrantAnswer>> AcquireLockAsync(LockWish wish, RequestIdentity identity, CancellationToken cancellationToken)
    {
        var terms = new Terms(wish.Owner, wish.Ttl, wish.Lease, wish.Wait, wish.LockDelay, wish.MaxHold, wish.Metadata);
        var badTerms = terms.Refuse(out var lease);
        var refusal = Checks.Name(wish.Name, "lock name", out var name) ?? badTerms;
        return ExecuteAsync(
            refusal,
            () => terms.ToCommand(ObjectName.Lock(name), lease) with { Mode = wish.Shared ? LockMode.Shared : LockMode.Exclusive },
            outcome => outcome is HoldGranted granted ? LockShapes.Of(granted, store.Now, store.ClusterId) : null,
            cancellationToken,
            identity);
    }

    public Task<ApiResult<MultiLockAnswer>> AcquireLocksAsync(MultiLockWish wish, RequestIdentity identity, CancellationToken cancellationToken)
    {
        var terms = new Terms(wish.Owner, wish.Ttl, wish.Lease, wish.Wait, wish.LockDelay, wish.MaxHold, wish.Metadata);
        var refusal = terms.Refuse(out var lease);
        var names = new List<Key>();
        foreach (var text in wish.Names)
        {
            refusal ??= Checks.Name(text, "lock name", out _);
            names.Add(Key.FromText(text));
        }
        if (names.Count is 0 or > ApiLimits.MaxMultiLockNames)
        {
            refusal ??= Refusals.BadRequest($"the field \"names\" names 1 to {ApiLimits.MaxMultiLockNames} locks");
        }
        return ExecuteAsync(
            refusal,
            () => new AcquireManyCommand([.. names], wish.Owner, terms.TtlMicros, lease.IsNone ? InMemoryStore.NewLeaseId() : LeaseId.None, lease)
            {
                WaitMicros = Checks.Micros(wish.Wait),
                LockDelayMicros = terms.LockDelayMicros,
                MaxHoldMicros = terms.MaxHoldMicros,
                Metadata = terms.MetadataBytes,
            },
            outcome => outcome is ManyGranted granted ? LockShapes.Of(granted, store.Now, store.ClusterId) : null,
            cancellationToken,
            identity);
    }

    public Task<ApiResult<SemaphoreGrantAnswer>> AcquireSemaphoreAsync(SemaphoreWish wish, RequestIdentity identity, CancellationToken cancellationToken)
    {
        var terms = new Terms(wish.Owner, wish.Ttl, wish.Lease, wish.Wait, wish.LockDelay, wish.MaxHold, wish.Metadata);
        var badTerms = terms.Refuse(out var lease);
        var refusal = Checks.Name(wish.Name, "semaphore name", out var name) ?? badTerms;
        if (wish.Permits is < 1 or > ApiLimits.MaxPermits || wish.Count < 1 || wish.Count > wish.Permits)
        {
            refusal ??= Refusals.BadRequest($"the fields \"permits\" and \"count\" are {wish.Permits} and {wish.Count}");
        }
        return ExecuteAsync(
            refusal,
            () => terms.ToCommand(ObjectName.Semaphore(name), lease) with { Permits = wish.Permits, Count = wish.Count },
            outcome => outcome is HoldGranted granted ? SemaphoreShapes.Of(granted, store.Now, store.ClusterId) : null,
            cancellationToken,
            identity);
    }

    public Task<ApiResult<ElectedAnswer>> CampaignAsync(CampaignWish wish, RequestIdentity identity, CancellationToken cancellationToken)
    {
        var terms = new Terms(wish.Candidate, wish.Ttl, wish.Lease, wish.Wait, wish.LockDelay, wish.MaxHold, wish.Metadata);
        var value = wish.Value ?? "";
        var badTerms = terms.Refuse(out var lease);
        var refusal = Checks.Name(wish.Name, "election name", out var name) ?? badTerms ?? Checks.Text(value);
        return ExecuteAsync(
            refusal,
            () => terms.ToCommand(ObjectName.Election(name), lease) with { Value = Encoding.UTF8.GetBytes(value) },
            outcome => outcome is HoldGranted granted ? ElectionShapes.Of(granted, store.Now, store.ClusterId) : null,
            cancellationToken,
            identity);
    }

    public Task<ApiResult<LeadershipAnswer>> ProclaimAsync(string name, long fencingToken, string value, CancellationToken cancellationToken) => ExecuteAsync(
        Checks.Text(value),
        () => new RenewHoldCommand(Key.FromText(name), new FencingToken(fencingToken)) { Space = HoldSpace.Election, Value = Encoding.UTF8.GetBytes(value) },
        outcome => outcome is HoldRenewed renewed ? ElectionShapes.Of(renewed, store.Now, store.ClusterId) : null,
        cancellationToken);

    public HoldRenewal RenewLockOnce(string name, long fencingToken, TimeSpan timeout, CancellationToken cancellationToken) =>
        RenewHold(HoldSpace.Lock, name, fencingToken);

    public HoldRenewal RenewSemaphoreOnce(string name, long fencingToken, TimeSpan timeout, CancellationToken cancellationToken) =>
        RenewHold(HoldSpace.Semaphore, name, fencingToken);

    public HoldRenewal RenewLeadershipOnce(string name, long fencingToken, TimeSpan timeout, CancellationToken cancellationToken) =>
        RenewHold(HoldSpace.Election, name, fencingToken);

    public Task<ApiResult<EmptyAnswer>> ReleaseLockAsync(string name, long fencingToken, CancellationToken cancellationToken) =>
        ReleaseAsync(HoldSpace.Lock, name, fencingToken, cancellationToken);

    public Task<ApiResult<EmptyAnswer>> ReleaseSemaphoreAsync(string name, long fencingToken, CancellationToken cancellationToken) =>
        ReleaseAsync(HoldSpace.Semaphore, name, fencingToken, cancellationToken);

    public Task<ApiResult<EmptyAnswer>> ResignAsync(string name, long fencingToken, CancellationToken cancellationToken) =>
        ReleaseAsync(HoldSpace.Election, name, fencingToken, cancellationToken);

    public Task<ApiResult<HandOverAnswer>> HandOverLockAsync(string name, long fencingToken, string to, CancellationToken cancellationToken) =>
        HandOverAsync(HoldSpace.Lock, name, fencingToken, to, cancellationToken);

    public Task<ApiResult<HandOverAnswer>> HandOverLeadershipAsync(string name, long fencingToken, string to, CancellationToken cancellationToken) =>
        HandOverAsync(HoldSpace.Election, name, fencingToken, to, cancellationToken);

    public Task<ApiResult<LockAnswer>> GetLockAsync(string name, ReadOptions? read, CancellationToken cancellationToken) => ReadAsync(
        Checks.Name(name, "lock name", out var key),
        read,
        view => ApiResult<LockAnswer>.Of(LockShapes.Of(view.GetObject(ObjectName.Lock(key)), store.Now), ""),
        cancellationToken);

    public Task<ApiResult<PermitsChangedAnswer>> ChangePermitsAsync(string name, long permits, CancellationToken cancellationToken)
    {
        var refusal = Checks.Name(name, "semaphore name", out var key);
        if (permits is < 1 or > ApiLimits.MaxPermits)
        {
            refusal ??= Refusals.BadRequest($"the field \"permits\" is {permits}");
        }
        return ExecuteAsync(
            refusal,
            () => new ChangePermitsCommand(key, permits),
            outcome => outcome is PermitsChanged changed ? new PermitsChangedAnswer(name, changed.Permits, changed.Out, changed.Revision.Value) : null,
            cancellationToken);
    }

    public Task<ApiResult<SemaphoreAnswer>> GetSemaphoreAsync(string name, ReadOptions? read, CancellationToken cancellationToken) => ReadAsync(
        Checks.Name(name, "semaphore name", out var key),
        read,
        view => ApiResult<SemaphoreAnswer>.Of(SemaphoreShapes.Of(view.GetObject(ObjectName.Semaphore(key)), store.Now), ""),
        cancellationToken);

    public Task<ApiResult<ElectionAnswer>> GetElectionAsync(string name, ReadOptions? read, CancellationToken cancellationToken) => ReadAsync(
        Checks.Name(name, "election name", out var key),
        read,
        view => view.GetObject(ObjectName.Election(key)) is var info && (info.Holder is not null || info.WaiterCount > 0)
            ? ApiResult<ElectionAnswer>.Of(ElectionShapes.Of(info, store.Now), "")
            : ApiResult<ElectionAnswer>.Failed(Refusals.NotFound($"nobody leads \"{name}\", and nobody stands for it")),
        cancellationToken);

    public Task<ApiResult<LeaseAnswer>> GrantLeaseAsync(TimeSpan ttl, RequestIdentity identity, CancellationToken cancellationToken) =>
        GrantAsync(ttl, false, identity, cancellationToken);

    public async Task<ApiResult<LeaseRevokedAnswer>> RevokeLeaseAsync(string lease, CancellationToken cancellationToken)
    {
        _ = LeaseId.TryParse(lease, out var id);
        var result = await ExecuteAsync(
            null,
            () => new RevokeLeaseCommand(id) { By = "a client of this store" },
            outcome => outcome is LeaseRevoked revoked ? new LeaseRevokedAnswer(lease, revoked.KeysDeleted, revoked.LocksFreed, revoked.Revision.Value) : null,
            cancellationToken).ConfigureAwait(false);
        // Unlike its use, the end of a lease that is gone asks for nothing that it could not have: 404 (rule 22).
        return result is { Succeeded: false, Problem.Status: 410 } ? ApiResult<LeaseRevokedAnswer>.Failed(Refusals.NotFound($"there is no lease {lease}")) : result;
    }

    public Task<ApiResult<FenceAnswer>> PassFenceAsync(string resource, long fencingToken, CancellationToken cancellationToken)
    {
        var refusal = Checks.Name(resource, "resource name", out var name) ?? (fencingToken < 1 ? Refusals.BadRequest("the field \"fencingToken\" is below 1") : null);
        return ExecuteAsync(
            refusal,
            () => new FenceCommand(name, new FencingToken(fencingToken)),
            outcome => outcome is FencePassed passed ? new FenceAnswer(resource, passed.Highest.Value) : null,
            cancellationToken);
    }

    public Task<ApiResult<FenceAnswer>> GetFenceAsync(string resource, ReadOptions? read, CancellationToken cancellationToken) => ReadAsync(
        Checks.Name(resource, "resource name", out var name),
        read,
        view => view.GetFence(name) is { } highest
            ? ApiResult<FenceAnswer>.Of(new FenceAnswer(resource, highest.Value), "")
            : ApiResult<FenceAnswer>.Failed(Refusals.NotFound($"no token was passed for \"{resource}\"")),
        cancellationToken);

    private HoldRenewal RenewHold(HoldSpace space, string name, long fencingToken)
    {
        var token = new FencingToken(fencingToken);
        return Renew(
            () => store.Apply(new RenewHoldCommand(Key.FromText(name), token) { Space = space }),
            outcome => outcome is HoldRenewed { Hold: var hold } ? hold.TtlMicros : null,
            Refusals.Of);
    }

    private Task<ApiResult<EmptyAnswer>> ReleaseAsync(HoldSpace space, string name, long fencingToken, CancellationToken cancellationToken) => ExecuteAsync(
        null,
        () => new ReleaseHoldCommand(Key.FromText(name), new FencingToken(fencingToken), Force: false) { Space = space },
        outcome => outcome is HoldReleased ? new EmptyAnswer() : null,
        cancellationToken);

    private Task<ApiResult<HandOverAnswer>> HandOverAsync(HoldSpace space, string name, long fencingToken, string to, CancellationToken cancellationToken) => ExecuteAsync(
        Checks.Owner(to),
        () => new HandOverCommand(Key.FromText(name), new FencingToken(fencingToken), to) { Space = space },
        outcome => outcome is HandedOver handed ? new HandOverAnswer(name, handed.Hold.Owner, handed.Hold.Token.Value, handed.Revision.Value) : null,
        cancellationToken);
}
