using Consensus.Primitives;

namespace Consensus.Raft.Tracker;

/// <summary>
/// The append requests on their way to one follower, oldest first, each by its last index and size: a ring that grows up to its limit.
/// </summary>
/// <remarks>
/// Bounded in number, in bytes and in time: while acknowledgements take longer than they may, fewer bytes are let on their way, in proportion, and while they are in time twice as
/// many, up to the bound in bytes.
/// </remarks>
internal sealed class Inflights(RaftOptions options)
{
    private (LogIndex Last, long Bytes, long SentAt)[] _ring = [];
    private int _start;
    private long _bytes;
    private long _adaptedAt = long.MinValue;

    public int Count { get; private set; }

    /// <summary>Bytes that may be on their way as of now.</summary>
    public long LimitBytes { get; private set; } = options.MaxInflightBytes;

    public bool IsFull => Count >= options.MaxInflightAppends || _bytes >= LimitBytes;

    public void Add(LogIndex last, long bytes, long now)
    {
        Invariant.Require(!IsFull, "nothing is sent past the in-flight limits");
        if (Count == _ring.Length)
        {
            Grow();
        }
        _ring[(_start + Count) % _ring.Length] = (last, bytes, now);
        Count++;
        _bytes += bytes;
    }

    /// <summary>Everything up to <paramref name="match"/> arrived.</summary>
    public void FreeThrough(LogIndex match, long now)
    {
        var wasLimiting = _bytes >= LimitBytes / 2;
        var sentAt = long.MinValue;
        while (Count > 0 && _ring[_start].Last <= match)
        {
            (_, var bytes, sentAt) = _ring[_start];
            _bytes -= bytes;
            _start = (_start + 1) % _ring.Length;
            Count--;
        }
        // Once for each way there and back: those sent before the last change say nothing of it.
        if (sentAt != long.MinValue && sentAt >= _adaptedAt)
        {
            Adapt(Math.Max(1, now - sentAt), wasLimiting);
            _adaptedAt = now;
        }
    }

    public void Clear() => (_start, Count, _bytes) = (0, 0, 0);

    /// <param name="tookTicks">Of the newest that arrived.</param>
    /// <param name="wasLimiting">So much was on its way that the limit may have had a part in it: an idle link says nothing of what it could bear.</param>
    private void Adapt(long tookTicks, bool wasLimiting)
    {
        if (tookTicks > options.MaxInflightTicks)
        {
            LimitBytes = Math.Max(LimitBytes / 2, LimitBytes * options.MaxInflightTicks / tookTicks);
        }
        else if (wasLimiting)
        {
            LimitBytes *= 2;
        }
        LimitBytes = Math.Clamp(LimitBytes, Math.Min(options.LeastInflightBytes, options.MaxInflightBytes), options.MaxInflightBytes);
    }

    private void Grow()
    {
        var larger = new (LogIndex, long, long)[Math.Min(options.MaxInflightAppends, Math.Max(8, _ring.Length * 2))];
        for (var i = 0; i < Count; i++)
        {
            larger[i] = _ring[(_start + i) % _ring.Length];
        }
        (_ring, _start) = (larger, 0);
    }
}
