using Consensus.Exploration.Members;
using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Exploration.Safety;

/// <summary>Promises about a state, whatever led to it (Raft figure 3). What was compared once is not compared again.</summary>
internal sealed class StatePromises(Steps steps)
{
    private readonly HashSet<(int, int)> _matching = [];
    private readonly HashSet<(int, int)> _complete = [];

    public void Check(ReadOnlySpan<int> members, int historyNumber, History history)
    {
        for (var i = 0; i < members.Length; i++)
        {
            var node = steps.MemberOf(members[i]).Host.Node;
            if (node.Role == RaftRole.Leader && _complete.Add((members[i], historyNumber)))
            {
                CheckCompleteness(node, history);
            }
            for (var j = i + 1; j < members.Length; j++)
            {
                if (_matching.Add((members[i], members[j])))
                {
                    CheckMatching(node, steps.MemberOf(members[j]).Host.Node);
                }
            }
        }
    }

    /// <summary>Leader completeness: what was committed in an earlier term is in the log of who leads.</summary>
    private static void CheckCompleteness(RaftNode leader, History history)
    {
        foreach (var (entry, seenIn) in history.Committed)
        {
            BrokenPromiseException.Unless(
                seenIn >= leader.Term || leader.Log.Holds(entry.Index, entry.Term),
                () => $"leader completeness: {leader.Self} leads in term {leader.Term} without entry {entry.Index} of term {entry.Term}, committed in term {seenIn}");
        }
    }

    /// <summary>Log matching: logs with a common entry are equal up to it.</summary>
    private static void CheckMatching(RaftNode one, RaftNode other)
    {
        var haveMet = false;
        for (var index = LogIndex.Min(one.LastIndex, other.LastIndex); index >= LogIndex.Max(one.FirstIndex, other.FirstIndex); index = index.Previous)
        {
            haveMet |= one.Log[index].Term == other.Log[index].Term;
            var at = index;
            BrokenPromiseException.Unless(
                !haveMet || History.IsSame(one.Log[index], other.Log[index]),
                () => $"log matching: the logs of {one.Self} and {other.Self} have a common entry, and differ at {at} before it");
        }
    }
}
