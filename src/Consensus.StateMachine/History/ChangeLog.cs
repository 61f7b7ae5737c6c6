namespace Consensus.StateMachine.History;

/// <summary>
/// The history as a log of chunks: appended at the end, forgotten from the front, by one owner. <see cref="Freeze"/> hands out a picture that never changes, and costs
/// the next write nothing: no path is copied, as a tree would have to.
/// </summary>
internal sealed class ChangeLog(int chunkCapacity = ChangeChunk.UsualCapacity)
{
    /// <summary>Pictures share this array; only places beyond those that they count are written. Forgetting makes a new one.</summary>
    private ChangeChunk[] _chunks = [];
    private int _chunkCount;

    /// <summary>Changes of the first chunk that are forgotten already.</summary>
    private int _offset;

    public int Count { get; private set; }

    /// <summary>What the history takes in memory, as counted for its bound.</summary>
    public long Bytes { get; private set; }

    /// <summary>The sum of the changes' digests.</summary>
    public ulong Digest { get; private set; }

    public PastChanges Freeze() => new(_chunks, _chunkCount, _offset, _chunkCount == 0 ? 0 : _chunks[_chunkCount - 1].Count);

    public void Append(in Recorded recorded)
    {
        if (_chunkCount == 0 || _chunks[_chunkCount - 1].IsClosed)
        {
            if (_chunkCount == _chunks.Length)
            {
                Array.Resize(ref _chunks, Math.Max(4, _chunkCount * 2));
            }
            _chunks[_chunkCount++] = new ChangeChunk(chunkCapacity);
        }
        var digest = recorded.Digest;
        _chunks[_chunkCount - 1].Add(recorded, digest);
        Count++;
        Bytes += recorded.Bytes;
        Digest += digest;
    }

    /// <summary>Forgets the oldest so many.</summary>
    public void RemoveFirst(int count)
    {
        var wholeChunks = 0;
        for (Count -= count; count > 0; count--)
        {
            var chunk = _chunks[wholeChunks];
            Bytes -= chunk[_offset].Bytes;
            Digest -= chunk.DigestOf(_offset, _offset + 1);
            _offset++;
            if (_offset == chunk.Count)
            {
                wholeChunks++;
                _offset = 0;
            }
        }
        if (wholeChunks > 0)
        {
            _chunkCount -= wholeChunks;
            _chunks = _chunks.AsSpan(wholeChunks, _chunkCount).ToArray();
        }
    }
}
