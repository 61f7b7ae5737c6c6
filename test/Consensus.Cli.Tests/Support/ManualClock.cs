namespace Consensus.Cli.Tests.Support;

/// <summary>Monotonic time that moves only when a test moves it.</summary>
internal sealed class ManualClock : TimeProvider
{
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public TimeSpan Now
    {
        get => TimeSpan.FromTicks(Volatile.Read(ref _ticks));
        set => Volatile.Write(ref _ticks, value.Ticks);
    }

    public override long GetTimestamp() => Volatile.Read(ref _ticks);
}
