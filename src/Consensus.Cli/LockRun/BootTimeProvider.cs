namespace Consensus.Cli.LockRun;

/// <summary>
/// Time that goes on while the machine sleeps (CLOCK_BOOTTIME): a holder's deadline must, for the cluster's clock does too (rule 3).
/// Linux only.
/// </summary>
internal sealed class BootTimeProvider : TimeProvider
{
    public override long TimestampFrequency => 1_000_000_000;

    /// <summary>Nanoseconds since boot.</summary>
    public override unsafe long GetTimestamp()
    {
        Libc.TimeSpec time;
        if (Libc.ClockGetTime(Libc.ClockBootTime, &time) != 0)
        {
            throw new InvalidOperationException("This system has no CLOCK_BOOTTIME.");
        }
        return checked((time.Seconds * 1_000_000_000) + time.Nanoseconds);
    }
}
