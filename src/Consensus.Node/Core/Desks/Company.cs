using Consensus.Node.Core.Flow;
using Consensus.StateMachine;

namespace Consensus.Node.Core.Desks;

/// <summary>
/// On the leader an acquire that will only stand in line, of whichever member, waits a moment for a command to go with: in a line that moves, the next release. Whoever stands there
/// is not served sooner by a flush of its own, and everybody else is served later. Whether the object is held is a hint, from what is applied where it was asked for: apply alone judges.
/// </summary>
internal sealed class Company(TurnContext turn)
{
    private const long MostMicros = 1000;

    private ObjectName? _object;

    /// <summary>Loop time until which everything that is queued waits for company; 0 when nothing does.</summary>
    public long AwaitedUntil { get; private set; }

    public bool IsAwaited => turn.Now < AwaitedUntil;

    /// <summary>It will only stand in line, as far as this member knows.</summary>
    public bool IsFor(PendingCommand pending) => pending.WaitMicros > 0 && !pending.Asked.IsEmpty && turn.Applied.State.IsTaken(pending.Asked[0]);

    /// <summary>Commands of one lane are queued.</summary>
    /// <param name="isAlone">Nothing else is.</param>
    /// <param name="of">What is asked for, where that is known here.</param>
    public void Joins(CommandLane lane, bool isAlone, ObjectName? of)
    {
        if (lane != CommandLane.Patient)
        {
            Came();
        }
        else if (isAlone)
        {
            (AwaitedUntil, _object) = (turn.Now + MostMicros, of);
        }
    }

    /// <summary>Something that waits for nobody is queued, or the time is over: everything goes. Idempotent.</summary>
    public void Came() => AwaitedUntil = 0;

    /// <summary>What is free now would be granted: it is proposed in a turn that follows at once.</summary>
    public void AfterApply()
    {
        if (IsAwaited && _object is { } wanted && !turn.Applied.State.IsTaken(wanted))
        {
            AwaitedUntil = turn.Now;
        }
    }
}
