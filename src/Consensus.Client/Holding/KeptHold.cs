using System.Diagnostics.CodeAnalysis;
using Consensus.Client.Sessions;

namespace Consensus.Client.Holding;

/// <summary>Sends one renewal, blocking the calling thread.</summary>
internal delegate HoldRenewal RenewOnce(TimeSpan timeout, CancellationToken cancellationToken);

/// <summary>
/// One hold that a <see cref="HoldKeeper"/> keeps: by a lease of its own, which it renews, or for as long as a session is kept that it is
/// under. Its mutable members belong to the keeper, under its lock; others read them as they are.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Its sources have no timers, and a token must stay usable for whoever still has it.")]
internal sealed class KeptHold
{
    /// <summary>Weak, so that the keeper keeps no handle alive.</summary>
    private readonly WeakReference<LossSignal> _signal;

    /// <summary>Until a handle has it.</summary>
    private LossSignal? _unclaimed;
    private readonly DateTimeOffset _longestSafeUntilUtc = DateTimeOffset.MaxValue;
    private volatile LeaseSchedule _schedule;
    private long _safeUntilTicks;
    private long _safeUntilUtcTicks;
    private volatile string? _lossReason;

    /// <summary>A hold by a lease of its own, or a lease.</summary>
    /// <param name="sentAt">When it was first asked for, by the keeper's clock.</param>
    /// <param name="waited">How long the request stood in line.</param>
    /// <param name="toUtc">The keeper's clock by the wall clock.</param>
    public KeptHold(LeaseSchedule schedule, TimeSpan sentAt, TimeSpan waited, Func<TimeSpan, DateTimeOffset> toUtc, RenewOnce renew)
    {
        _unclaimed = new LossSignal();
        _signal = new WeakReference<LossSignal>(_unclaimed);
        _schedule = schedule;
        Renew = renew;
        LongestSafeUntil = schedule.LongestSafeUntil(sentAt, waited);
        NextRenewalAt = schedule.FirstRenewal(sentAt, waited);
        var safeUntil = Earlier(schedule.SafeUntil(sentAt, waited), LongestSafeUntil);
        (_safeUntilTicks, _safeUntilUtcTicks) = (safeUntil.Ticks, toUtc(safeUntil).UtcTicks);
    }

    /// <summary>A hold under a session, which is renewed for all of them.</summary>
    /// <param name="schedule">Of its margin and its longest time; its TTL is the session's.</param>
    /// <param name="parts">What it is to the session.</param>
    public KeptHold(
        KeptHold session, HeldParts parts, LeaseSchedule schedule, TimeSpan sentAt, TimeSpan waited, Func<TimeSpan, DateTimeOffset> toUtc)
    {
        _unclaimed = new LossSignal();
        _signal = new WeakReference<LossSignal>(_unclaimed);
        (_schedule, Session, Parts) = (schedule, session, parts);
        Renew = static (_, _) => new HoldRenewal(HoldRenewalOutcome.Unanswered, "It is renewed with its session.");
        LongestSafeUntil = schedule.LongestSafeUntil(sentAt, waited);
        NextRenewalAt = TimeSpan.MaxValue;
        if (LongestSafeUntil != TimeSpan.MaxValue)
        {
            _longestSafeUntilUtc = toUtc(LongestSafeUntil);
        }
    }

    public LeaseSchedule Schedule => _schedule;

    public RenewOnce Renew { get; }

    /// <summary>The session that it is under; null for a lease of its own.</summary>
    public KeptHold? Session { get; }

    /// <summary>What it is to its session; null for a lease of its own.</summary>
    public HeldParts? Parts { get; }

    /// <summary>What is held, for messages: <c>lock 'a'</c>.</summary>
    public string What { get; init; } = "";

    /// <summary>Is called after each renewal that succeeded.</summary>
    public Action? Renewed { get; set; }

    /// <summary>Gives it back in the background, for whoever has no handle of it.</summary>
    public Action? TakeBack { get; set; }

    /// <summary>It holds nothing by itself: it keeps what is under it.</summary>
    public bool IsSession { get; init; }

    /// <summary>No renewal makes it safe for longer than this: its longest time is over then.</summary>
    public TimeSpan LongestSafeUntil { get; }

    /// <summary>Its longest time, rather than its last renewal, is what it is safe for, up to what an answer takes.</summary>
    public bool IsAtItsLongest => _schedule.MaxHold is not null && LongestSafeUntil - SafeUntil <= _schedule.RetryPause;

    /// <summary>Ends a renewal that is on its way.</summary>
    public CancellationTokenSource Stopping { get; } = new();

    /// <summary>By the keeper's clock. It never moves back.</summary>
    public TimeSpan SafeUntil => Session is { } session
        ? Earlier(session.SafeUntil - _schedule.Margin, LongestSafeUntil)
        : TimeSpan.FromTicks(Volatile.Read(ref _safeUntilTicks));

    /// <summary>The same by the wall clock, as it stood at the last renewal.</summary>
    public DateTimeOffset SafeUntilUtc
    {
        get
        {
            if (Session is not { } session)
            {
                return new DateTimeOffset(Volatile.Read(ref _safeUntilUtcTicks), TimeSpan.Zero);
            }
            var ofSession = session.SafeUntilUtc - _schedule.Margin;
            return ofSession < _longestSafeUntilUtc ? ofSession : _longestSafeUntilUtc;
        }
    }

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

    /// <summary>
    /// What is cancelled when it is lost, and never because it was given back: for its handle, which keeps it alive from now on.
    /// </summary>
    public LossSignal Claim()
    {
        var signal = _unclaimed ?? throw new InvalidOperationException("A hold has one handle.");
        _unclaimed = null;
        return signal;
    }

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
        if (_signal.TryGetTarget(out var signal))
        {
            signal.Tell();
        }
    }

    private static TimeSpan Earlier(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
