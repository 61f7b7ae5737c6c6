using System.Buffers;

namespace Consensus.Transport.Links;

/// <summary>
/// Whole frames that wait for a link whose network is slow, in order, packed into segments: what is small shares one, so that it costs no write of its own. Not thread-safe. A
/// segment is sent whole before another lane has its turn, so the longest that an urgent frame waits for is one segment: 64 KiB, or one larger frame.
/// </summary>
internal sealed class FrameLane
{
    private const int SegmentBytes = 64 * 1024;

    private readonly Queue<Segment> _segments = new();
    private Segment? _last;

    /// <summary>Of the frames that wait.</summary>
    public long Bytes { get; private set; }

    /// <summary>Room for the next frame at the end of the lane, which the caller fills wholly.</summary>
    public Span<byte> Add(int size)
    {
        if (_last is null || _last.Bytes.Length - _last.Length < size)
        {
            _last = new Segment(ArrayPool<byte>.Shared.Rent(Math.Max(SegmentBytes, size)));
            _segments.Enqueue(_last);
        }
        var room = _last.Bytes.AsSpan(_last.Length, size);
        _last.Length += size;
        Bytes += size;
        return room;
    }

    /// <summary>The oldest segment, which is the caller's until it gives its bytes back to the pool; null when nothing waits.</summary>
    public Segment? Take()
    {
        if (!_segments.TryDequeue(out var segment))
        {
            return null;
        }
        _last = _segments.Count == 0 ? null : _last;
        Bytes -= segment.Length;
        return segment;
    }

    public sealed class Segment(byte[] bytes)
    {
        public byte[] Bytes { get; } = bytes;

        public int Length { get; internal set; }
    }
}
