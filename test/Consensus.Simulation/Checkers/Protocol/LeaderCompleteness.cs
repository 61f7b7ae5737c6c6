using Consensus.Primitives;

namespace Consensus.Simulation.Checkers.Protocol;

/// <summary>An entry that was committed in a term is in the logs of the leaders of all later terms (Raft figure 3).</summary>
public sealed class LeaderCompleteness
{
    public const string Name = "leader completeness";

    private readonly List<(Term EntryTerm, Term CommittedIn)> _committed = [];

    /// <summary>The entry at the next index is committed, as a member in term <paramref name="seenIn"/> knew at the latest.</summary>
    public void Committed(LogIndex index, Term entryTerm, Term seenIn)
    {
        Invariant.Require(index.Value == _committed.Count + 1, "entries are committed in order");
        _committed.Add((entryTerm, seenIn));
    }

    /// <summary>A member begins to lead with this log.</summary>
    public void Leads(MemberId member, Term term, ObservedLog log)
    {
        for (var i = (int)log.Start.Index.Value; i < _committed.Count; i++)
        {
            var (entryTerm, committedIn) = _committed[i];
            var index = new LogIndex(i + 1);
            Violation.Unless(committedIn >= term || log.Holds(index, entryTerm), Name, () =>
                $"{member} leads in term {term} without entry {index} of term {entryTerm}, which was committed in term {committedIn}");
        }
    }
}
