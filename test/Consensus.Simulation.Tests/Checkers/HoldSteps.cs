using Consensus.Primitives;
using Consensus.Simulation.Checkers.Holds;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Tests.Checkers;

/// <summary>Hand-made steps of the log with one object, short to write.</summary>
internal static class HoldSteps
{
    public static readonly Key Name = Key.FromText("x");
    public static readonly StateView Empty = new ReplicatedState(Limits.Default).TakeView();
    public static readonly AcquireCommand Ask = new(Name, "", 1, LeaseId.None, LeaseId.None, 0);

    public static Hold Held(string owner, long token, LockMode mode = LockMode.Exclusive, long count = 1, long delay = 0, long? until = null) =>
        new(Name, owner, new FencingToken(token), new LeaseId(1), 1, new Revision(token), ClusterTime.Never)
        {
            Mode = mode,
            Count = count,
            LockDelayMicros = delay,
            HoldUntil = until is { } micros ? new ClusterTime(micros) : ClusterTime.Never,
        };

    public static WaiterInfo InLine(string owner, LockMode mode = LockMode.Exclusive, long until = 1_000, bool isDetached = false) =>
        new(owner, 1, new ClusterTime(until), isDetached) { Mode = mode };

    public static HeldObject Info(HoldSpace space, Hold[] holders, long permits = 0, HoldLoss? loss = null, params WaiterInfo[] waiters) =>
        new(new ObjectName(space, Name), [.. holders], holders.Length, [.. waiters], waiters.Length, loss) { Permits = permits };

    public static AppliedEntry Entry(Command command, long stamp = 0, Outcome? outcome = null) =>
        new(new LogIndex(1), new ClusterTime(stamp), command, null, outcome ?? new Noted(new Revision(1)), [], Empty, Empty);

    public static HoldStep Step(HeldObject before, HeldObject after) => new(
        after.Object,
        before,
        after,
        [.. after.Holders.Where(hold => !before.Holders.Any(had => had.Token == hold.Token))],
        [.. before.Holders.Where(hold => !after.Holders.Any(has => has.Token == hold.Token))]);

    public static HoldStep Step(Hold[] before, Hold[] after) => Step(Info(HoldSpace.Lock, before), Info(HoldSpace.Lock, after));
}
