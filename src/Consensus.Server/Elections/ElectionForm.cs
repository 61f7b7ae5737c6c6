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
using Consensus.Translation;

namespace Consensus.Server.Elections;

/// <summary>Elections: an exclusive hold whose holder is called the leader, and proclaims a value.</summary>
internal sealed class ElectionForm(Replies replies) : HoldForm
{
    public override HoldSpace Space => HoldSpace.Election;

    public override string Noun => "election";

    public override string NameWords => "election name";

    public override ListKind ListKind => ListKind.Elections;

    public override AcquireCommand? ReadAcquire(Key name, ReadOnlyMemory<byte> body, long minTtlMicros, out string? refusal)
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

    public override RenewHoldCommand? ReadRenew(Key name, ReadOnlyMemory<byte> body, out string? refusal)
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

    public override Task GrantedAsync(HttpContext http, AcquireCommand asked, HoldGranted granted, HoldContext context) => replies.Json(
        http,
        StatusCodes.Status200OK,
        ElectionShapes.Of(granted, context.Now, context.Cluster.ToString()),
        ApiJson.Default.ElectedAnswer,
        granted.Revision);

    public override Task RenewedAsync(HttpContext http, HoldRenewed renewed, HoldContext context) => replies.Json(
        http,
        StatusCodes.Status200OK,
        ElectionShapes.Of(renewed, context.Now, context.Cluster.ToString()),
        ApiJson.Default.LeadershipAnswer,
        renewed.Revision);

    public override Task ShowAsync(HttpContext http, HeldObject info, Revision revision, HoldContext context)
    {
        if (info.Holder is not null || info.WaiterCount > 0)
        {
            var answer = ElectionShapes.Of(info, context.Now);
            return replies.Json(http, StatusCodes.Status200OK, answer, ApiJson.Default.ElectionAnswer, revision);
        }
        return replies.Problem(http, Problem.NotFound($"nobody leads \"{Excerpt.Of(info.Name)}\", and nobody stands for it", revision));
    }

    public override void Write(Utf8JsonWriter json, HeldObject info, HoldContext context) =>
        JsonSerializer.Serialize(json, ElectionShapes.Of(info, context.Now), ApiJson.Default.ElectionAnswer);

    public override Task ListAsync(HttpContext http, HoldPage page, HoldContext context) => replies.Json(
        http,
        StatusCodes.Status200OK,
        new ElectionListAnswer([.. page.Items.Select(info => ElectionShapes.Of(info, context.Now))], page.Revision.Value, page.NextCursor),
        ApiJson.Default.ElectionListAnswer,
        page.Revision);

    private static string? RefuseValue(byte[]? value) => value?.Length > ApiLimits.MaxMetadataBytes
        ? $"the field \"value\" has {value.Length} bytes; at most {ApiLimits.MaxMetadataBytes} are taken"
        : null;
}
