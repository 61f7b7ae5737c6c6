using System.Text;
using System.Text.Unicode;
using Consensus.Api.Elections;
using Consensus.Api.Json;
using Consensus.Api.KeyValue;
using Consensus.Api.Locks;
using Consensus.Api.Semaphores;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Client.Testing.Api;

/// <summary>Answers of the contract out of the state.</summary>
internal static class Answers
{
    public static KeyAnswer Of(Key key, KeyRecord record, bool withValue = true)
    {
        var value = withValue ? record.Value : default;
        return new KeyAnswer
        {
            Key = Text(key.Bytes),
            KeyBase64 = Base64(key.Bytes),
            Value = withValue ? Text(value.Span) : null,
            ValueBase64 = withValue ? Base64(value.Span) : null,
            CreateRevision = record.CreateRevision.Value,
            ModRevision = record.ModRevision.Value,
            Version = record.Version,
            Lease = Lease(record.Lease),
        };
    }

    public static KeyAnswer OfPut(Key key, Revision createRevision, Revision modRevision, long version, LeaseId lease) => new()
    {
        Key = Text(key.Bytes),
        KeyBase64 = Base64(key.Bytes),
        CreateRevision = createRevision.Value,
        ModRevision = modRevision.Value,
        Version = version,
        Lease = Lease(lease),
    };

    public static LockAnswer OfLock(HeldObject info, ClusterTime now) => new(
        info.Name.ToString(),
        [.. info.Holders.Select(hold => new LockHolderAnswer(
            hold.Owner,
            Mode(hold.Mode),
            hold.Token.Value,
            hold.Lease.ToString(),
            Ms(hold.TtlMicros),
            hold.AcquiredRevision.Value,
            ExpiresInMs(hold, now),
            MaxHoldEndsInMs(hold, now),
            LockDelayMs(hold),
            Metadata(hold)))],
        info.HolderCount,
        [.. info.Waiters.Select(waiter => new LockWaiterAnswer(waiter.Owner, waiter.Position, Mode(waiter.Mode)))],
        info.WaiterCount,
        Loss(info.LastLoss, now),
        DelayMs(info, now),
        Delays(info, now));

    public static SemaphoreAnswer OfSemaphore(HeldObject info, ClusterTime now) => new(
        info.Name.ToString(),
        info.Permits == 0 ? null : info.Permits,
        info.PermitsUsed,
        [.. info.Holders.Select(hold => new SemaphoreHolderAnswer(
            hold.Owner,
            hold.Count,
            hold.Token.Value,
            hold.Lease.ToString(),
            Ms(hold.TtlMicros),
            hold.AcquiredRevision.Value,
            ExpiresInMs(hold, now),
            MaxHoldEndsInMs(hold, now),
            LockDelayMs(hold),
            Metadata(hold)))],
        info.HolderCount,
        [.. info.Waiters.Select(waiter => new SemaphoreWaiterAnswer(waiter.Owner, waiter.Position, waiter.Count))],
        info.WaiterCount,
        Loss(info.LastLoss, now),
        DelayMs(info, now),
        Delays(info, now));

    public static ElectionAnswer OfElection(HeldObject info, ClusterTime now)
    {
        var leader = info.Holder;
        return new ElectionAnswer
        {
            Name = info.Name.ToString(),
            Leader = leader?.Owner,
            Value = leader is null ? null : Value(leader),
            FencingToken = leader?.Token.Value,
            Lease = leader?.Lease.ToString(),
            TtlMs = leader is null ? null : Ms(leader.TtlMicros),
            AcquiredRevision = leader?.AcquiredRevision.Value,
            ExpiresInMs = leader is null ? null : ExpiresInMs(leader, now),
            MaxHoldEndsInMs = leader is null ? null : MaxHoldEndsInMs(leader, now),
            LockDelayMs = leader is null ? null : LockDelayMs(leader),
            Metadata = leader is null ? null : Metadata(leader),
            Candidates = [.. info.Waiters.Select(waiter => new CandidateAnswer(waiter.Owner, waiter.Position))],
            CandidateCount = info.WaiterCount,
            LastLoss = Loss(info.LastLoss, now),
            DelayMs = DelayMs(info, now),
            Delays = Delays(info, now),
        };
    }

    public static string? Text(ReadOnlySpan<byte> bytes) => Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null;

    public static string? Base64(ReadOnlySpan<byte> bytes) => Utf8.IsValid(bytes) ? null : Convert.ToBase64String(bytes);

    public static string? Lease(LeaseId lease) => lease.IsNone ? null : lease.ToString();

    public static string Mode(LockMode mode) => mode == LockMode.Shared ? "shared" : "exclusive";

    public static string Value(Hold hold) => Encoding.UTF8.GetString(hold.Value.Span);

    public static long Ms(long micros) => micros / 1_000;

    public static long ExpiresInMs(Hold hold, ClusterTime now) =>
        Math.Min(Ms(hold.TtlMicros), Left(hold.HoldUntil < hold.Deadline ? hold.HoldUntil : hold.Deadline, now));

    public static long Left(ClusterTime deadline, ClusterTime now) => deadline > now ? Ms(deadline.Micros - now.Micros) : 0;

    private static long? MaxHoldEndsInMs(Hold hold, ClusterTime now) => hold.HoldUntil == ClusterTime.Never ? null : Left(hold.HoldUntil, now);

    private static long? LockDelayMs(Hold hold) => hold.LockDelayMicros == 0 ? null : Ms(hold.LockDelayMicros);

    private static RawJson? Metadata(Hold hold) => hold.Metadata.IsEmpty ? null : new RawJson(Encoding.UTF8.GetString(hold.Metadata.Span));

    private static long? DelayMs(HeldObject info, ClusterTime now) => info.DelayedUntil is { } until && until > now ? Left(until, now) : null;

    private static IReadOnlyList<HoldDelayAnswer>? Delays(HeldObject info, ClusterTime now) => DelayMs(info, now) is null
        ? null
        : [.. info.Delays.Where(delay => delay.Until > now).Select(delay => new HoldDelayAnswer(
            delay.Owner == HoldDelay.Nobody ? null : delay.Owner,
            delay.Token.Value,
            Left(delay.Until, now),
            info.Object.Space == HoldSpace.Lock ? Mode(delay.Mode) : null,
            info.Object.Space == HoldSpace.Semaphore ? delay.Count : null))];

    private static HoldLossAnswer? Loss(HoldLoss? loss, ClusterTime now) => loss is null
        ? null
        : new HoldLossAnswer(
            loss.Owner,
            loss.Token.Value,
            ReasonName(loss.Reason),
            loss.AtRevision.Value,
            Left(now, loss.At),
            Ms(loss.At - loss.RenewedAt),
            Ms(loss.TtlMicros),
            loss.LeaderlessMicros == 0 ? null : Ms(loss.LeaderlessMicros),
            loss.By.Length == 0 ? null : loss.By,
            loss.MaxHoldMicros == 0 ? null : Ms(loss.MaxHoldMicros));

    private static string ReasonName(LossReason reason) => reason switch
    {
        LossReason.Expired => "expired",
        LossReason.Revoked => "revoked",
        LossReason.Forced => "forced",
        LossReason.HeldTooLong => "held-too-long",
        _ => Invariant.Unreachable<string>(reason),
    };
}
