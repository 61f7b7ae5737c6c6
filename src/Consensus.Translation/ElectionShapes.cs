using System.Text;
using Consensus.Api.Elections;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Translation;

/// <summary>Elections as they are answered and shown.</summary>
public static class ElectionShapes
{
    public static ElectedAnswer Of(HoldGranted granted, ClusterTime now, string cluster)
    {
        var hold = granted.Hold;
        return new ElectedAnswer(
            hold.Name.ToString(),
            hold.Owner,
            ValueOf(hold),
            hold.Token.Value,
            hold.Lease.ToString(),
            Millis.Of(hold.TtlMicros),
            Millis.Of(granted.WaitedMicros),
            HoldShapes.ExpiresInMs(hold, now),
            cluster);
    }

    public static LeadershipAnswer Of(HoldRenewed renewed, ClusterTime now, string cluster)
    {
        var hold = renewed.Hold;
        return new LeadershipAnswer(
            hold.Name.ToString(),
            hold.Owner,
            ValueOf(hold),
            hold.Token.Value,
            hold.Lease.ToString(),
            Millis.Of(hold.TtlMicros),
            HoldShapes.ExpiresInMs(hold, now),
            cluster);
    }

    public static ElectionAnswer Of(HeldObject info, ClusterTime now)
    {
        var leader = info.Holder;
        return new ElectionAnswer
        {
            Name = info.Name.ToString(),
            Leader = leader?.Owner,
            Value = leader is null ? null : ValueOf(leader),
            FencingToken = leader?.Token.Value,
            Lease = leader?.Lease.ToString(),
            TtlMs = leader is null ? null : Millis.Of(leader.TtlMicros),
            AcquiredRevision = leader?.AcquiredRevision.Value,
            ExpiresInMs = leader is null ? null : HoldShapes.ExpiresInMs(leader, now),
            MaxHoldEndsInMs = leader is null ? null : HoldShapes.MaxHoldEndsInMs(leader, now),
            LockDelayMs = leader is null ? null : HoldShapes.LockDelayMs(leader),
            Metadata = leader is null ? null : HoldShapes.Metadata(leader),
            Candidates = [.. info.Waiters.Select(waiter => new CandidateAnswer(waiter.Owner, waiter.Position))],
            CandidateCount = info.WaiterCount,
            LastLoss = HoldShapes.Loss(info.LastLoss, now),
            DelayMs = HoldShapes.DelayMs(info, now),
            Delays = HoldShapes.Delays(info, now),
        };
    }

    public static string ValueOf(Hold hold) => Encoding.UTF8.GetString(hold.Value.Span);
}
