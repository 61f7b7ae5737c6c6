using System.Buffers;
using System.Numerics;

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

    /// <summary>Nothing waits.</summary>
    public bool IsEmpty => _segments.Count == 0;

    /// <summary>What is held for the frames that wait: whole segments, however little of them is used.</summary>
    public long HeldBytes { get; private set; }

    /// <summary>What a frame of this size would be held in beyond <see cref="HeldBytes"/>: nothing where it fits into the last segment. The pool gives powers of two.</summary>
    public long Cost(int size) => Fits(size) ? 0 : (long)BitOperations.RoundUpToPowerOf2((uint)Math.Max(SegmentBytes, size));

    /// <summary>Room for the next frame at the end of the lane, which the caller fills wholly.</summary>
    public Span<byte> Add(int size)
    {
        if (!Fits(size))
        {
            _last = new Segment(ArrayPool<byte>.Shared.Rent(Math.Max(SegmentBytes, size)));
            _segments.Enqueue(_last);
            HeldBytes += _last.Bytes.Length;
        }
        var room = _last!.Bytes.AsSpan(_last.Length, size);
        _last.Length += size;
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
        HeldBytes -= segment.Bytes.Length;
        return segment;
    }

    private bool Fits(int size) => _last is not null && _last.Bytes.Length - _last.Length >= size;

    public sealed class Segment(byte[] bytes)
    {
        public byte[] Bytes { get; } = bytes;

        public int Length { get; internal set; }

        /// <summary>TLS has made of it what goes out.</summary>
        public bool IsSealed { get; init; }
    }
}
