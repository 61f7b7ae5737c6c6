using Consensus.Api.Elections;
using Consensus.Api.Locks;
using Consensus.Api.Semaphores;
using Consensus.Client.Sessions;

namespace Consensus.Client.Holding;

/// <summary>How each kind of hold is asked for, kept and given back.</summary>
/// <param name="clientName">As whom it is held unless the options say otherwise.</param>
internal sealed class HoldOrders(IConsensusApi api, string clientName)
{
    public HoldOrder<LockGrantAnswer> Lock(string name, LockOptions options)
    {
        WellFormed.Name(name);
        WellFormed.Options(options);
        var of = HoldName.Lock(name);
        var wish = new LockWish(name, options.Owner ?? clientName)
        {
            Shared = options.Shared,
            LockDelay = options.LockDelay,
            MaxHold = options.MaxHold,
            Metadata = options.Metadata,
        };
        return One<LockGrantAnswer>(
            of,
            $"lock '{name}'",
            options,
            grant => grant.FencingToken,
            grant => GrantTimes.OfMs(grant.TtlMs, grant.WaitedMs),
            (question, ttl, lease, cancellation) =>
                api.AcquireLockAsync(wish with { Wait = question.Wait, Ttl = ttl, Lease = lease }, question.Identity, cancellation),
            (token, timeout, cancellation) => api.RenewLockOnce(of.Name, token, timeout, cancellation));
    }

    public HoldOrder<MultiLockAnswer> MultiLock(IReadOnlyList<string> names, MultiLockOptions options)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentOutOfRangeException.ThrowIfZero(names.Count, nameof(names));
        foreach (var name in names)
        {
            WellFormed.Text(name, nameof(names));
        }
        WellFormed.Options(options);
        var wish = new MultiLockWish([.. names], options.Owner ?? clientName)
        {
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
            Ttl = options.Ttl,
            Watch = options.Watch,
            Names = [.. wish.Names.Select(HoldName.Lock)],
            Parts = grant => [.. grant.Locks.Select(item => new HeldPart(HoldName.Lock(item.Name), item.FencingToken))],
            Ask = (question, cancellation) =>
            {
                var (ttl, lease) = question.LeaseOf(options.Ttl);
                return api.AcquireLocksAsync(wish with { Wait = question.Wait, Ttl = ttl, Lease = lease }, question.Identity, cancellation);
            },
            Times = grant => GrantTimes.OfMs(grant.TtlMs, grant.WaitedMs),
            Renew = grant => RenewInTurn(grant),
            GiveBack = async (grant, hurried, cancellation) => Array.TrueForAll(
                await Task.WhenAll(grant.Locks.Select(item =>
                    hurried.ReleaseLockAsync(item.Name, item.FencingToken, cancellation))).ConfigureAwait(false),
                result => Withdrawals.IsSettled(result.Problem)) ? WithdrawalOutcome.Settled : WithdrawalOutcome.Again,
        };
    }

    public HoldOrder<SemaphoreGrantAnswer> Semaphore(string name, long permits, SemaphoreOptions options)
    {
        WellFormed.Name(name);
        WellFormed.Options(options);
        var of = HoldName.Semaphore(name);
        var wish = new SemaphoreWish(name, options.Owner ?? clientName, permits)
        {
            Count = options.Count,
            LockDelay = options.LockDelay,
            MaxHold = options.MaxHold,
            Metadata = options.Metadata,
        };
        return One<SemaphoreGrantAnswer>(
            of,
            $"semaphore '{name}'",
            options,
            grant => grant.FencingToken,
            grant => GrantTimes.OfMs(grant.TtlMs, grant.WaitedMs),
            (question, ttl, lease, cancellation) =>
                api.AcquireSemaphoreAsync(wish with { Wait = question.Wait, Ttl = ttl, Lease = lease }, question.Identity, cancellation),
            (token, timeout, cancellation) => api.RenewSemaphoreOnce(of.Name, token, timeout, cancellation));
    }

    public HoldOrder<ElectedAnswer> Election(string election, CampaignOptions options)
    {
        WellFormed.Name(election);
        WellFormed.Options(options);
        WellFormed.Text(options.Value);
        var of = HoldName.Election(election);
        var wish = new CampaignWish(election, options.Owner ?? clientName)
        {
            Value = options.Value,
            LockDelay = options.LockDelay,
            MaxHold = options.MaxHold,
            Metadata = options.Metadata,
        };
        return One<ElectedAnswer>(
            of,
            $"the leadership of '{election}'",
            options,
            grant => grant.FencingToken,
            grant => GrantTimes.OfMs(grant.TtlMs, grant.WaitedMs),
            (question, ttl, lease, cancellation) =>
                api.CampaignAsync(wish with { Wait = question.Wait, Ttl = ttl, Lease = lease }, question.Identity, cancellation),
            (token, timeout, cancellation) => api.RenewLeadershipOnce(of.Name, token, timeout, cancellation));
    }

    /// <summary>Of one object.</summary>
    private HoldOrder<TGrant> One<TGrant>(
        HoldName of,
        string what,
        HoldOptions options,
        Func<TGrant, long> token,
        Func<TGrant, GrantTimes> times,
        Func<HoldQuestion, TimeSpan?, string?, CancellationToken, Task<ApiResult<TGrant>>> ask,
        Func<long, TimeSpan, CancellationToken, HoldRenewal> renew) => new()
        {
            What = what,
            Kind = of.Kind,
            Margin = LeaseSchedule.Checked(options.SafetyMargin, options.Ttl, options.MaxHold),
            MaxHold = options.MaxHold,
            Ttl = options.Ttl,
            Watch = options.Watch,
            Names = [of],
            Parts = grant => [new HeldPart(of, token(grant))],
            Ask = (question, cancellation) =>
            {
                var (ttl, lease) = question.LeaseOf(options.Ttl);
                return ask(question, ttl, lease, cancellation);
            },
            Times = times,
            Renew = grant => (timeout, cancellation) => renew(token(grant), timeout, cancellation),
            GiveBack = (grant, hurried, cancellation) => new HeldPart(of, token(grant)).GiveBackAsync(hurried, cancellation),
        };

    /// <summary>
    /// Any of the tokens renews the one lease of all; each renewal takes the next one, so that a single lock that was broken by force is noticed too.
    /// </summary>
    private RenewOnce RenewInTurn(MultiLockAnswer grant)
    {
        var turn = 0;
        return (timeout, cancellation) =>
        {
            var item = grant.Locks[turn++ % grant.Locks.Count];
            return api.RenewLockOnce(item.Name, item.FencingToken, timeout, cancellation);
        };
    }
}
