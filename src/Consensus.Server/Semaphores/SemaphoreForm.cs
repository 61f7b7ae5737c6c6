using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Semaphores;
using Consensus.Primitives;
using Consensus.Server.Holds;
using Consensus.Server.Http;
using Consensus.Server.Json;
using Consensus.Server.Lists;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Server.Semaphores;

/// <summary>Semaphores: up to a limit of permits are held together.</summary>
internal sealed class SemaphoreForm(Replies replies) : HoldForm
{
    public override HoldSpace Space => HoldSpace.Semaphore;

    public override string Noun => "semaphore";

    public override string NameWords => "semaphore name";

    public override ListKind ListKind => ListKind.Semaphores;

    public override AcquireCommand? ReadAcquire(Key name, ReadOnlyMemory<byte> body, long minTtlMicros, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        var fields = default(HoldFields);
        string? owner = null;
        long? permits = null;
        long? count = null;
        while (json.NextField())
        {
            if (json.Is("owner"u8, HoldFields.Next))
            {
                owner = json.Text();
            }
            else if (json.Is("permits"u8, HoldFields.Next + 1))
            {
                permits = json.Number(1, ApiLimits.MaxPermits);
            }
            else if (json.Is("count"u8, HoldFields.Next + 2))
            {
                count = json.Number(1, ApiLimits.MaxPermits);
            }
            else if (!fields.TryRead(ref json) && !fields.TryReadWait(ref json))
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? HoldFields.RefuseOwner(owner) ?? fields.Refuse(minTtlMicros) ?? RefusePermits(permits, count ?? 1);
        return refusal is null
            ? fields.ToCommand(ObjectName.Semaphore(name), owner!) with { Permits = permits!.Value, Count = count ?? 1 }
            : null;
    }

    public override Command? ReadPatch(Key name, ReadOnlyMemory<byte> body, out string? refusal) =>
        HoldRequests.ReadPatch(ObjectName.Semaphore(name), body, takesPermits: true, out refusal);

    public override Task GrantedAsync(HttpContext http, AcquireCommand asked, HoldGranted granted, HoldContext context) => replies.Json(
        http,
        StatusCodes.Status200OK,
        SemaphoreShapes.Of(granted, context.Now, context.Cluster.ToString()),
        ApiJson.Default.SemaphoreGrantAnswer,
        granted.Revision);

    public override Task RenewedAsync(HttpContext http, HoldRenewed renewed, HoldContext context) => replies.Json(
        http,
        StatusCodes.Status200OK,
        SemaphoreShapes.Of(renewed, context.Now, context.Cluster.ToString()),
        ApiJson.Default.SemaphoreRenewedAnswer,
        renewed.Revision);

    public override Task ShowAsync(HttpContext http, HeldObject info, Revision revision, HoldContext context) =>
        replies.Json(http, StatusCodes.Status200OK, SemaphoreShapes.Of(info, context.Now), ApiJson.Default.SemaphoreAnswer, revision);

    public override void Write(Utf8JsonWriter json, HeldObject info, HoldContext context) =>
        JsonSerializer.Serialize(json, SemaphoreShapes.Of(info, context.Now), ApiJson.Default.SemaphoreAnswer);

    public override Task ListAsync(HttpContext http, HoldPage page, HoldContext context) => replies.Json(
        http,
        StatusCodes.Status200OK,
        new SemaphoreListAnswer(
            [.. page.Items.Select(info => SemaphoreShapes.Of(info, context.Now))], page.Revision.Value, page.NextCursor),
        ApiJson.Default.SemaphoreListAnswer,
        page.Revision);

    private static string? RefusePermits(long? permits, long count) => permits switch
    {
        null => "the field \"permits\" is missing: the semaphore's limit",
        { } limit when count > limit => $"the field \"count\" is {count}, above \"permits\", {limit}: it could never be granted",
        _ => null,
    };
}
