namespace Consensus.Client.Holding;

/// <summary>When a holder must do what, as instants of its keeper's clock. The order within one TTL: renew at a third; the holder's own end; and only then can the lease expire.</summary>
internal sealed record LeaseSchedule
{
    /// <summary>The part of a TTL that a holder may count on, given clocks that differ by up to ±0.5 % (rule 3).</summary>
    private const double Certain = 0.99;

    private static readonly TimeSpan ShortestMargin = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestMargin = TimeSpan.FromSeconds(1);

    /// <param name="margin">Null: a twentieth of the TTL, between 50 ms and 1 s.</param>
    public LeaseSchedule(TimeSpan ttl, TimeSpan? margin)
    {
        Ttl = ttl;
        Margin = margin ?? Max(ShortestMargin, Min(ttl / 20, LongestMargin));
    }

    /// <summary>The margin, when it leaves time to work in and to renew.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative, or above half the TTL.</exception>
    public static TimeSpan? Checked(TimeSpan? margin, TimeSpan ttl)
    {
        if (margin is { } given)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(given, TimeSpan.Zero, nameof(margin));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(given, ttl / 2, nameof(margin));
        }
        return margin;
    }

    public TimeSpan Ttl { get; }

    /// <summary>From the end that a holder is told of to the earliest moment at which the lease can end: time for its work to stop.</summary>
    public TimeSpan Margin { get; }

    public TimeSpan RenewEvery => Ttl / 3;

    /// <summary>Between two renewals that got no answer.</summary>
    public TimeSpan RetryPause => Min(Ttl / 20, TimeSpan.FromMilliseconds(250));

    /// <summary>How long one renewal may go unanswered before the next endpoint is asked.</summary>
    public TimeSpan RenewTimeout => Max(Ttl / 8, TimeSpan.FromMilliseconds(100));

    /// <summary>Until when a hold is safe that was granted or renewed by a request that was first sent at <paramref name="sentAt"/>.</summary>
    /// <param name="waited">How long it stood in line on the server: its TTL began at the end of that (rule 4).</param>
    public TimeSpan SafeUntil(TimeSpan sentAt, TimeSpan waited = default) => sentAt + (Certain * (Ttl + waited)) - Margin;

    /// <summary>When to renew next: counted back from the end, for a grant may be older than its answer.</summary>
    public TimeSpan FirstRenewal(TimeSpan safeUntil) => safeUntil + Margin - (Certain * Ttl) + RenewEvery;

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
