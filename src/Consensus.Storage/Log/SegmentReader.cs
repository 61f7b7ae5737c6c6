using Consensus.Primitives;
using Consensus.Storage.Disk;

namespace Consensus.Storage.Log;

/// <summary>Looks at a segment's bytes through a window, so that neither frames nor the search for them costs a system call each.</summary>
internal sealed class SegmentReader(IDiskFile file)
{
    private const int WindowBytes = 256 << 10;
    private byte[] _window = new byte[(int)Math.Min(WindowBytes, file.Length)];
    private long _start;
    private int _count;

    public long Length { get; } = file.Length;

    /// <summary>The bytes [offset, offset + count), which must lie within the file; valid until the next call.</summary>
    public ReadOnlySpan<byte> At(long offset, int count)
    {
        Invariant.Require(offset >= 0 && count >= 0 && count <= Length - offset, "only what is in the file is read");
        if (offset < _start || offset + count > _start + _count)
        {
            if (count > _window.Length)
            {
                _window = new byte[count];
            }
            _start = offset;
            _count = file.Read(offset, _window);
        }
        Invariant.Require(offset + count <= _start + _count, "a file does not shrink while its directory is locked");
        return _window.AsSpan((int)(offset - _start), count);
    }

    /// <summary>As many bytes as the window holds, from this offset to at most the file's end.</summary>
    public ReadOnlySpan<byte> From(long offset) => At(offset, (int)Math.Min(WindowBytes, Length - offset));
}
