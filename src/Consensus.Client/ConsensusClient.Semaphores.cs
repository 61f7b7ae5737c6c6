using System.Runtime.CompilerServices;
using Consensus.Api.Semaphores;
using Consensus.Client.Holding;

namespace Consensus.Client;

public sealed partial class ConsensusClient
{
    /// <inheritdoc/>
    public async Task<SemaphoreHandle> AcquireSemaphoreAsync(
        string name, long permits, SemaphoreOptions? options = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var (grant, hold) = await AcquireAsync(SemaphoreOrder(name, permits, options ?? new SemaphoreOptions()), timeout, cancellationToken)
            .ConfigureAwait(false);
        return new SemaphoreHandle(_api, _keeper, grant, hold);
    }

    /// <inheritdoc/>
    public async Task<SemaphoreHandle?> TryAcquireSemaphoreAsync(
        string name, long permits, SemaphoreOptions? options = null, TimeSpan timeout = default, CancellationToken cancellationToken = default)
    {
        var taken = await TryAcquireAsync(SemaphoreOrder(name, permits, options ?? new SemaphoreOptions()), timeout, cancellationToken)
            .ConfigureAwait(false);
        return taken is { } got ? new SemaphoreHandle(_api, _keeper, got.Grant, got.Hold) : null;
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
        return Value(await _api.ChangePermitsAsync(name, permits, cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public async Task<SemaphoreAnswer> GetSemaphoreAsync(string name, CancellationToken cancellationToken = default)
    {
        WellFormed.Name(name);
        return Value(await _api.GetSemaphoreAsync(name, null, cancellationToken).ConfigureAwait(false));
    }

    private HoldOrder<SemaphoreGrantAnswer> SemaphoreOrder(string name, long permits, SemaphoreOptions options)
    {
        WellFormed.Name(name);
        WellFormed.Options(options);
        var wish = new SemaphoreWish(name, options.Owner ?? _clientName, permits)
        {
            Count = options.Count,
            Ttl = options.Ttl,
            LockDelay = options.LockDelay,
            MaxHold = options.MaxHold,
            Metadata = options.Metadata,
        };
        return new HoldOrder<SemaphoreGrantAnswer>
        {
            What = $"semaphore '{name}'",
            Kind = "semaphore",
            Margin = LeaseSchedule.Checked(options.SafetyMargin, options.Ttl, options.MaxHold),
            MaxHold = options.MaxHold,
            Ask = (wait, identity, cancellation) => _api.AcquireSemaphoreAsync(wish with { Wait = wait }, identity, cancellation),
            Times = grant => GrantTimes.OfMs(grant.TtlMs, grant.WaitedMs),
            Renew = grant => (timeout, cancellation) => _api.RenewSemaphoreOnce(name, grant.FencingToken, timeout, cancellation),
            GiveBack = async (grant, cancellation) =>
                Withdrawals.IsSettled((await _api.ReleaseSemaphoreAsync(name, grant.FencingToken, cancellation).ConfigureAwait(false)).Problem),
        };
    }
}
