using Consensus.Primitives;

namespace Consensus.Raft.Log;

/// <summary>
/// The log since the last compaction, held wholly in memory. Index, term and stamp of the entry before the first one are kept, so
/// that the consistency check of Raft §5.3 works right up to the compaction point.
/// </summary>
internal sealed class RaftLog
{
    private readonly List<Entry> _entries = [];

    /// <summary>For each entry the bytes of all up to it, counted from any beginning.</summary>
    private readonly List<long> _sums = [];

    /// <summary>As <see cref="_sums"/>, for the entry before the first.</summary>
    private long _baseSum;
    private LogIndex _baseIndex;
    private Term _baseTerm;
    private ClusterTime _baseStamp;
    private Entry[] _lastSlice = [];
    private LogIndex _lastSliceFirst;

    public RaftLog(SnapshotMark? snapshot, IReadOnlyList<Entry> entries)
    {
        if (snapshot is not null)
        {
            (_baseIndex, _baseTerm, _baseStamp) = (snapshot.LastIndex, snapshot.LastTerm, snapshot.Stamp);
        }
        foreach (var entry in entries)
        {
            Append(entry);
        }
        DurableIndex = LastIndex;
    }

    /// <summary>The last index whose entry is in memory; one below <see cref="FirstIndex"/> when there is none.</summary>
    public LogIndex LastIndex => _baseIndex + _entries.Count;

    /// <summary>What its entries hold of this process's memory, as <see cref="Entry.ApproximateSize"/> counts.</summary>
    public long Bytes => SumAt(LastIndex) - _baseSum;

    public LogIndex FirstIndex => _baseIndex.Next;

    public Term LastTerm => _entries.Count > 0 ? _entries[^1].Term : _baseTerm;

    public ClusterTime LastStamp => _entries.Count > 0 ? _entries[^1].Stamp : _baseStamp;

    /// <summary>Every entry up to here is on this member's disk, and no write on its way there takes it back. DurableIndex &lt;= LastIndex.</summary>
    public LogIndex DurableIndex { get; private set; }

    public Entry this[LogIndex index]
    {
        get
        {
            Invariant.Require(index > _baseIndex && index <= LastIndex, "only entries that are in the log are read");
            return _entries[(int)(index - _baseIndex) - 1];
        }
    }

    /// <summary>The term at <paramref name="index"/>; false below the compaction point and above the last entry.</summary>
    public bool TryGetTerm(LogIndex index, out Term term)
    {
        if (index < _baseIndex || index > LastIndex)
        {
            term = Term.Zero;
            return false;
        }
        term = index == _baseIndex ? _baseTerm : this[index].Term;
        return true;
    }

    public bool Holds(LogIndex index, Term term) => TryGetTerm(index, out var here) && here == term;

    public void Append(Entry entry)
    {
        Invariant.Require(entry.Index == LastIndex.Next, "the log has no gaps");
        Invariant.Require(entry.Term >= LastTerm, "terms never decrease along the log");
        Invariant.Require(entry.Stamp >= LastStamp, "stamps never decrease along the log");
        _sums.Add(SumAt(LastIndex) + entry.ApproximateSize);
        _entries.Add(entry);
    }

    /// <summary>Drops every entry above <paramref name="index"/>.</summary>
    public void TruncateAfter(LogIndex index)
    {
        Invariant.Require(index >= _baseIndex && index <= LastIndex, "only what is in the log is cut");
        var keep = (int)(index - _baseIndex);
        _sums.RemoveRange(keep, _sums.Count - keep);
        _entries.RemoveRange(keep, _entries.Count - keep);
        _lastSlice = [];
        DurableIndex = LogIndex.Min(DurableIndex, index);
    }

    /// <summary>Forgets entries up to <paramref name="index"/>; the caller has a durable snapshot that contains them.</summary>
    public void CompactThrough(LogIndex index)
    {
        Invariant.Require(index <= DurableIndex, "only durable entries are compacted");
        if (index <= _baseIndex)
        {
            return;
        }
        var last = this[index];
        _baseSum = SumAt(index);
        _sums.RemoveRange(0, (int)(index - _baseIndex));
        _lastSlice = [];
        _entries.RemoveRange(0, (int)(index - _baseIndex));
        (_baseIndex, _baseTerm, _baseStamp) = (last.Index, last.Term, last.Stamp);
    }

    /// <summary>
    /// Up to where the log may be forgotten, so that of what ends at <paramref name="mark"/> at most so many entries, and at most so many bytes of them, stay for followers that lag a
    /// little. What comes after the mark is none of these.
    /// </summary>
    public LogIndex CompactionPoint(LogIndex mark, long trailingEntries, long trailingBytes)
    {
        var through = LogIndex.Max(_baseIndex, new LogIndex(Math.Max(0, mark.Value - trailingEntries)));
        var at = mark;
        for (long bytes = 0; at > through; at = at.Previous)
        {
            bytes += this[at].ApproximateSize;
            if (bytes > trailingBytes)
            {
                break;
            }
        }
        return LogIndex.Max(through, at);
    }

    /// <summary>Replaces everything by a snapshot. Durable stays what the old log had committed until the snapshot's mark is on disk too.</summary>
    public void Reset(SnapshotMark mark, LogIndex committed)
    {
        _entries.Clear();
        _sums.Clear();
        _baseSum = 0;
        _lastSlice = [];
        (_baseIndex, _baseTerm, _baseStamp) = (mark.LastIndex, mark.LastTerm, mark.Stamp);
        DurableIndex = LogIndex.Min(DurableIndex, committed);
    }

    public void AdvanceDurable(LogIndex index)
    {
        Invariant.Require(index <= LastIndex, "only what is in the log becomes durable");
        DurableIndex = LogIndex.Max(DurableIndex, index);
    }

    /// <summary>Whether a log that ends at the given entry is at least as up-to-date as this one: term first, then index. Raft §5.4.1.</summary>
    public bool IsUpToDate(LogIndex lastIndex, Term lastTerm) =>
        lastTerm > LastTerm || (lastTerm == LastTerm && lastIndex >= LastIndex);

    /// <summary>
    /// The highest index up to <paramref name="atMost"/> whose term is not above <paramref name="term"/>: no entry above it can match a log that has
    /// <paramref name="term"/> at <paramref name="atMost"/>. One below the compaction point when everything in memory is newer.
    /// </summary>
    public LogIndex LastWithTermAtMost(LogIndex atMost, Term term)
    {
        if (atMost < _baseIndex)
        {
            return atMost;
        }
        if (_baseTerm > term)
        {
            return _baseIndex > LogIndex.Zero ? _baseIndex.Previous : LogIndex.Zero;
        }
        var low = _baseIndex.Value;
        var high = LogIndex.Min(atMost, LastIndex).Value;
        while (low < high)
        {
            // Terms never decrease along the log.
            var middle = low + ((high - low + 1) / 2);
            if (this[new LogIndex(middle)].Term <= term)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }
        return new LogIndex(low);
    }

    /// <summary>
    /// The entries from <paramref name="first"/> to <paramref name="last"/>. The array is the receiver's to keep and nobody's to change: the last one is
    /// handed out again when the disk and several followers ask for the same range.
    /// </summary>
    public IReadOnlyList<Entry> Slice(LogIndex first, LogIndex last)
    {
        var count = (int)(last - first) + 1;
        if (count <= 0)
        {
            return [];
        }
        if (_lastSliceFirst == first && _lastSlice.Length == count)
        {
            return _lastSlice;
        }
        Invariant.Require(first > _baseIndex && last <= LastIndex, "only entries that are in the log are read");
        var slice = new Entry[count];
        _entries.CopyTo((int)(first - _baseIndex) - 1, slice, 0, count);
        _lastSlice = slice;
        _lastSliceFirst = first;
        return slice;
    }

    /// <summary>The last index of a run from <paramref name="first"/> that stays within <paramref name="maxBytes"/>; one entry is always taken.</summary>
    public LogIndex LastWithin(LogIndex first, LogIndex last, long maxBytes, out long bytes)
    {
        bytes = 0;
        var index = first;
        while (index <= last)
        {
            var size = this[index].ApproximateSize;
            if (bytes > 0 && bytes + size > maxBytes)
            {
                break;
            }
            bytes += size;
            index = index.Next;
        }
        return index.Previous;
    }

    /// <summary>Bytes of the entries above <paramref name="index"/>, up to <paramref name="last"/>; of what is forgotten nothing counts.</summary>
    public long BytesAfter(LogIndex index, LogIndex last) => SumAt(last) - SumAt(LogIndex.Max(index, _baseIndex));

    private long SumAt(LogIndex index) => index <= _baseIndex ? _baseSum : _sums[(int)(index - _baseIndex) - 1];
}
