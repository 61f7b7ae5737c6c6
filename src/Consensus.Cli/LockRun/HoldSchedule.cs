namespace Consensus.Cli.LockRun;

/// <summary>
/// When a holder must do what, on a clock that counts suspension; every instant is the time since that clock's start. The order
/// within one TTL: renew at a third; SIGTERM when renewing has failed for too long; SIGKILL; the holder's own deadline; and only
/// then can the lease expire.
/// </summary>
internal sealed record HoldSchedule
{
    /// <summary>The part of a TTL that a holder may count on, given clocks that differ by up to ±0.5 % (rule 3).</summary>
    private const double Certain = 0.99;

    private static readonly TimeSpan ShortestMargin = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestMargin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestDefaultGrace = TimeSpan.FromSeconds(5);

    public HoldSchedule(TimeSpan ttl, TimeSpan? grace = null)
    {
        Ttl = ttl;
        Grace = grace ?? Min(ttl / 4, LongestDefaultGrace);
        Margin = Max(ShortestMargin, Min(ttl / 20, LongestMargin));
    }

    public TimeSpan Ttl { get; }

    /// <summary>From SIGTERM to SIGKILL.</summary>
    public TimeSpan Grace { get; }

    /// <summary>From SIGKILL to the deadline: the time for the kernel to end every process of the group on a busy machine.</summary>
    public TimeSpan Margin { get; }

    public TimeSpan RenewEvery => Ttl / 3;

    /// <summary>Between two renewals that got no answer.</summary>
    public TimeSpan RetryPause => Min(Ttl / 20, TimeSpan.FromMilliseconds(250));

    /// <summary>How long one renewal may go unanswered before the next endpoint is asked.</summary>
    public TimeSpan RenewTimeout => Max(Ttl / 8, TimeSpan.FromMilliseconds(100));

    /// <summary>The latest grace that leaves two renewals before SIGTERM.</summary>
    public static TimeSpan LongestGrace(TimeSpan ttl) => ttl / 4;

    /// <summary>The holder's own deadline after a grant or renewal that was first sent at <paramref name="sentAt"/>.</summary>
    public TimeSpan Deadline(TimeSpan sentAt, TimeSpan waited = default) => sentAt + (Certain * (Ttl + waited));

    /// <summary>From here on the group must be dead.</summary>
    public TimeSpan KillAt(TimeSpan deadline) => deadline - Margin;

    public TimeSpan TerminateAt(TimeSpan deadline) => KillAt(deadline) - Grace;

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
