using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Checkers.Protocol;

/// <summary>
/// No two members apply different entries at one index (Raft figure 3), and whoever applied up to an index has the same state: the running hash over commands and
/// results is equal. What the hash does not see, the tables' indexes and sums, is looked at when a run ends.
/// </summary>
public sealed class StateMachineSafety
{
    public const string Name = "state machine safety";

    private readonly List<(Term Term, StateHash Contents)> _applied = [];
    private readonly Dictionary<LogIndex, (StateHash Hash, MemberId First)> _states = [];

    /// <summary>The highest index that any member applied.</summary>
    public LogIndex LastIndex => new(_applied.Count);

    /// <summary>True when this is the first member to apply the entry.</summary>
    public bool Applied(MemberId member, Entry entry)
    {
        var contents = (entry.Term, LogMatching.ContentsOf(entry));
        if (entry.Index == LastIndex.Next)
        {
            _applied.Add(contents);
            return true;
        }
        Violation.Unless(entry.Index <= LastIndex, Name, () => $"{member} applied entry {entry.Index} before anybody applied {LastIndex.Next}");
        Violation.Unless(_applied[(int)entry.Index.Value - 1] == contents, Name, () =>
            $"{member} applied another entry {entry.Index} (term {entry.Term}) than a member before it (term {_applied[(int)entry.Index.Value - 1].Term})");
        return false;
    }

    /// <summary>A member replaced its state by a snapshot of this entry.</summary>
    public void Installed(MemberId member, LogIndex index, Term term)
    {
        Violation.Unless(index <= LastIndex, Name, () => $"{member} installed a snapshot of entry {index}, which nobody applied");
        Violation.Unless(index == LogIndex.Zero || _applied[(int)index.Value - 1].Term == term, Name, () =>
            $"{member} installed a snapshot of an entry {index} of term {term}; the one that was applied has term {_applied[(int)index.Value - 1].Term}");
    }

    /// <summary>The tables of a state agree with their indexes and with one another.</summary>
    /// <param name="verify">Throws where they do not.</param>
    public static void Tables(string whose, Action verify)
    {
        try
        {
            verify();
        }
        catch (InvariantViolationException broken)
        {
            throw new SimulationFailureException(Name, $"the state of {whose}: {broken.Message}");
        }
    }

    /// <summary>A member's state after applying up to an index.</summary>
    public void State(MemberId member, LogIndex index, StateHash hash)
    {
        var isSame = _states.TryAdd(index, (hash, member)) || _states[index].Hash == hash;
        Violation.Unless(isSame, Name, () => $"after entry {index} the state of {member} is {hash}, and that of {_states[index].First} is {_states[index].Hash}");
    }
}
