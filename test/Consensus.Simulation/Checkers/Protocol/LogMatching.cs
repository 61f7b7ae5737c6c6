using Consensus.Primitives;
using Consensus.Raft.Log;

namespace Consensus.Simulation.Checkers.Protocol;

/// <summary>
/// If two logs contain an entry with the same index and term, then they are identical in all entries up through it (Raft figure 3). Each entry is compared, with
/// the term of the one before it, with what any log held in its place under its term; by induction that is the whole log.
/// </summary>
public sealed class LogMatching
{
    public const string Name = "log matching";

    private readonly Dictionary<(LogIndex Index, Term Term), (Term Previous, StateHash Contents)> _seen = [];

    public void Appended(MemberId member, Entry entry, Term previousTerm)
    {
        var contents = ContentsOf(entry);
        var isSame = _seen.TryAdd((entry.Index, entry.Term), (previousTerm, contents)) || _seen[(entry.Index, entry.Term)] == (previousTerm, contents);
        Violation.Unless(isSame, Name, () => $"the log of {member} has another entry {entry.Index} of term {entry.Term}, or another before it, than a log seen earlier");
    }

    public static StateHash ContentsOf(Entry entry) => StateHash.Initial
        .Add((int)entry.Kind)
        .Add(entry.Stamp.Micros)
        .Add(entry.Request.Member.Value)
        .Add(entry.Request.Boot)
        .Add(entry.Request.Sequence)
        .Add(entry.Payload.Span);
}
