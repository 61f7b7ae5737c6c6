using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;

namespace Consensus.Simulation.Checkers.Protocol;

/// <summary>A member's log as told by what it wrote: entries after a snapshot.</summary>
public sealed class ObservedLog
{
    private readonly List<Entry> _entries = [];
    private SnapshotPoint _start;

    public HardState HardState { get; private set; }

    public LogIndex LastIndex => _start.Index + _entries.Count;

    public Term LastTerm => _entries.Count > 0 ? _entries[^1].Term : _start.Term;

    /// <summary>Index and term of the last entry that a snapshot covers.</summary>
    public (LogIndex Index, Term Term) Start => (_start.Index, _start.Term);

    /// <summary>The configuration of that snapshot; null while no snapshot covers anything.</summary>
    public Configuration? StartConfiguration { get; private set; }

    /// <summary>The entry at an index after <see cref="Start"/>; null when there is none.</summary>
    public Entry? At(LogIndex index) =>
        index > _start.Index && index <= LastIndex ? _entries[(int)(index - _start.Index) - 1] : null;

    /// <summary>True when it holds this entry, or a snapshot that covers it.</summary>
    public bool Holds(LogIndex index, Term term) => index <= _start.Index || At(index)?.Term == term;

    /// <summary>Whether a voter with this log could vote for one with the other. Raft §5.4.1.</summary>
    public bool IsNotAheadOf(ObservedLog other) =>
        LastTerm < other.LastTerm || (LastTerm == other.LastTerm && LastIndex <= other.LastIndex);

    public void Restart(HardState hardState, SnapshotMark? mark, IReadOnlyList<Entry> entries)
    {
        HardState = hardState;
        _start = new SnapshotPoint(mark?.LastIndex ?? LogIndex.Zero, mark?.LastTerm ?? Term.Zero);
        StartConfiguration = mark?.Configuration;
        _entries.Clear();
        _entries.AddRange(entries);
    }

    public ObservedLog Copy()
    {
        var copy = new ObservedLog { HardState = HardState, _start = _start, StartConfiguration = StartConfiguration };
        copy._entries.AddRange(_entries);
        return copy;
    }

    /// <summary>Applies one request as the log does. Returns how many entries it cut off.</summary>
    public long Write(PersistRequest request)
    {
        if (request.InstalledSnapshot is { } installed)
        {
            _start = new SnapshotPoint(installed.LastIndex, installed.LastTerm);
            StartConfiguration = installed.Configuration;
            _entries.Clear();
        }
        if (request.HardState is { } hardState)
        {
            HardState = hardState;
        }
        var cut = 0L;
        if (request.Entries.Count > 0)
        {
            var before = request.Entries[0].Index.Previous;
            Invariant.Require(before >= _start.Index && before <= LastIndex, "entries follow what is there");
            cut = LastIndex - before;
            _entries.RemoveRange((int)(before - _start.Index), (int)cut);
            _entries.AddRange(request.Entries);
        }
        return cut;
    }

    private readonly record struct SnapshotPoint(LogIndex Index, Term Term);
}
