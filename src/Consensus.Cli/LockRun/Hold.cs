namespace Consensus.Cli.LockRun;

/// <summary>What was granted to this process.</summary>
/// <param name="GrantedAt">When at the earliest, on the boot clock: what the holder's time counts from (rule 3).</param>
internal sealed record Hold(IHoldTarget Target, long FencingToken, HoldSchedule Schedule, TimeSpan GrantedAt)
{
    /// <summary>The holder's own deadline while nothing is renewed.</summary>
    public TimeSpan Deadline => DeadlineAfter(GrantedAt, Schedule.Ttl);

    /// <summary>The holder's own deadline after a renewal that was sent at <paramref name="sentAt"/> and told a TTL.</summary>
    public TimeSpan DeadlineAfter(TimeSpan sentAt, TimeSpan ttl) => Schedule.Deadline(sentAt, ttl, GrantedAt);

    /// <summary>Whether a deadline is that of a <c>maxHold</c>, which no renewal moves, up to what answers take.</summary>
    public bool IsEnd(TimeSpan deadline) => Schedule.MaxHold is not null && deadline >= Schedule.EndAt(GrantedAt) - Schedule.Margin;
}
