namespace Consensus.Node.Core;

/// <summary>Turns the loop's time, in microseconds, into the cores' time.</summary>
internal sealed class TurnClock(TurnContext turn)
{
    private long _carryMicros;
    private bool _isKnown;

    /// <summary>From the present turn to the next protocol time-out.</summary>
    public long MicrosUntilTimeout => Math.Max(0, (turn.Raft.TicksUntilNextTimeout() * 1000L) - _carryMicros);

    /// <summary>
    /// Lets time pass up to <paramref name="nowMicros"/>. A loop that comes more than an election time-out late was paused: that gap is no lease time (rule 3), and its protocol ticks
    /// are capped so that queued messages are seen before any time-out fires.
    /// </summary>
    /// <returns>The protocol ticks that are due.</returns>
    public int Pass(long nowMicros, out bool wasPaused)
    {
        var elapsed = _isKnown ? Math.Max(0, nowMicros - turn.Now) : 0;
        _isKnown = true;
        turn.Now = Math.Max(turn.Now, nowMicros);
        wasPaused = elapsed > turn.Options.ElectionTimeoutMicros;
        turn.Raft.ObserveTime(turn.Now, wasPaused);
        if (wasPaused)
        {
            _carryMicros = 0;
            return turn.Options.Raft.HeartbeatIntervalTicks;
        }
        turn.Raft.AdvanceClock(elapsed);
        var total = elapsed + _carryMicros;
        _carryMicros = total % 1000;
        return (int)Math.Min(total / 1000, Math.Max(1, turn.Options.Raft.ElectionTimeoutTicks / 2));
    }
}
