using Consensus.Api.Semaphores;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Translation;

/// <summary>Semaphores as they are answered and shown.</summary>
public static class SemaphoreShapes
{
    public static SemaphoreGrantAnswer Of(HoldGranted granted, ClusterTime now, string cluster)
    {
        var hold = granted.Hold;
        return new SemaphoreGrantAnswer(
            hold.Name.ToString(),
            hold.Owner,
            granted.Permits,
            hold.Count,
            hold.Token.Value,
            hold.Lease.ToString(),
            Millis.Of(hold.TtlMicros),
            Millis.Of(granted.WaitedMicros),
            HoldShapes.ExpiresInMs(hold, now),
            cluster);
    }

    public static SemaphoreRenewedAnswer Of(HoldRenewed renewed, ClusterTime now, string cluster)
    {
        var hold = renewed.Hold;
        return new SemaphoreRenewedAnswer(
            hold.Name.ToString(),
            hold.Owner,
            hold.Count,
            hold.Token.Value,
            hold.Lease.ToString(),
            Millis.Of(hold.TtlMicros),
            HoldShapes.ExpiresInMs(hold, now),
            cluster);
    }

    public static SemaphoreAnswer Of(HeldObject info, ClusterTime now) => new(
        info.Name.ToString(),
        info.Permits == 0 ? null : info.Permits,
        info.PermitsUsed,
        [.. info.Holders.Select(hold => OfHolder(hold, now))],
        info.HolderCount,
        [.. info.Waiters.Select(waiter => new SemaphoreWaiterAnswer(waiter.Owner, waiter.Position, waiter.Count))],
        info.WaiterCount,
        HoldShapes.Loss(info.LastLoss, now),
        HoldShapes.DelayMs(info, now),
        HoldShapes.Delays(info, now));

    private static SemaphoreHolderAnswer OfHolder(Hold hold, ClusterTime now) => new(
        hold.Owner,
        hold.Count,
        hold.Token.Value,
        hold.Lease.ToString(),
        Millis.Of(hold.TtlMicros),
        hold.AcquiredRevision.Value,
        HoldShapes.ExpiresInMs(hold, now),
        HoldShapes.MaxHoldEndsInMs(hold, now),
        HoldShapes.LockDelayMs(hold),
        HoldShapes.Metadata(hold));
}
