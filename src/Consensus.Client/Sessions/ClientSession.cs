using Consensus.Api.Leases;
using Consensus.Client.Holding;

namespace Consensus.Client.Sessions;

/// <summary>
/// One session of a client: the numbers of its writes, what is held under it, and the one renewal that keeps all of it and tells what
/// happened to it. It is never opened again: what was asked under it is not sent under another one (rule 21).
/// </summary>
internal sealed class ClientSession
{
    /// <summary>More answers than it takes to list all that a lease carries.</summary>
    private const int MostPages = 10_000;

    /// <summary>Of the first hold or place that began.</summary>
    private const long FirstVersion = 1;

    private readonly IConsensusApi _api;
    private readonly Withdrawals _withdrawals;

    /// <summary>The version of the last news; of the renewals, which come one after the other.</summary>
    private long _version;

    private volatile bool _mustList;

    /// <param name="sentAt">When the request for it was first sent, by the keeper's clock.</param>
    public ClientSession(LeaseAnswer granted, TimeSpan sentAt, IConsensusApi api, HoldKeeper keeper, Withdrawals withdrawals)
    {
        (_api, _withdrawals, Id) = (api, withdrawals, granted.Id);
        var schedule = new LeaseSchedule(TimeSpan.FromMilliseconds(granted.TtlMs), TimeSpan.Zero);
        Lease = new KeptHold(schedule, sentAt, TimeSpan.Zero, keeper.ToUtc, Renew) { IsSession = true };
        Numbers = new SessionNumbers(granted.Id, why => keeper.EndByCluster(Lease, why), Settle);
        Holds = new SessionHolds(keeper, GiveBack);
    }

    /// <summary>Hexadecimal.</summary>
    public string Id { get; }

    /// <summary>The session as the keeper keeps it: as long as it is safe, what is held under it is, but for margins.</summary>
    public KeptHold Lease { get; }

    public SessionNumbers Numbers { get; }

    public SessionHolds Holds { get; }

    /// <summary>
    /// Finds out in the background what came of a number whose answer nobody waits for any more, and gives back what it was granted; what
    /// was not done is never done then.
    /// </summary>
    private void Settle(long number)
    {
        if (Lease.IsEndedByCluster)
        {
            // It is over, with all that the number can have been granted.
            Numbers.Close(number);
            return;
        }
        _withdrawals.Begin((hurried, cancellation) => SettleOnceAsync(hurried, number, cancellation), _ =>
        {
            // Settled or not, it is acknowledged: what arrives now is too late, and what was granted comes with the news.
            Numbers.Close(number);
            _mustList = true;
        });
    }

    private async Task<WithdrawalOutcome> SettleOnceAsync(IConsensusApi hurried, long number, CancellationToken cancellationToken)
    {
        var result = await hurried.SettleAsync(Id, number, cancellationToken).ConfigureAwait(false);
        foreach (var hold in result.Value?.Holds ?? [])
        {
            Holds.Disown(new HeldPart(new HoldName(hold.Kind, hold.Name), hold.FencingToken));
        }
        return Withdrawals.Of(result.Problem);
    }

    private void GiveBack(HeldPart part, Action<bool> ended) =>
        _withdrawals.Begin(part.GiveBackAsync, ended);

    /// <summary>
    /// Renews the session, and takes in what happened under it before anything counts as safe for longer: an answer whose news cannot be
    /// had renews nothing. Blocks the calling thread.
    /// </summary>
    private HoldRenewal Renew(TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (Holds.TakeMustList() || _mustList)
        {
            (_mustList, _version) = (false, 0);
        }
        var renewal = Renew(_version, timeout, cancellationToken, out var mustList);
        if (mustList)
        {
            _version = 0;
            renewal = Renew(0, timeout, cancellationToken, out _);
        }
        return renewal;
    }

    private HoldRenewal Renew(long since, TimeSpan timeout, CancellationToken cancellationToken, out bool mustList)
    {
        var askedAt = Holds.Moment;
        var (renewal, news) = _api.KeepSessionAliveOnce(Id, since, null, timeout, cancellationToken);
        mustList = news is { MustList: true } && since != 0;
        if (news is null || mustList)
        {
            return renewal;
        }
        var began = news.Began;
        var next = news.Next;
        for (var pages = 1; next is { } after && pages < MostPages; pages++)
        {
            var (more, page) = _api.KeepSessionAliveOnce(Id, since, after, timeout, cancellationToken);
            if (page is null)
            {
                return more;
            }
            began = [.. began, .. page.Began];
            next = page.Next;
        }
        var ended = news.Ended;
        if (since == 0 && Holds.IsMissingIn(began, askedAt))
        {
            // A whole list does not say why. Nothing can have ended before the second version, so that this asks for all the ends that are
            // remembered.
            ended = _api.KeepSessionAliveOnce(Id, FirstVersion, null, timeout, cancellationToken).News?.Ended ?? ended;
        }
        foreach (var number in Holds.Take(ended, began, since == 0, askedAt, Numbers))
        {
            Settle(number);
        }
        _version = news.Version;
        return renewal;
    }
}
