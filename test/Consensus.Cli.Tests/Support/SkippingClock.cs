using System.Collections.Concurrent;

namespace Consensus.Cli.Tests.Support;

/// <summary>Time that passes only while somebody waits for it, and then at once: so that what is counted on it comes out the same on every machine.</summary>
internal sealed class SkippingClock : TimeProvider
{
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>What was waited for, in order.</summary>
    public ConcurrentQueue<TimeSpan> Skipped { get; } = [];

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Skipped.Enqueue(dueTime);
        Interlocked.Add(ref _ticks, dueTime.Ticks);
        return System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
