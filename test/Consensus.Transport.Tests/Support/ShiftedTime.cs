namespace Consensus.Transport.Tests.Support;

/// <summary>A wall clock that the test puts forward, for what certificates are judged by.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private long _byTicks;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Volatile.Read(ref _byTicks));

    public void Shift(TimeSpan by) => Volatile.Write(ref _byTicks, by.Ticks);
}
