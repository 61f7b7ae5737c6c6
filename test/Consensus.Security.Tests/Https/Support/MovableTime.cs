namespace Consensus.Security.Tests.Https.Support;

/// <summary>The machine's time, moved by as much as a test says: what certificates are judged by.</summary>
internal sealed class MovableTime : TimeProvider
{
    private long _ticks;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ticks));

    public void Move(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
}
