using Consensus.Primitives;
using Consensus.Raft.Log;

namespace Consensus.Raft.Tests.Support;

/// <summary>A disk that keeps what was completed and loses the rest at a crash. Writes complete in order.</summary>
internal sealed class Disk(HardState hardState, SnapshotMark? snapshot, IEnumerable<Entry> entries)
{
    private readonly List<Entry> _entries = [.. entries];
    private readonly Queue<Ready> _writes = new();

    public HardState HardState { get; private set; } = hardState;

    public SnapshotMark? Snapshot { get; private set; } = snapshot;

    public int Waiting => _writes.Count;

    public long LastSubmitted { get; private set; }

    public LogIndex LastIndex => _entries.Count > 0 ? _entries[^1].Index : Snapshot?.LastIndex ?? LogIndex.Zero;

    public IReadOnlyList<Entry> Entries => _entries;

    public void Submit(Ready ready)
    {
        Invariant.Require(ready.Sequence == LastSubmitted + 1, "sequences rise by one");
        LastSubmitted = ready.Sequence;
        _writes.Enqueue(ready);
    }

    /// <summary>Makes the oldest write durable; its sequence.</summary>
    public long CompleteOne()
    {
        var ready = _writes.Dequeue();
        if (ready.HardState is { } hardState)
        {
            var sameTerm = hardState.Term == HardState.Term;
            Invariant.Require(hardState.Term >= HardState.Term, "a saved term never goes back");
            Invariant.Require(!sameTerm || HardState.VotedFor.IsNone || hardState.VotedFor == HardState.VotedFor, "a member votes once per term");
            HardState = hardState;
        }
        if (ready.Snapshot is not null)
        {
            Snapshot = ready.Snapshot;
            _entries.Clear();
        }
        if (ready.Entries.Count > 0)
        {
            var first = ready.Entries[0].Index;
            while (_entries.Count > 0 && _entries[^1].Index >= first)
            {
                _entries.RemoveAt(_entries.Count - 1);
            }
            Invariant.Require(first == LastIndex.Next, "the log on disk has no gap");
            _entries.AddRange(ready.Entries);
        }
        return ready.Sequence;
    }

    /// <summary>This member's own snapshot, durable at once.</summary>
    public void SaveSnapshot(SnapshotMark mark)
    {
        Snapshot = mark;
        _entries.RemoveAll(e => e.Index <= mark.LastIndex);
    }

    public void Crash()
    {
        _writes.Clear();
        LastSubmitted = 0;
    }

    public bool Holds(LogIndex index, Term term)
    {
        var before = LastIndex + -_entries.Count;
        if (index <= before)
        {
            return index > LogIndex.Zero;
        }
        return index <= LastIndex && _entries[(int)(index - before) - 1].Term == term;
    }

    public RaftInitialState Recover(MemberId self, Configuration initial) =>
        new(self, HardState, Snapshot?.Configuration ?? initial, Snapshot, [.. _entries]);
}
