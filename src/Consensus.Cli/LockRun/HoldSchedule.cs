namespace Consensus.Cli.LockRun;

/// <summary>
/// When a holder must do what, on a clock that counts suspension; every instant is the time since that clock's start. The order
/// within one TTL: renew at a third; SIGTERM when renewing has failed for too long; SIGKILL; the holder's own deadline; and only
/// then can the lease expire. The same order stands before the end of a <c>maxHold</c>, which no renewal moves.
/// </summary>
internal sealed record HoldSchedule
{
    /// <summary>The part of a span of cluster time that a holder may count on, given clocks that differ by up to ±0.5 % (rule 3).</summary>
    private const double Certain = 0.99;

    private static readonly TimeSpan ShortestMargin = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestMargin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestDefaultGrace = TimeSpan.FromSeconds(5);

    /// <param name="maxHold">The hold ends so long after its grant, however often it is renewed; null: it has no such end.</param>
    public HoldSchedule(TimeSpan ttl, TimeSpan? grace = null, TimeSpan? maxHold = null)
    {
        Ttl = ttl;
        MaxHold = maxHold;
        var whole = Whole(ttl, maxHold);
        Grace = grace ?? Min(whole / 4, LongestDefaultGrace);
        Margin = Max(ShortestMargin, Min(whole / 20, LongestMargin));
    }

    public TimeSpan Ttl { get; }

    public TimeSpan? MaxHold { get; }

    /// <summary>From SIGTERM to SIGKILL.</summary>
    public TimeSpan Grace { get; }

    /// <summary>From SIGKILL to the deadline: the time for the kernel to end every process of the group on a busy machine.</summary>
    public TimeSpan Margin { get; }

    public TimeSpan RenewEvery => Ttl / 3;

    /// <summary>Between two renewals that got no answer.</summary>
    public TimeSpan RetryPause => Min(Ttl / 20, TimeSpan.FromMilliseconds(250));

    /// <summary>How long one renewal may go unanswered before the next endpoint is asked.</summary>
    public TimeSpan RenewTimeout => Max(Ttl / 8, TimeSpan.FromMilliseconds(100));

    /// <summary>The latest grace that leaves two renewals before SIGTERM, and as much of a <c>maxHold</c> to work in.</summary>
    public static TimeSpan LongestGrace(TimeSpan ttl, TimeSpan? maxHold = null) => Whole(ttl, maxHold) / 4;

    /// <summary>When a grant whose request was first sent at <paramref name="sentAt"/> began at the earliest: its TTL starts at the end of its wait (rule 4).</summary>
    public static TimeSpan GrantedAt(TimeSpan sentAt, TimeSpan waited) => sentAt + (Certain * waited);

    /// <summary>The holder's own deadline after a grant, or after a renewal that was sent, at <paramref name="from"/>.</summary>
    /// <param name="ttl">As the answer says; of a hold with a <c>maxHold</c> no more than what was left of it then.</param>
    /// <param name="grantedAt">What a <c>maxHold</c> counts from.</param>
    public TimeSpan Deadline(TimeSpan from, TimeSpan ttl, TimeSpan grantedAt) => Min(from + (Certain * ttl), EndAt(grantedAt));

    /// <summary>The deadline beyond which no renewal leads.</summary>
    public TimeSpan EndAt(TimeSpan grantedAt) => MaxHold is { } longest ? grantedAt + (Certain * longest) : TimeSpan.MaxValue;

    /// <summary>
    /// When to renew again after a renewal that was sent at <paramref name="sentAt"/> and told a TTL. That of a hold with a <c>maxHold</c> is what is left of it: there is no reason to renew
    /// more and more often towards its end.
    /// </summary>
    public TimeSpan NextRenewal(TimeSpan sentAt, TimeSpan ttl) => sentAt + ((MaxHold is null ? Min(Ttl, ttl) : Ttl) / 3);

    /// <summary>From here on the group must be dead.</summary>
    public TimeSpan KillAt(TimeSpan deadline) => deadline - Margin;

    public TimeSpan TerminateAt(TimeSpan deadline) => KillAt(deadline) - Grace;

    /// <summary>What a hold has to itself when nothing is renewed.</summary>
    private static TimeSpan Whole(TimeSpan ttl, TimeSpan? maxHold) => maxHold is { } longest ? Min(ttl, longest) : ttl;

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
