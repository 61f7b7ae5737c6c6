using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Scenarios.Runner;

/// <summary>Election safety and state-machine safety (Raft figure 3), so that no wrong output is ever taken for golden.</summary>
internal sealed class ScenarioSafety
{
    private readonly Dictionary<Term, MemberId> _leaders = [];
    private readonly Dictionary<LogIndex, Term> _applied = [];

    public void Check(Host host)
    {
        var node = host.Node;
        if (node.Role == RaftRole.Leader && !_leaders.TryAdd(node.Term, host.Id))
        {
            Invariant.Require(_leaders[node.Term] == host.Id, "a term has at most one leader");
        }
        foreach (var entry in host.Applied)
        {
            if (!_applied.TryAdd(entry.Index, entry.Term))
            {
                Invariant.Require(_applied[entry.Index] == entry.Term, "members apply the same entry at the same index");
            }
        }
    }
}
