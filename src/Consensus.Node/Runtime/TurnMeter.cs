namespace Consensus.Node.Runtime;

/// <summary>
/// How the loop does, as its turns tell it and any thread may read it. Times in microseconds of the node's clock. Stops of the runtime (garbage collection) that fell into a
/// turn are counted apart: nothing in a turn's budget could have made it shorter.
/// </summary>
internal sealed class TurnMeter
{
    /// <summary>Turns that are shorter are not looked at for stops of the runtime.</summary>
    private const long WorthLookingMicros = 1_000;

    /// <summary>Longer than any turn's budget is worth: such turns are counted.</summary>
    private const long LongMicros = 20_000;

    private readonly long _stallMicros;
    private readonly Func<TimeSpan> _stopped;
    private TimeSpan _stoppedBefore;
    private long _longestStop;
    private long _startedAt;
    private long _endedAt;
    private long _turns;
    private long _micros;
    private long _longest;
    private long _longTurns;
    private long _longestDelay;
    private long _mostUnits;

    /// <param name="stallMicros">From which idleness on a loop is stalled.</param>
    /// <param name="stopped">For how long the runtime has stopped all threads since the process started.</param>
    public TurnMeter(long now, long stallMicros, Func<TimeSpan> stopped)
    {
        (_endedAt, _stallMicros, _stopped) = (now, stallMicros, stopped);
    }

    /// <summary>With the turn, at its begin.</summary>
    /// <param name="dueAt">When it was due at the latest, as the turn before said.</param>
    public void Begin(long now, long dueAt)
    {
        _startedAt = now;
        var stopped = _stopped();
        if (_turns > 0)
        {
            Raise(ref _longestDelay, now - dueAt);
            // A loop turns so often that there are seldom two stops between one turn and the next.
            Raise(ref _longestStop, (long)(stopped - _stoppedBefore).TotalMicroseconds);
        }
        _stoppedBefore = stopped;
    }

    /// <summary>With the turn, before its end.</summary>
    /// <param name="units">What it was charged for what it applied.</param>
    public void Applied(long units) => Raise(ref _mostUnits, units);

    /// <summary>With the turn, at its end.</summary>
    public void End(long now)
    {
        var length = now - _startedAt;
        if (length >= WorthLookingMicros)
        {
            length = Math.Max(0, length - (long)(_stopped() - _stoppedBefore).TotalMicroseconds);
        }
        Volatile.Write(ref _micros, _micros + length);
        Raise(ref _longest, length);
        if (length > LongMicros)
        {
            Volatile.Write(ref _longTurns, _longTurns + 1);
        }
        Volatile.Write(ref _turns, _turns + 1);
        Volatile.Write(ref _endedAt, now);
    }

    public LoopStatus Read(long now) => new(
        Volatile.Read(ref _turns),
        Volatile.Read(ref _micros),
        Volatile.Read(ref _longest),
        Volatile.Read(ref _longestDelay),
        Math.Max(0, now - Volatile.Read(ref _endedAt)),
        _stallMicros)
    {
        LongestStopMicros = Volatile.Read(ref _longestStop),
        LongTurns = Volatile.Read(ref _longTurns),
        MostUnits = Volatile.Read(ref _mostUnits),
    };

    private static void Raise(ref long longest, long length)
    {
        if (length > longest)
        {
            Volatile.Write(ref longest, length);
        }
    }
}
