using Consensus.Primitives;

namespace Consensus.Simulation.Checkers.Protocol;

/// <summary>A leader never overwrites or deletes entries in its log; it only appends new ones (Raft figure 3).</summary>
public sealed class LeaderAppendOnly
{
    public const string Name = "leader append-only";

    /// <summary>A member that led in this term before and after this write cut off so many entries.</summary>
    public static void Wrote(MemberId leader, Term term, long cutOff) =>
        Violation.Unless(cutOff == 0, Name, () => $"{leader}, the leader of term {term}, cut {cutOff} entries off its own log");
}
