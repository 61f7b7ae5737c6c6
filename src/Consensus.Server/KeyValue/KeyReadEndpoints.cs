using System.Text.Json;
using Consensus.Api;
using Consensus.Node;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.StateMachine;

namespace Consensus.Server.KeyValue;

/// <summary>GET and HEAD of <c>/v1/kv/</c>: one key, or the keys with a prefix.</summary>
internal sealed class KeyReadEndpoints(IConsensusNode node, ListReader lists, Replies replies)
{
    public Task GetAsync(ApiCall call)
    {
        var form = Accepts.Of(call.Http.Request.Headers.Accept);
        if (form == AcceptedForm.EventStream)
        {
            return replies.Problem(call.Http, Problem.BadRequest("watching (Accept: text/event-stream) is not supported by this version"));
        }
        return Names.IsGiven(call) ? GetOneAsync(call, form) : ListAsync(call);
    }

    private async Task GetOneAsync(ApiCall call, AcceptedForm form)
    {
        if (!Names.TryGetKey(call, out var key, out var refusal)
            || !ReadOptions.TryRead(call.Query, out var options, out refusal)
            || !ListParameters.AreAbsent(call.Query, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var answer = await node.ReadAsync(options.Consistency, options.MinRevision, CancellationToken.None);
        if (answer.View is not { } view)
        {
            await replies.Problem(call.Http, AnswerProblems.Of(answer.Kind, answer.Reason));
        }
        else if (view.GetKey(key) is { } record)
        {
            Item(call.Http, key, record, view, form);
        }
        else
        {
            await replies.Problem(call.Http, Problem.NotFound($"there is no key \"{key}\"", view.Revision));
        }
    }

    private void Item(HttpContext http, Key key, KeyRecord record, StateView view, AcceptedForm form)
    {
        var isKnown = EntityTags.IsKnown(http.Request.Headers.IfNoneMatch, record.ModRevision);
        replies.Start(http, isKnown ? StatusCodes.Status304NotModified : StatusCodes.Status200OK, view.Revision);
        http.Response.Headers.ETag = Replies.EntityTag(record.ModRevision);
        if (isKnown)
        {
            return;
        }
        if (form == AcceptedForm.Bytes)
        {
            http.Response.ContentType = "application/octet-stream";
            Replies.Body(http, record.Value.Span);
            return;
        }
        http.Response.ContentType = Replies.JsonContentType;
        var buffer = JsonBuffer.Rent();
        KeyJson.WriteItem(buffer.Json, key, record, withValue: true);
        Replies.Body(http, buffer.Written);
        buffer.Return();
    }

    private async Task ListAsync(ApiCall call)
    {
        if (!ListParameters.TryReadPrefix(call.Query, out var prefix, out var refusal)
            || !call.Query.TryGetSwitch(QueryName.KeysOnly, out var keysOnly, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var (page, problem) = await lists.OpenAsync(call, ListKind.Keys, prefix);
        if (page is null)
        {
            await replies.Problem(call.Http, problem!);
            return;
        }
        replies.Start(call.Http, StatusCodes.Status200OK, page.View.Revision);
        call.Http.Response.ContentType = Replies.JsonContentType;
        var buffer = JsonBuffer.Rent();
        WritePage(buffer.Json, page, Key.Own(prefix), keysOnly);
        Replies.Body(call.Http, buffer.Written);
        buffer.Return();
    }

    private void WritePage(Utf8JsonWriter json, ListPage page, Key prefix, bool keysOnly)
    {
        json.WriteStartObject();
        json.WriteStartArray("items"u8);
        Key? after = page.After is { } last ? new Key(last.Span) : null;
        var left = page.Limit;
        long bytes = 0;
        string? nextCursor = null;
        foreach (var (key, record) in page.View.ListKeys(prefix, after))
        {
            if (left == 0 || bytes >= ApiLimits.MaxPageBytes)
            {
                nextCursor = lists.Continue(page, ListKind.Keys, after!.Value.Memory);
                break;
            }
            KeyJson.WriteItem(json, key, record, !keysOnly);
            after = key;
            left--;
            bytes += key.Length + (keysOnly ? 0 : record.Value.Length);
        }
        json.WriteEndArray();
        json.WriteNumber("count"u8, page.View.CountKeys(prefix));
        json.WriteNumber("revision"u8, page.View.Revision.Value);
        json.WriteString("nextCursor"u8, nextCursor);
        json.WriteEndObject();
    }
}
