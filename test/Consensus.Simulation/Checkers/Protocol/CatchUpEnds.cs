using Consensus.Primitives;

namespace Consensus.Simulation.Checkers.Protocol;

/// <summary>Whoever takes its leader's snapshot is then sent what comes after it: no process takes one after another and never an entry between them.</summary>
public sealed class CatchUpEnds
{
    public const string Name = "catch-up ends";

    /// <summary>A few may be in vain, when what tells the leader of one is lost.</summary>
    private const int MostInARow = 3;

    private readonly Dictionary<MemberId, Taken> _last = [];

    /// <summary>A snapshot of the leader is on a member's disk.</summary>
    /// <param name="boot">Of its process.</param>
    /// <param name="term">In which its process is.</param>
    /// <param name="applied">What its process has applied before.</param>
    /// <param name="mark">The last index of the snapshot.</param>
    public void Took(MemberId member, long boot, Term term, LogIndex applied, LogIndex mark)
    {
        var last = _last.GetValueOrDefault(member);
        var isInARow = last is not null && last.Boot == boot && last.Term == term && last.Mark == applied;
        var taken = _last[member] = new Taken(boot, term, mark, isInARow ? last!.InARow + 1 : 1);
        Violation.Unless(taken.InARow <= MostInARow, Name, () =>
            $"{member} took {taken.InARow} snapshots one after another in term {term}, the last up to {mark}, and was sent no entry between them");
    }

    private sealed record Taken(long Boot, Term Term, LogIndex Mark, int InARow);
}
