namespace Consensus.Client.Holding;

/// <summary>When a holder must do what, as instants of its keeper's clock. The order within one TTL: renew at a third; the holder's own end; and only then can the lease expire.</summary>
internal sealed record LeaseSchedule
{
    /// <summary>The part of a TTL that a holder may count on, given clocks that differ by up to ±0.5 % (rule 3).</summary>
    private const double Certain = 0.99;

    private static readonly TimeSpan ShortestMargin = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestMargin = TimeSpan.FromSeconds(1);

    /// <summary>However short a lease an answer names.</summary>
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(10);

    /// <param name="margin">Null: a twentieth of the TTL, or of <paramref name="maxHold"/> where that is shorter, between 50 ms and 1 s.</param>
    /// <param name="maxHold">How long the hold lasts at most, from its grant on; null: as long as it is renewed.</param>
    public LeaseSchedule(TimeSpan ttl, TimeSpan? margin, TimeSpan? maxHold = null)
    {
        Ttl = ttl;
        Margin = margin ?? Max(ShortestMargin, Min(Shorter(ttl, maxHold) / 20, LongestMargin));
        MaxHold = maxHold;
    }

    /// <summary>The margin, when it leaves time to work in and to renew.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative, or above half of what the hold lasts unless it is renewed.</exception>
    public static TimeSpan? Checked(TimeSpan? margin, TimeSpan ttl, TimeSpan? maxHold = null)
    {
        if (margin is { } given)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(given, TimeSpan.Zero, nameof(margin));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(given, Shorter(ttl, maxHold) / 2, nameof(margin));
        }
        return margin;
    }

    public TimeSpan Ttl { get; private init; }

    public TimeSpan? MaxHold { get; }

    /// <summary>From the end that a holder is told of to the earliest moment at which the lease can end: time for its work to stop.</summary>
    public TimeSpan Margin { get; }

    public TimeSpan RenewEvery => Max(ShortestPause, Ttl / 3);

    /// <summary>Between two renewals that got no answer.</summary>
    public TimeSpan RetryPause => Max(ShortestPause, Min(Ttl / 20, TimeSpan.FromMilliseconds(250)));

    /// <summary>How long one renewal may go unanswered before the next endpoint is asked.</summary>
    public TimeSpan RenewTimeout => Max(Ttl / 8, TimeSpan.FromMilliseconds(100));

    /// <summary>Until when a hold is safe that was granted or renewed by a request that was first sent at <paramref name="sentAt"/>.</summary>
    /// <param name="waited">How long it stood in line on the server: its TTL began at the end of that (rule 4).</param>
    public TimeSpan SafeUntil(TimeSpan sentAt, TimeSpan waited = default) => sentAt + (Certain * (Ttl + waited)) - Margin;

    /// <summary>Until when a hold is safe however often it is renewed: as its lease, the time that it may last begins at its grant.</summary>
    /// <param name="sentAt">When the request for it was first sent.</param>
    public TimeSpan LongestSafeUntil(TimeSpan sentAt, TimeSpan waited) =>
        MaxHold is { } most ? sentAt + (Certain * (most + waited)) - Margin : TimeSpan.MaxValue;

    /// <summary>The same for a lease that a renewal has found to have another TTL; the margin is what the work needs to stop, so it stays.</summary>
    public LeaseSchedule With(TimeSpan ttl) => ttl == Ttl ? this : this with { Ttl = ttl };

    /// <summary>When to renew next: counted from the grant, which may be older than its answer.</summary>
    public TimeSpan FirstRenewal(TimeSpan sentAt, TimeSpan waited) => sentAt + (Certain * waited) + RenewEvery;

    /// <summary>What is no duration is left for the server to refuse.</summary>
    private static TimeSpan Shorter(TimeSpan ttl, TimeSpan? maxHold) => maxHold is { } most && most > TimeSpan.Zero ? Min(ttl, most) : ttl;

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
