using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Locks;
using Consensus.Primitives;
using Consensus.Server.Holds;
using Consensus.Server.Http;
using Consensus.Server.Json;
using Consensus.Server.Lists;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Server.Locks;

/// <summary>Locks, exclusive and shared.</summary>
internal sealed class LockForm(Replies replies) : HoldForm
{
    public override HoldSpace Space => HoldSpace.Lock;

    public override string Noun => "lock";

    public override string NameWords => "lock name";

    public override ListKind ListKind => ListKind.Locks;

    public override AcquireCommand? ReadAcquire(Key name, ReadOnlyMemory<byte> body, long minTtlMicros, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        var fields = default(HoldFields);
        string? owner = null;
        string? mode = null;
        while (json.NextField())
        {
            if (json.Is("owner"u8, HoldFields.Next))
            {
                owner = json.Text();
            }
            else if (json.Is("mode"u8, HoldFields.Next + 1))
            {
                mode = json.Text();
            }
            else if (!fields.TryRead(ref json) && !fields.TryReadWait(ref json))
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? HoldFields.RefuseOwner(owner) ?? fields.Refuse(minTtlMicros) ?? RefuseMode(mode);
        return refusal is null
            ? fields.ToCommand(ObjectName.Lock(name), owner!) with { Mode = mode == Shared ? LockMode.Shared : LockMode.Exclusive }
            : null;
    }

    public override Task GrantedAsync(HttpContext http, AcquireCommand asked, HoldGranted granted, HoldContext context) => replies.Json(
        http,
        StatusCodes.Status200OK,
        LockShapes.Of(granted, context.Now, context.Cluster.ToString()),
        ApiJson.Default.LockGrantAnswer,
        granted.Revision);

    public override Task RenewedAsync(HttpContext http, HoldRenewed renewed, HoldContext context) => replies.Json(
        http,
        StatusCodes.Status200OK,
        LockShapes.Of(renewed, context.Now, context.Cluster.ToString()),
        ApiJson.Default.HoldRenewedAnswer,
        renewed.Revision);

    public override Task ShowAsync(HttpContext http, HeldObject info, Revision revision, HoldContext context) =>
        replies.Json(http, StatusCodes.Status200OK, LockShapes.Of(info, context.Now), ApiJson.Default.LockAnswer, revision);

    public override void Write(Utf8JsonWriter json, HeldObject info, HoldContext context) =>
        JsonSerializer.Serialize(json, LockShapes.Of(info, context.Now), ApiJson.Default.LockAnswer);

    public override Task ListAsync(HttpContext http, HoldPage page, HoldContext context) => replies.Json(
        http,
        StatusCodes.Status200OK,
        new LockListAnswer([.. page.Items.Select(info => LockShapes.Of(info, context.Now))], page.Revision.Value, page.NextCursor),
        ApiJson.Default.LockListAnswer,
        page.Revision);

    private const string Exclusive = "exclusive";
    private const string Shared = "shared";

    private static string? RefuseMode(string? mode) => mode is null or Exclusive or Shared ? null : "the field \"mode\" is neither \"exclusive\" nor \"shared\"";
}
