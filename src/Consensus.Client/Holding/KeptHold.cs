using System.Diagnostics.CodeAnalysis;

namespace Consensus.Client.Holding;

/// <summary>Sends one renewal, blocking the calling thread.</summary>
internal delegate LockRenewal RenewOnce(TimeSpan timeout, CancellationToken cancellationToken);

/// <summary>
/// One hold that a <see cref="HoldKeeper"/> keeps. Its mutable members belong to the keeper, under its lock; others read them as they are.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Its sources have no timers, and a token must stay usable for whoever still has it.")]
internal sealed class KeptHold(LeaseSchedule schedule, TimeSpan safeUntil, DateTimeOffset safeUntilUtc, RenewOnce renew)
{
    private readonly CancellationTokenSource _lost = new();
    private long _safeUntilTicks = safeUntil.Ticks;
    private long _safeUntilUtcTicks = safeUntilUtc.UtcTicks;
    private volatile string? _lossReason;

    public LeaseSchedule Schedule => schedule;

    public RenewOnce Renew => renew;

    /// <summary>Ends a renewal that is on its way.</summary>
    public CancellationTokenSource Stopping { get; } = new();

    /// <summary>By the keeper's clock. It never moves back.</summary>
    public TimeSpan SafeUntil => TimeSpan.FromTicks(Volatile.Read(ref _safeUntilTicks));

    /// <summary>The same by the wall clock, as it stood at the last renewal.</summary>
    public DateTimeOffset SafeUntilUtc => new(Volatile.Read(ref _safeUntilUtcTicks), TimeSpan.Zero);

    public TimeSpan NextRenewalAt { get; set; } = schedule.FirstRenewal(safeUntil);

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

    public void Extend(TimeSpan safeUntil, DateTimeOffset safeUntilUtc)
    {
        if (safeUntil > SafeUntil)
        {
            Volatile.Write(ref _safeUntilTicks, safeUntil.Ticks);
            Volatile.Write(ref _safeUntilUtcTicks, safeUntilUtc.UtcTicks);
        }
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
}
