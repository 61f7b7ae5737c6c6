using Consensus.Primitives.Wire;

namespace Consensus.Transport.Framing;

/// <summary>
/// Collects the bytes of one link and takes whole frames out of them. Reuses one array, which grows with what comes of a frame, whatever length
/// it declares (at most the largest allowed), and shrinks again after an unusually large one. Not thread-safe.
/// </summary>
internal sealed class ReceiveBuffer(int maxFrameBytes)
{
    /// <summary>Below 85,000 bytes, so that it is not a large object.</summary>
    private const int UsualSize = 64 * 1024;

    /// <summary>Kept for the next large frame; above this it is given back.</summary>
    private const int KeptSize = 4 * 1024 * 1024;

    private byte[] _buffer = new byte[UsualSize];
    private int _start;
    private int _end;

    public int Capacity => _buffer.Length;

    /// <summary>Where the next bytes go; never empty after <see cref="TryTakeFrame"/> returned false. Follow with <see cref="Added"/>.</summary>
    public Span<byte> Free => _buffer.AsSpan(_end);

    public void Added(int count) => _end += count;

    /// <summary>
    /// Takes the next whole frame; its span is valid until the next call. False when more bytes are needed, and then there is room for them.
    /// </summary>
    /// <exception cref="WireFormatException">A wrong magic, length or CRC: nothing after it can be trusted.</exception>
    public bool TryTakeFrame(out ReadOnlySpan<byte> body)
    {
        body = default;
        var available = _end - _start;
        if (available < FrameFormat.HeaderSize)
        {
            MakeRoom(FrameFormat.HeaderSize);
            return false;
        }
        var header = _buffer.AsSpan(_start, FrameFormat.HeaderSize);
        if (!FrameFormat.TryReadHeader(header, FrameFormat.LinkMagic, maxFrameBytes, out var length, out var crc))
        {
            throw new WireFormatException("a frame with a wrong magic or length");
        }
        if (available - FrameFormat.HeaderSize < length)
        {
            MakeRoom(FrameFormat.HeaderSize + length);
            return false;
        }
        body = _buffer.AsSpan(_start + FrameFormat.HeaderSize, length);
        if (FrameFormat.Checksum(body) != crc)
        {
            throw new WireFormatException("a frame with a wrong CRC");
        }
        _start += FrameFormat.HeaderSize + length;
        return true;
    }

    /// <summary>Moves the unfinished frame to the front of an array that has room for at least one more byte, and for at most four times what came.</summary>
    private void MakeRoom(int frameBytes)
    {
        var pending = _buffer.AsSpan(_start, _end - _start);
        var length = _buffer.Length > KeptSize && frameBytes <= UsualSize ? UsualSize
            : frameBytes > _buffer.Length && pending.Length > _buffer.Length / 2 ? (int)Math.Min(frameBytes, 2L * _buffer.Length)
            : _buffer.Length;
        if (length != _buffer.Length)
        {
            var moved = new byte[length];
            pending.CopyTo(moved);
            _buffer = moved;
        }
        else if (_start > 0)
        {
            pending.CopyTo(_buffer);
        }
        (_start, _end) = (0, pending.Length);
    }
}
