using Consensus.Primitives;

namespace Consensus.Simulation.Checkers.Protocol;

/// <summary>Once nothing goes wrong any more nobody deposes the leader: neither a member that was removed and came back, nor one that was added in vain (raft-bugs 23).</summary>
public static class LeaderStays
{
    public const string Name = "leader stays";

    /// <summary>By then the last of what the network kept back has arrived.</summary>
    public const long SettledAfterMicros = 5_000_000;

    public const long WatchedForMicros = 10_000_000;

    public static void Watched(MemberId leader, Term term, MemberId later, Term laterTerm) => Violation.Unless(
        !leader.IsNone && leader == later && term == laterTerm,
        Name,
        () => $"{leader} led in term {term}; {WatchedForMicros / 1_000_000} virtual seconds later {later} leads in term {laterTerm}");
}
