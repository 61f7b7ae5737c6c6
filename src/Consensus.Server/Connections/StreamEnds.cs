using System.Buffers.Binary;

namespace Consensus.Server.Connections;

/// <summary>
/// Reads along one direction of an HTTP/2 connection and finds the streams that end in it: frames whose flags end their stream, and resets (RFC 9113 §4.1, §5.1). Only the nine
/// bytes before each frame are looked at. One thread at a time.
/// </summary>
/// <param name="skippedBytes">Before the first frame.</param>
/// <param name="onlyResets">A client ends its side of each stream, which ends no answer; its resets do.</param>
internal sealed class StreamEnds(int skippedBytes, bool onlyResets, Action<int> ended)
{
    private const int HeaderBytes = 9;
    private const byte DataType = 0, HeadersType = 1, ResetType = 3, EndStream = 1;

    private readonly byte[] _header = new byte[HeaderBytes];
    private int _headerBytes;
    private long _skip = skippedBytes;

    public void Read(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (_skip > 0)
            {
                var passed = (int)Math.Min(_skip, bytes.Length);
                _skip -= passed;
                bytes = bytes[passed..];
                continue;
            }
            var taken = Math.Min(HeaderBytes - _headerBytes, bytes.Length);
            bytes[..taken].CopyTo(_header.AsSpan(_headerBytes));
            bytes = bytes[taken..];
            _headerBytes += taken;
            if (_headerBytes == HeaderBytes)
            {
                _headerBytes = 0;
                Look();
            }
        }
    }

    private void Look()
    {
        // 24 bits of length, then type and flags; the highest bit of the stream's number means nothing.
        _skip = BinaryPrimitives.ReadUInt32BigEndian(_header) >> 8;
        var (type, flags) = (_header[3], _header[4]);
        if (type == ResetType || (!onlyResets && type is DataType or HeadersType && (flags & EndStream) != 0))
        {
            ended(BinaryPrimitives.ReadInt32BigEndian(_header.AsSpan(5)) & int.MaxValue);
        }
    }
}
