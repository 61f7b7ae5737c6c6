using Consensus.Primitives;

namespace Consensus.Simulation.Checkers.Protocol;

/// <summary>At most one leader in each term (Raft figure 3), and what it rests on: at most one vote of each member in each term, terms that never go back.</summary>
public sealed class ElectionSafety
{
    public const string Name = "election safety";

    private readonly Dictionary<Term, MemberId> _leaders = [];
    private readonly Dictionary<(MemberId Voter, Term Term), MemberId> _votes = [];

    /// <summary>How many terms had a leader.</summary>
    public int Elections => _leaders.Count;

    public void Leads(MemberId member, Term term)
    {
        var isOnly = _leaders.TryAdd(term, member) || _leaders[term] == member;
        Violation.Unless(isOnly, Name, () => $"term {term} has two leaders: {_leaders[term]} and {member}");
    }

    /// <summary>A vote left its voter, or a candidate asked for others' on the strength of its own.</summary>
    public void Voted(MemberId voter, Term term, MemberId candidate)
    {
        var isOnly = _votes.TryAdd((voter, term), candidate) || _votes[(voter, term)] == candidate;
        Violation.Unless(isOnly, Name, () => $"{voter} voted twice in term {term}: for {_votes[(voter, term)]} and for {candidate}");
    }
}
