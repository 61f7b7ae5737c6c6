using System.Diagnostics.CodeAnalysis;

namespace Consensus.Client.Holding;

/// <summary>Sends one renewal, blocking the calling thread.</summary>
internal delegate HoldRenewal RenewOnce(TimeSpan timeout, CancellationToken cancellationToken);

/// <summary>
/// One hold that a <see cref="HoldKeeper"/> keeps. Its mutable members belong to the keeper, under its lock; others read them as they are.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Its sources have no timers, and a token must stay usable for whoever still has it.")]
internal sealed class KeptHold
{
    private readonly CancellationTokenSource _lost = new();
    private volatile LeaseSchedule _schedule;
    private long _safeUntilTicks;
    private long _safeUntilUtcTicks;
    private volatile string? _lossReason;

    /// <param name="sentAt">When it was first asked for, by the keeper's clock.</param>
    /// <param name="waited">How long the request stood in line.</param>
    /// <param name="toUtc">The keeper's clock by the wall clock.</param>
    public KeptHold(LeaseSchedule schedule, TimeSpan sentAt, TimeSpan waited, Func<TimeSpan, DateTimeOffset> toUtc, RenewOnce renew)
    {
        _schedule = schedule;
        Renew = renew;
        LongestSafeUntil = schedule.LongestSafeUntil(sentAt, waited);
        NextRenewalAt = schedule.FirstRenewal(sentAt, waited);
        var safeUntil = Earlier(schedule.SafeUntil(sentAt, waited), LongestSafeUntil);
        (_safeUntilTicks, _safeUntilUtcTicks) = (safeUntil.Ticks, toUtc(safeUntil).UtcTicks);
    }

    public LeaseSchedule Schedule => _schedule;

    public RenewOnce Renew { get; }

    /// <summary>No renewal makes it safe for longer than this: its longest time is over then.</summary>
    public TimeSpan LongestSafeUntil { get; }

    /// <summary>Ends a renewal that is on its way.</summary>
    public CancellationTokenSource Stopping { get; } = new();

    /// <summary>By the keeper's clock. It never moves back.</summary>
    public TimeSpan SafeUntil => TimeSpan.FromTicks(Volatile.Read(ref _safeUntilTicks));

    /// <summary>The same by the wall clock, as it stood at the last renewal.</summary>
    public DateTimeOffset SafeUntilUtc => new(Volatile.Read(ref _safeUntilUtcTicks), TimeSpan.Zero);

    public TimeSpan NextRenewalAt { get; set; }

    public bool IsRenewing { get; set; }

    /// <summary>It is lost, or it was given back: no answer counts any more.</summary>
    public bool IsOver { get; set; }

    /// <summary>The cluster said that it is over: there is nothing to give back.</summary>
    public bool IsEndedByCluster { get; set; }

    /// <summary>What the last unanswered renewal met; empty when none failed since the last success.</summary>
    public string LastFailure { get; set; } = "";

    /// <summary>Why it is lost; null while it is not.</summary>
    public string? LossReason
    {
        get => _lossReason;
        set => _lossReason = value;
    }

    /// <summary>Cancelled when it is lost; never because it was given back.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>A renewal succeeded.</summary>
    /// <param name="ttl">For how long, as its answer says.</param>
    public void Extend(TimeSpan sentAt, TimeSpan ttl, Func<TimeSpan, DateTimeOffset> toUtc)
    {
        var renewed = _schedule.With(ttl);
        if (renewed.MaxHold is null)
        {
            // Else it names what is left of the longest time, towards whose end there is no reason to renew more and more often.
            _schedule = renewed;
        }
        var safeUntil = Earlier(renewed.SafeUntil(sentAt), LongestSafeUntil);
        if (safeUntil > SafeUntil)
        {
            Volatile.Write(ref _safeUntilTicks, safeUntil.Ticks);
            Volatile.Write(ref _safeUntilUtcTicks, toUtc(safeUntil).UtcTicks);
        }
        NextRenewalAt = sentAt + _schedule.RenewEvery;
        LastFailure = "";
    }

    /// <summary>Tells that it is lost, on the calling thread: what others have registered runs there.</summary>
    public void TellLoss()
    {
        try
        {
            _lost.Cancel();
        }
        catch (AggregateException)
        {
            // What a registered callback throws is its own affair: it must not end the process. The token says that the hold is lost all the same.
        }
    }

    private static TimeSpan Earlier(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
