using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.Server.Watches;
using Consensus.StateMachine;
using Consensus.Translation;

namespace Consensus.Server.KeyValue;

/// <summary>GET and HEAD of <c>/v1/kv/</c>: one key, or the keys with a prefix, now or at a past revision; or a watch of them.</summary>
internal sealed class KeyReadEndpoints(IConsensusNode node, ListReader lists, WatchEndpoints watches, Replies replies)
{
    /// <summary>A control character takes six bytes: a page of them must have room among the answers too, however little there is.</summary>
    private const long MaxPageJsonBytes = 2L * ApiLimits.MaxPageBytes;

    public Task GetAsync(ApiCall call)
    {
        if (call.Form == MediaForms.EventStream)
        {
            return watches.WatchKeysAsync(call);
        }
        if (!WatchParameters.AreAbsent(call.Query, out var refusal))
        {
            return replies.Problem(call.Http, refusal!);
        }
        return Names.IsGiven(call) ? GetOneAsync(call) : ListAsync(call);
    }

    private async Task GetOneAsync(ApiCall call)
    {
        if (!Names.TryGetKey(call, out var key, out var refusal)
            || !ReadOptions.TryRead(call.Query, out var options, out refusal)
            || !PastReads.TryReadRevision(call.Query, out var asked, out refusal)
            || !ListParameters.AreAbsent(call.Query, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var answer = await node.ReadAsync(options.Consistency, options.MinRevision, call.Http.RequestAborted);
        if (answer.View is not { } view)
        {
            await replies.Problem(call.Http, AnswerProblems.Of(answer.Kind, answer.Reason));
            return;
        }
        if (asked is { } revision && PastReads.Refuse(view, revision) is { } problem)
        {
            await replies.Problem(call.Http, problem);
            return;
        }
        var found = asked is { } at ? view.GetKeyAt(key, at) : view.GetKey(key);
        if (found is { } other && !EntityTags.IsWanted(call.Http.Request.Headers.IfMatch, other.ModRevision))
        {
            call.Http.Response.Headers.ETag = EntityTags.Of(other.ModRevision, call.Form);
            await replies.Problem(call.Http, new Problem(ProblemTypes.PreconditionFailed, $"the key's modRevision is {other.ModRevision}")
            {
                Revision = other.ModRevision.Value,
                StateRevision = view.Revision,
            });
        }
        else if (found is { } record)
        {
            await ItemAsync(call.Http, key, record, view, call.Form);
        }
        else
        {
            var when = asked is { } past ? $" at revision {past}" : "";
            await replies.Problem(call.Http, Problem.NotFound($"there is no key \"{key}\"{when}", view.Revision));
        }
    }

    private Task ItemAsync(HttpContext http, Key key, KeyRecord record, StateView view, MediaForms form)
    {
        var isKnown = EntityTags.IsKnown(http.Request.Headers.IfNoneMatch, record.ModRevision, form);
        replies.Start(http, isKnown ? StatusCodes.Status304NotModified : StatusCodes.Status200OK, view.Revision);
        http.Response.Headers.ETag = EntityTags.Of(record.ModRevision, form);
        if (isKnown)
        {
            return Task.CompletedTask;
        }
        if (form == MediaForms.Bytes)
        {
            http.Response.ContentType = "application/octet-stream";
            return replies.Body(http, record.Value);
        }
        http.Response.ContentType = Replies.JsonContentType;
        var buffer = replies.Rent(http);
        KeyJson.WriteItem(buffer.Json, key, record, withValue: true);
        return replies.Send(http, buffer);
    }

    private async Task ListAsync(ApiCall call)
    {
        if (!ListParameters.TryReadPrefix(call.Query, out var prefix, out var refusal)
            || !call.Query.TryGetSwitch(QueryName.KeysOnly, out var keysOnly, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var (page, problem) = await lists.OpenHistoryAsync(call, prefix);
        if (page is null)
        {
            await replies.Problem(call.Http, problem!);
            return;
        }
        replies.Start(call.Http, StatusCodes.Status200OK, page.View.Revision);
        call.Http.Response.ContentType = Replies.JsonContentType;
        var buffer = replies.Rent(call.Http);
        WritePage(buffer, page, Key.Own(prefix), keysOnly);
        await replies.Send(call.Http, buffer);
    }

    private void WritePage(JsonBuffer buffer, ListPage page, Key prefix, bool keysOnly)
    {
        var json = buffer.Json;
        json.WriteStartObject();
        json.WriteStartArray("items"u8);
        Key? after = page.After is { } last ? new Key(last.Span) : null;
        var left = page.Limit;
        long bytes = 0;
        var count = page.Count ?? CountKeys(page, prefix);
        string? nextCursor = null;
        foreach (var (key, record) in KeysOf(page, prefix, after))
        {
            if (buffer.IsRefused)
            {
                return;
            }
            if (left == 0 || bytes >= ApiLimits.MaxPageBytes || json.BytesCommitted + json.BytesPending >= MaxPageJsonBytes)
            {
                nextCursor = lists.Continue(page, ListKind.Keys, after!.Value.Memory, count);
                break;
            }
            KeyJson.WriteItem(json, key, record, !keysOnly);
            after = key;
            left--;
            bytes += key.Length + (keysOnly ? 0 : record.Value.Length);
        }
        json.WriteEndArray();
        json.WriteNumber("count"u8, count);
        json.WriteNumber("revision"u8, page.At.Value);
        json.WriteString("nextCursor"u8, nextCursor);
        json.WriteEndObject();
    }

    private static IEnumerable<KeyItem> KeysOf(ListPage page, Key prefix, Key? after) =>
        page.At == page.View.Revision ? page.View.ListKeys(prefix, after) : page.View.ListKeysAt(prefix, after, page.At);

    /// <summary>The present is counted in O(log n), the past by going through it: once, for the first page.</summary>
    private static long CountKeys(ListPage page, Key prefix) =>
        page.At == page.View.Revision ? page.View.CountKeys(prefix) : page.View.ListKeysAt(prefix, null, page.At).LongCount();
}
