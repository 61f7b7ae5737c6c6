using Consensus.Api.Locks;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Locks;

/// <summary>Holds and locks in the shapes of the API.</summary>
internal static class LockAnswers
{
    private const string Exclusive = "exclusive";

    public static LockGrantAnswer OfGrant(LockGranted granted, ClusterTime now, ClusterId cluster)
    {
        var hold = granted.Hold;
        return new LockGrantAnswer(
            hold.Name.ToString(),
            hold.Owner,
            Exclusive,
            hold.Token.Value,
            hold.Lease.ToString(),
            Durations.Ms(hold.TtlMicros),
            Durations.Ms(granted.WaitedMicros),
            ExpiresInMs(hold, now),
            cluster.ToString());
    }

    public static LockRenewedAnswer OfRenewal(Hold hold, ClusterTime now, ClusterId cluster) => new(
        hold.Name.ToString(),
        hold.Owner,
        Exclusive,
        hold.Token.Value,
        hold.Lease.ToString(),
        Durations.Ms(hold.TtlMicros),
        ExpiresInMs(hold, now),
        cluster.ToString());

    public static LockAnswer OfLock(LockInfo info, ClusterTime now) => new(
        info.Name.ToString(),
        info.Holder is { } hold ? [OfHolder(hold, now)] : [],
        [.. info.Waiters.Select(waiter => new LockWaiterAnswer(waiter.Owner, waiter.Position, Exclusive))],
        info.WaiterCount,
        info.LastLoss is { } loss
            ? new LockLossAnswer(loss.Owner, loss.Token.Value, OutcomeProblems.ReasonName(loss.Reason), loss.AtRevision.Value)
            : null);

    private static LockHolderAnswer OfHolder(Hold hold, ClusterTime now) => new(
        hold.Owner,
        Exclusive,
        hold.Token.Value,
        hold.Lease.ToString(),
        Durations.Ms(hold.TtlMicros),
        hold.AcquiredRevision.Value,
        ExpiresInMs(hold, now));

    /// <summary>Never more than the TTL: the clock that it is measured on may lag behind the stamp that began it.</summary>
    private static long ExpiresInMs(Hold hold, ClusterTime now) =>
        Math.Min(Durations.Ms(hold.TtlMicros), Durations.ExpiresInMs(hold.Deadline, now));
}
