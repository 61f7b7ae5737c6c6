using Consensus.Primitives;

namespace Consensus.Simulation.Checkers.Protocol;

/// <summary>
/// A member says that it is ready when it has applied all that was applied anywhere at the time when it last knew that it may be behind: when its process began, when it had no leader, and
/// when it had stood still for so long that it may have been forgotten.
/// </summary>
public sealed class ReadyHasCaughtUp
{
    public const string Name = "ready has caught up";

    private readonly Dictionary<MemberId, LogIndex> _mustHave = [];

    /// <param name="applied">The highest index that any member has applied.</param>
    public void MayBeBehind(MemberId member, LogIndex applied) => _mustHave[member] = applied;

    /// <summary>After a turn.</summary>
    /// <param name="applied">What it has applied itself.</param>
    public void Turned(MemberId member, bool isReady, LogIndex applied)
    {
        var mustHave = _mustHave.GetValueOrDefault(member);
        Violation.Unless(!isReady || applied >= mustHave, Name, () =>
            $"{member} is ready and has applied entry {applied}; {mustHave} was applied elsewhere when it last knew that it may be behind");
    }
}
