using Consensus.Api.Locks;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Translation;

/// <summary>Locks as they are answered and shown.</summary>
public static class LockShapes
{
    public static LockGrantAnswer Of(HoldGranted granted, ClusterTime now, string cluster)
    {
        var hold = granted.Hold;
        return new LockGrantAnswer(
            hold.Name.ToString(),
            hold.Owner,
            HoldShapes.ModeName(hold.Mode),
            hold.Token.Value,
            hold.Lease.ToString(),
            Millis.Of(hold.TtlMicros),
            Millis.Of(granted.WaitedMicros),
            HoldShapes.ExpiresInMs(hold, now),
            cluster);
    }

    public static MultiLockAnswer Of(ManyGranted granted, ClusterTime now, string cluster)
    {
        var first = granted.Holds[0];
        return new MultiLockAnswer(
            first.Owner,
            first.Lease.ToString(),
            Millis.Of(first.TtlMicros),
            Millis.Of(granted.WaitedMicros),
            HoldShapes.ExpiresInMs(first, now),
            cluster,
            [.. granted.Holds.Select(hold => new MultiLockItem(hold.Name.ToString(), hold.Token.Value))]);
    }

    public static HoldRenewedAnswer Of(HoldRenewed renewed, ClusterTime now, string cluster)
    {
        var hold = renewed.Hold;
        return new HoldRenewedAnswer(
            hold.Name.ToString(),
            hold.Owner,
            HoldShapes.ModeName(hold.Mode),
            hold.Token.Value,
            hold.Lease.ToString(),
            Millis.Of(hold.TtlMicros),
            HoldShapes.ExpiresInMs(hold, now),
            cluster);
    }

    public static LockAnswer Of(HeldObject info, ClusterTime now) => new(
        info.Name.ToString(),
        [.. info.Holders.Select(hold => OfHolder(hold, now))],
        info.HolderCount,
        [.. info.Waiters.Select(waiter => new LockWaiterAnswer(waiter.Owner, waiter.Position, HoldShapes.ModeName(waiter.Mode)))],
        info.WaiterCount,
        HoldShapes.Loss(info.LastLoss, now),
        HoldShapes.DelayMs(info, now),
        HoldShapes.Delays(info, now));

    private static LockHolderAnswer OfHolder(Hold hold, ClusterTime now) => new(
        hold.Owner,
        HoldShapes.ModeName(hold.Mode),
        hold.Token.Value,
        hold.Lease.ToString(),
        Millis.Of(hold.TtlMicros),
        hold.AcquiredRevision.Value,
        HoldShapes.ExpiresInMs(hold, now),
        HoldShapes.MaxHoldEndsInMs(hold, now),
        HoldShapes.LockDelayMs(hold),
        HoldShapes.Metadata(hold));
}
