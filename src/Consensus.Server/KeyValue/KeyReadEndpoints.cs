using Consensus.Api.Problems;
using Consensus.Server.Auth;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.Server.Watches;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.KeyValue;

/// <summary>GET and HEAD of <c>/v1/kv/</c>: one key, or the keys with a prefix, now or at a past revision; or a watch of them.</summary>
internal sealed class KeyReadEndpoints(JudgedReads reads, ListReader lists, WatchEndpoints watches, Replies replies)
{
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
        var read = await reads.ReadAsync(call, options, Access.To(Spaces.Keys, Verbs.Read, key));
        if (read.View is not { } view)
        {
            await replies.Problem(call.Http, read.Refusal!);
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
            await replies.Problem(call.Http, Problem.NotFound($"there is no key \"{Excerpt.Of(key)}\"{when}", view.Revision));
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
        return replies.Document(http, new KeyItemDocument(key, record));
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
        call.Http.Response.ContentType = Accepts.NameOf(call.Form);
        var buffer = replies.Rent(call.Http);
        buffer.Write(new KeyPage(buffer, lists, page, Key.Own(prefix), keysOnly), call.Form);
        await replies.Send(call.Http, buffer);
    }
}
