using System.Runtime.CompilerServices;
using Consensus.Api.Locks;
using Consensus.Client.Holding;

namespace Consensus.Client;

public sealed partial class ConsensusClient
{
    /// <inheritdoc/>
    public async Task<LockHandle> AcquireLockAsync(
        string name, LockOptions? options = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var (grant, hold) = await AcquireAsync(LockOrder(name, options ?? new LockOptions()), timeout, cancellationToken).ConfigureAwait(false);
        return new LockHandle(_api, _keeper, grant, hold);
    }

    /// <inheritdoc/>
    public async Task<LockHandle?> TryAcquireLockAsync(
        string name, LockOptions? options = null, TimeSpan timeout = default, CancellationToken cancellationToken = default)
    {
        var taken = await TryAcquireAsync(LockOrder(name, options ?? new LockOptions()), timeout, cancellationToken).ConfigureAwait(false);
        return taken is { } got ? new LockHandle(_api, _keeper, got.Grant, got.Hold) : null;
    }

    /// <inheritdoc/>
    public async Task<MultiLockHandle> AcquireLocksAsync(
        IReadOnlyList<string> names, MultiLockOptions? options = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var (grant, hold) = await AcquireAsync(MultiLockOrder(names, options ?? new MultiLockOptions()), timeout, cancellationToken).ConfigureAwait(false);
        return new MultiLockHandle(_api, _keeper, grant, hold);
    }

    /// <inheritdoc/>
    public async Task<MultiLockHandle?> TryAcquireLocksAsync(
        IReadOnlyList<string> names, MultiLockOptions? options = null, TimeSpan timeout = default, CancellationToken cancellationToken = default)
    {
        var taken = await TryAcquireAsync(MultiLockOrder(names, options ?? new MultiLockOptions()), timeout, cancellationToken).ConfigureAwait(false);
        return taken is { } got ? new MultiLockHandle(_api, _keeper, got.Grant, got.Hold) : null;
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

    private HoldOrder<LockGrantAnswer> LockOrder(string name, LockOptions options)
    {
        WellFormed.Name(name);
        WellFormed.Options(options);
        var wish = new LockWish(name, options.Owner ?? _clientName)
        {
            Ttl = options.Ttl,
            Shared = options.Shared,
            LockDelay = options.LockDelay,
            MaxHold = options.MaxHold,
            Metadata = options.Metadata,
        };
        return new HoldOrder<LockGrantAnswer>
        {
            What = $"lock '{name}'",
            Kind = "lock",
            Margin = LeaseSchedule.Checked(options.SafetyMargin, options.Ttl, options.MaxHold),
            MaxHold = options.MaxHold,
            Ask = (wait, identity, cancellation) => _api.AcquireLockAsync(wish with { Wait = wait }, identity, cancellation),
            Times = grant => GrantTimes.OfMs(grant.TtlMs, grant.WaitedMs),
            Renew = grant => (timeout, cancellation) => _api.RenewLockOnce(name, grant.FencingToken, timeout, cancellation),
            GiveBack = async (grant, cancellation) =>
                Withdrawals.IsSettled((await _api.ReleaseLockAsync(name, grant.FencingToken, cancellation).ConfigureAwait(false)).Problem),
        };
    }

    private HoldOrder<MultiLockAnswer> MultiLockOrder(IReadOnlyList<string> names, MultiLockOptions options)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentOutOfRangeException.ThrowIfZero(names.Count, nameof(names));
        foreach (var name in names)
        {
            WellFormed.Text(name, nameof(names));
        }
        WellFormed.Options(options);
        var wish = new MultiLockWish([.. names], options.Owner ?? _clientName)
        {
            Ttl = options.Ttl,
            LockDelay = options.LockDelay,
            MaxHold = options.MaxHold,
            Metadata = options.Metadata,
        };
        return new HoldOrder<MultiLockAnswer>
        {
            What = $"locks {string.Join(", ", names.Select(name => $"'{name}'"))}",
            Kind = "multilock",
            Margin = LeaseSchedule.Checked(options.SafetyMargin, options.Ttl, options.MaxHold),
            MaxHold = options.MaxHold,
            Ask = (wait, identity, cancellation) => _api.AcquireLocksAsync(wish with { Wait = wait }, identity, cancellation),
            Times = grant => GrantTimes.OfMs(grant.TtlMs, grant.WaitedMs),
            Renew = grant => RenewInTurn(grant),
            GiveBack = async (grant, cancellation) => Array.TrueForAll(
                await Task.WhenAll(grant.Locks.Select(item => _api.ReleaseLockAsync(item.Name, item.FencingToken, cancellation))).ConfigureAwait(false),
                result => Withdrawals.IsSettled(result.Problem)),
        };
    }

    /// <summary>
    /// Any of the tokens renews the one lease of all; each renewal takes the next one, so that a single lock that was broken by force is noticed too.
    /// </summary>
    private RenewOnce RenewInTurn(MultiLockAnswer grant)
    {
        var turn = 0;
        return (timeout, cancellation) =>
        {
            var item = grant.Locks[turn++ % grant.Locks.Count];
            return _api.RenewLockOnce(item.Name, item.FencingToken, timeout, cancellation);
        };
    }
}
