using System.Text;
using Consensus.Api.Json;
using Consensus.Api.Locks;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Translation;

/// <summary>Parts of answers that are alike for locks, semaphores and elections.</summary>
public static class HoldShapes
{
    /// <summary>
    /// Until its lease ends, or its <c>maxHold</c> if that comes first. Never more than the TTL: the clock that it is measured on may lag behind the stamp that began it.
    /// </summary>
    public static long ExpiresInMs(Hold hold, ClusterTime now)
    {
        var deadline = hold.HoldUntil < hold.Deadline ? hold.HoldUntil : hold.Deadline;
        return Math.Min(Millis.Of(hold.TtlMicros), Millis.Left(deadline, now));
    }

    public static long? MaxHoldEndsInMs(Hold hold, ClusterTime now) =>
        hold.HoldUntil == ClusterTime.Never ? null : Millis.Left(hold.HoldUntil, now);

    public static long? LockDelayMs(Hold hold) => hold.LockDelayMicros == 0 ? null : Millis.Of(hold.LockDelayMicros);

    public static RawJson? Metadata(Hold hold) => hold.Metadata.IsEmpty ? null : new RawJson(Encoding.UTF8.GetString(hold.Metadata.Span));

    public static HoldLossAnswer? Loss(HoldLoss? loss, ClusterTime now) => loss is null
        ? null
        : new HoldLossAnswer(
            loss.Owner,
            loss.Token.Value,
            ReasonName(loss.Reason),
            loss.AtRevision.Value,
            Millis.Of(Math.Max(0, now - loss.At)),
            Millis.Of(loss.At - loss.RenewedAt),
            Millis.Of(loss.TtlMicros),
            loss.LeaderlessMicros == 0 ? null : Millis.Of(loss.LeaderlessMicros),
            loss.By.Length == 0 ? null : loss.By,
            loss.MaxHoldMicros == 0 ? null : Millis.Of(loss.MaxHoldMicros));

    /// <summary>For how long yet something of it is kept back for those who lost it; null when nothing is.</summary>
    public static long? DelayMs(HeldObject info, ClusterTime now) =>
        info.DelayedUntil is { } until && until > now ? Millis.Left(until, now) : null;

    /// <summary>What is kept back for whom; null when nothing is.</summary>
    public static IReadOnlyList<HoldDelayAnswer>? Delays(HeldObject info, ClusterTime now) => DelayMs(info, now) is null
        ? null
        : [.. info.Delays.Where(delay => delay.Until > now).Select(delay => new HoldDelayAnswer(
            delay.Token.Value,
            Millis.Left(delay.Until, now),
            delay.Owner == HoldDelay.Nobody ? null : delay.Owner,
            info.Object.Space == HoldSpace.Lock ? ModeName(delay.Mode) : null,
            info.Object.Space == HoldSpace.Semaphore ? delay.Count : null))];

    public static string ReasonName(LossReason reason) => reason switch
    {
        LossReason.Expired => "expired",
        LossReason.Revoked => "revoked",
        LossReason.Forced => "forced",
        LossReason.HeldTooLong => "held-too-long",
        _ => Invariant.Unreachable<string>(reason),
    };

    public static string ModeName(LockMode mode) => mode switch
    {
        LockMode.Exclusive => "exclusive",
        LockMode.Shared => "shared",
        _ => Invariant.Unreachable<string>(mode),
    };
}
