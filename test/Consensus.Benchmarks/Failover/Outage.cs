using System.Diagnostics;

namespace Consensus.Benchmarks.Failover;

/// <summary>
/// For how long nothing could be written. After kill -9: from the kill to the first success of a put that was begun afterwards. After SIGTERM the leader serves on while it hands over, so
/// that the first success says nothing: then it is the longest time without one, from the signal until the process is gone and a put that was begun after that succeeded.
/// Times are ticks of <see cref="Stopwatch"/>.
/// </summary>
internal sealed class Outage(LeaderEnd way)
{
    private long _ended = long.MaxValue;
    private long _gone = long.MaxValue;
    private long _lastSuccess;
    private long _longest;

    public bool HasBegun => _ended != long.MaxValue;

    public long Begun => _ended;

    /// <summary>The signal is about to be sent.</summary>
    public void Begin(long now) => _ended = _lastSuccess = now;

    /// <summary>The process was seen to be gone.</summary>
    public void LeaderIsGone(long now) => _gone = Math.Min(_gone, now);

    /// <summary>A put that was sent at <paramref name="begun"/> was acknowledged: the length of the outage if this ended it, else null.</summary>
    public TimeSpan? OnSuccess(long begun, long now)
    {
        if (!HasBegun || (way == LeaderEnd.Kill && begun < _ended))
        {
            return null;
        }

        _longest = Math.Max(_longest, now - _lastSuccess);
        _lastSuccess = now;
        return way == LeaderEnd.Kill || begun >= _gone ? Stopwatch.GetElapsedTime(0, _longest) : null;
    }
}
