using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Log;

namespace Consensus.Storage.Log;

/// <summary>
/// Adds records up again, from the state in the header of the oldest segment that is left. Every record that cannot follow what was
/// before it throws <see cref="WireFormatException"/>.
/// </summary>
internal sealed class LogReplay(LogState start)
{
    private readonly List<Entry> _entries = [];

    public LogState State { get; private set; } = start;

    /// <summary>
    /// The log's entries up to here are not in <see cref="Entries"/>: a snapshot covers them, or they were in deleted segments.
    /// <c>State.MarkIndex &lt;= Before</c>, and entry i is <c>Entries[i - Before - 1]</c>.
    /// </summary>
    public LogIndex Before { get; private set; } = start.LastIndex;

    public IReadOnlyList<Entry> Entries => _entries;

    public void Vote(HardState hardState) => Accept(State.TryVote(hardState, out var after), after);

    public void Commit(LogIndex commit) => Accept(State.TryCommit(commit, out var after), after);

    public void Append(Entry entry)
    {
        Accept(State.TryAppend(entry.Index, entry.Index, out var after), after);
        if (entry.Index <= Before)
        {
            _entries.Clear();
            Before = entry.Index.Previous;
        }
        var position = (int)(entry.Index - Before) - 1;
        _entries.RemoveRange(position, _entries.Count - position);
        if (position > 0 && _entries[position - 1].Term > entry.Term)
        {
            throw new WireFormatException($"entry {entry.Index} of term {entry.Term} follows one of term {_entries[position - 1].Term}");
        }
        _entries.Add(entry);
    }

    public void Install(SnapshotMark mark)
    {
        Accept(State.TryInstall(mark, out var after), after);
        _entries.Clear();
        Before = mark.LastIndex;
    }

    public void Take(SnapshotMark mark)
    {
        Accept(State.TryTake(mark, out var after), after);
        if (mark.LastIndex <= Before)
        {
            return;
        }
        var covered = (int)(mark.LastIndex - Before);
        if (_entries[covered - 1].Term != mark.LastTerm)
        {
            throw new WireFormatException($"a snapshot ends with entry {mark.LastIndex} of term {mark.LastTerm}, which the log has of term {_entries[covered - 1].Term}");
        }
        _entries.RemoveRange(0, covered);
        Before = mark.LastIndex;
    }

    private void Accept(string? wrong, LogState after) => State = wrong is null ? after : throw new WireFormatException(wrong);
}
