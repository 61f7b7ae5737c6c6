using Consensus.Primitives;

namespace Consensus.Raft.Tracker;

/// <summary>
/// The append requests on their way to one follower, oldest first, each by its last index and size: a ring that grows up to its limit.
/// </summary>
internal sealed class Inflights(int maxCount, long maxBytes)
{
    private (LogIndex Last, long Bytes)[] _ring = [];
    private int _start;
    private long _bytes;

    public int Count { get; private set; }

    public bool IsFull => Count >= maxCount || _bytes >= maxBytes;

    public void Add(LogIndex last, long bytes)
    {
        Invariant.Require(!IsFull, "nothing is sent past the in-flight limits");
        if (Count == _ring.Length)
        {
            Grow();
        }
        _ring[(_start + Count) % _ring.Length] = (last, bytes);
        Count++;
        _bytes += bytes;
    }

    /// <summary>Everything up to <paramref name="match"/> arrived.</summary>
    public void FreeThrough(LogIndex match)
    {
        while (Count > 0 && _ring[_start].Last <= match)
        {
            _bytes -= _ring[_start].Bytes;
            _start = (_start + 1) % _ring.Length;
            Count--;
        }
    }

    public void Clear() => (_start, Count, _bytes) = (0, 0, 0);

    private void Grow()
    {
        var larger = new (LogIndex, long)[Math.Min(maxCount, Math.Max(8, _ring.Length * 2))];
        for (var i = 0; i < Count; i++)
        {
            larger[i] = _ring[(_start + i) % _ring.Length];
        }
        (_ring, _start) = (larger, 0);
    }
}
