using System.Text;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Elections;
using Consensus.Primitives;
using Consensus.Server.Holds;
using Consensus.Server.Http;
using Consensus.Server.Json;
using Consensus.Server.Lists;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Elections;

/// <summary>Elections: an exclusive hold whose holder is called the leader, and proclaims a value.</summary>
internal sealed class ElectionForm(Replies replies) : HoldForm
{
    public override HoldSpace Space => HoldSpace.Election;

    public override string Noun => "election";

    public override string NameWords => "election name";

    public override ListKind ListKind => ListKind.Elections;

    public override AcquireCommand? ReadAcquire(Key name, ReadOnlySpan<byte> body, long minTtlMicros, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        var fields = default(HoldFields);
        string? candidate = null;
        byte[]? value = null;
        while (json.NextField())
        {
            if (json.Is("candidate"u8, HoldFields.Next))
            {
                candidate = json.Text();
            }
            else if (json.Is("value"u8, HoldFields.Next + 1))
            {
                value = json.TextBytes();
            }
            else if (!fields.TryRead(ref json) && !fields.TryReadWait(ref json))
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? HoldFields.RefuseOwner(candidate, "candidate") ?? fields.Refuse(minTtlMicros) ?? RefuseValue(value);
        return refusal is null ? fields.ToCommand(ObjectName.Election(name), candidate!) with { Value = value } : null;
    }

    public override RenewHoldCommand? ReadRenew(Key name, ReadOnlySpan<byte> body, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        FencingToken? token = null;
        byte[]? value = null;
        while (json.NextField())
        {
            if (json.Is("fencingToken"u8, 0))
            {
                token = json.Token();
            }
            else if (json.Is("value"u8, 1))
            {
                value = json.TextBytes();
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? (token is null ? HoldRequests.TokenMissing : null) ?? RefuseValue(value);
        return refusal is null
            ? new RenewHoldCommand(name, token!.Value) { Space = Space, Value = value is null ? default(ReadOnlyMemory<byte>?) : value }
            : null;
    }

    public override Task GrantedAsync(HttpContext http, AcquireCommand asked, HoldGranted granted, HoldContext context)
    {
        var hold = granted.Hold;
        var answer = new ElectedAnswer(
            hold.Name.ToString(),
            hold.Owner,
            ValueOf(hold),
            hold.Token.Value,
            hold.Lease.ToString(),
            Durations.Ms(hold.TtlMicros),
            Durations.Ms(granted.WaitedMicros),
            HoldShapes.ExpiresInMs(hold, context.Now),
            context.Cluster.ToString());
        return replies.Json(http, StatusCodes.Status200OK, answer, ApiJson.Default.ElectedAnswer, granted.Revision);
    }

    public override Task RenewedAsync(HttpContext http, HoldRenewed renewed, HoldContext context)
    {
        var hold = renewed.Hold;
        var answer = new LeadershipAnswer(
            hold.Name.ToString(),
            hold.Owner,
            ValueOf(hold),
            hold.Token.Value,
            hold.Lease.ToString(),
            Durations.Ms(hold.TtlMicros),
            HoldShapes.ExpiresInMs(hold, context.Now),
            context.Cluster.ToString());
        return replies.Json(http, StatusCodes.Status200OK, answer, ApiJson.Default.LeadershipAnswer, renewed.Revision);
    }

    public override Task ShowAsync(HttpContext http, HeldObject info, Revision revision, HoldContext context)
    {
        if (info.Holder is not null || info.WaiterCount > 0)
        {
            return replies.Json(http, StatusCodes.Status200OK, Of(info, context.Now), ApiJson.Default.ElectionAnswer, revision);
        }
        return replies.Problem(http, Problem.NotFound($"nobody leads \"{info.Name}\", and nobody stands for it", revision));
    }

    public override void Write(Utf8JsonWriter json, HeldObject info, HoldContext context) =>
        JsonSerializer.Serialize(json, Of(info, context.Now), ApiJson.Default.ElectionAnswer);

    public override Task ListAsync(HttpContext http, HoldPage page, HoldContext context) => replies.Json(
        http,
        StatusCodes.Status200OK,
        new ElectionListAnswer([.. page.Items.Select(info => Of(info, context.Now))], page.Revision.Value, page.NextCursor),
        ApiJson.Default.ElectionListAnswer,
        page.Revision);

    private static ElectionAnswer Of(HeldObject info, ClusterTime now)
    {
        var leader = info.Holder;
        return new ElectionAnswer
        {
            Name = info.Name.ToString(),
            Leader = leader?.Owner,
            Value = leader is null ? null : ValueOf(leader),
            FencingToken = leader?.Token.Value,
            Lease = leader?.Lease.ToString(),
            TtlMs = leader is null ? null : Durations.Ms(leader.TtlMicros),
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

    private static string ValueOf(Hold hold) => Encoding.UTF8.GetString(hold.Value.Span);

    private static string? RefuseValue(byte[]? value) => value?.Length > ApiLimits.MaxMetadataBytes
        ? $"the field \"value\" has {value.Length} bytes; at most {ApiLimits.MaxMetadataBytes} are taken"
        : null;
}
