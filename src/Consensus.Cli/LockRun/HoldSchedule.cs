using Consensus.Client.Holding;

namespace Consensus.Cli.LockRun;

/// <summary>
/// What a holder that runs a command must do before its time is over. The order within one TTL: renewals at a third; SIGTERM when they have
/// failed for too long, which is when the client tells that the hold is over; SIGKILL; the holder's own deadline; and only then can the
/// lease expire. The same order stands before the end of a <c>maxHold</c>, which no renewal moves.
/// </summary>
internal sealed record HoldSchedule
{
    private static readonly TimeSpan LongestDefaultGrace = TimeSpan.FromSeconds(5);

    /// <param name="grace">Null: the longest, or 5 s where that is less.</param>
    /// <param name="maxHold">The hold ends so long after its grant, however often it is renewed; null: it has no such end.</param>
    public HoldSchedule(TimeSpan ttl, TimeSpan? grace = null, TimeSpan? maxHold = null)
    {
        var longest = LongestGrace(ttl, maxHold);
        Grace = grace ?? (longest < LongestDefaultGrace ? longest : LongestDefaultGrace);
        Margin = new LeaseSchedule(ttl, null, maxHold).Margin;
    }

    /// <summary>From SIGTERM to SIGKILL.</summary>
    public TimeSpan Grace { get; }

    /// <summary>From SIGKILL to the deadline: the time for the kernel to end every process of the group on a busy machine.</summary>
    public TimeSpan Margin { get; }

    /// <summary>From the moment when the hold is told to be over to the deadline.</summary>
    public TimeSpan Notice => Grace + Margin;

    /// <summary>The latest grace that leaves two renewals before SIGTERM, and as much of a <c>maxHold</c> to work in.</summary>
    public static TimeSpan LongestGrace(TimeSpan ttl, TimeSpan? maxHold = null) => (maxHold < ttl ? maxHold.Value : ttl) / 4;
}
