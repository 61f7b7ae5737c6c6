using Consensus.Node.Core.Flow;

namespace Consensus.Node.Core.Desks;

/// <summary>
/// On the leader an acquire that will only stand in line waits a moment for a command to go with: in a line that moves, the next
/// release. Whoever stands there is served no sooner by a flush of its own, and everybody else is served later. Nothing else ever
/// waits: neither what may be granted, nor what is queued with anything that does not wait.
/// </summary>
internal sealed class Company(TurnContext turn, CommandLanes lanes)
{
    /// <summary>From its arrival at the leader.</summary>
    private const long MostMicros = 1000;

    /// <summary>So many have company in one another, and are looked at in each turn until then.</summary>
    private const int Most = 64;

    /// <summary>Loop time until which all that is queued waits for company; now when it does not, or not any more.</summary>
    public long AwaitedUntil
    {
        get
        {
            if (lanes.First(CommandLane.Small) is not { } first
                || lanes.First(CommandLane.Urgent) is not null
                || lanes.First(CommandLane.Bulk) is not null
                || lanes.Count > Most
                || turn.Now - first.ArrivedMicros >= MostMicros)
            {
                return turn.Now;
            }
            for (var pending = first; pending is not null; pending = pending.Behind)
            {
                if (!StandsInLine(pending))
                {
                    return turn.Now;
                }
            }
            return first.ArrivedMicros + MostMicros;
        }
    }

    /// <summary>
    /// It would only stand in line, as far as is known here: if each command that is on its way through the log freed the very object for
    /// one of those who stand there, it would still not be its turn. One that ends many places at once may make that untrue, which costs
    /// the rest of the wait and nothing else.
    /// </summary>
    public bool StandsInLine(PendingCommand pending) =>
        pending.Acquire is { } acquire && turn.Applied.State.WouldStandInLine(acquire, turn.Raft.LastIndex - turn.Applied.Index);
}
