namespace Consensus.Simulation.Nodes;

/// <summary>The clocks of one process, which may run faster or slower than true time.</summary>
/// <param name="now">In microseconds.</param>
internal sealed class LocalTime(Func<long> now) : TimeProvider
{
    public override long TimestampFrequency => 1_000_000;

    public override long GetTimestamp() => now();

    /// <summary>From a moment on that is the same in every run.</summary>
    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddDays(20_000).AddMicroseconds(now());
}
