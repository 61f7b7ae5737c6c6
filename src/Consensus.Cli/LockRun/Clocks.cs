namespace Consensus.Cli.LockRun;

/// <summary>Instants as the time since a clock's start.</summary>
internal static class Clocks
{
    /// <summary>
    /// The kernel's timed waits do not count suspension, a holder's clock does: no single wait is longer than this, so that after a
    /// suspension a passed deadline is seen at once.
    /// </summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(100);

    public static TimeSpan SinceStart(this TimeProvider clock) => clock.GetElapsedTime(0);

    /// <summary>A wait of whole milliseconds, at least one, that ends no later than wanted by more than that.</summary>
    public static TimeSpan Slice(TimeSpan wanted)
    {
        var slice = wanted < LongestWait ? wanted : LongestWait;
        return slice < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : slice;
    }
}
