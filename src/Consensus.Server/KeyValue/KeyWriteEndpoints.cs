using System.Text;
using Consensus.Api;
using Consensus.Api.KeyValue;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Documents;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Server.KeyValue;

/// <summary>PUT and DELETE of <c>/v1/kv/</c>. They turn requests into commands and never look at state: conditions are judged in Apply.</summary>
internal sealed class KeyWriteEndpoints(CommandRunner commands, Replies replies)
{
    public async Task PutAsync(ApiCall call)
    {
        var http = call.Http;
        var headers = http.Request.Headers;
        if (!Names.TryGetKey(call, out var key, out var refusal)
            || !EntityTags.TryReadCondition(headers.IfMatch, headers.IfNoneMatch, out var condition, out refusal)
            || !TryReadLease(call.Query, out var lease, out refusal)
            || !RequestIdentity.TryRead(call, out var identity, out refusal))
        {
            await replies.Problem(http, refusal!);
            return;
        }
        var (value, problem) = await ReadValueAsync(call);
        if (problem is not null)
        {
            await replies.Problem(http, problem);
            return;
        }
        var answer = await commands.ExecuteAsync(call, identity, value, new PutCommand(key, value, lease, condition));
        if (answer.Kind != AnswerKind.Done)
        {
            await replies.Problem(http, AnswerProblems.Of(answer.Kind, answer.Reason));
        }
        else if (answer.Outcome is PutDone done)
        {
            await PutAsync(http, done);
        }
        else
        {
            await FailedAsync(http, answer.Outcome!);
        }
    }

    public async Task DeleteAsync(ApiCall call)
    {
        var http = call.Http;
        if (!TryReadDelete(call, out var command, out var refusal) || !RequestIdentity.TryRead(call, out var identity, out refusal))
        {
            await replies.Problem(http, refusal!);
            return;
        }
        var answer = await commands.ExecuteAsync(call, identity, [], command);
        if (answer.Kind != AnswerKind.Done)
        {
            await replies.Problem(http, AnswerProblems.Of(answer.Kind, answer.Reason));
        }
        else if (answer.Outcome is DeleteDone done)
        {
            await replies.Json(
                http,
                StatusCodes.Status200OK,
                new KeysDeletedAnswer(done.Deleted, done.Revision.Value),
                ApiJson.Default.KeysDeletedAnswer,
                done.Revision);
        }
        else
        {
            await FailedAsync(http, answer.Outcome!);
        }
    }

    private Task PutAsync(HttpContext http, PutDone done)
    {
        replies.Start(http, StatusCodes.Status200OK, done.Revision);
        http.Response.Headers.ETag = EntityTags.Of(done.ModRevision, MediaForms.Bytes);
        return replies.Document(http, new KeyPutDocument(done));
    }

    private Task FailedAsync(HttpContext http, Outcome outcome)
    {
        if (outcome is ConditionFailed { CurrentModRevision.Value: > 0 } failed)
        {
            http.Response.Headers.ETag = EntityTags.Of(failed.CurrentModRevision, MediaForms.Bytes);
        }
        return replies.Problem(http, OutcomeProblems.Of(outcome));
    }

    /// <summary>The body as it is; or, for tools that cannot send one, <c>?value=</c> or <c>?valueBase64=</c>.</summary>
    private static ValueTask<BodyResult> ReadValueAsync(ApiCall call)
    {
        var text = call.Query.Bytes(QueryName.Value);
        var base64 = call.Query.Bytes(QueryName.ValueBase64);
        if (text is null && base64 is null)
        {
            return RequestBody.ReadAsync(call, ApiLimits.MaxValueBytes, "the value");
        }
        if ((text is not null && base64 is not null) || !RequestBody.IsAbsent(call.Http))
        {
            return ValueTask.FromResult(new BodyResult([], Problem.BadRequest("the value is given more than once: as the body, \"value\" or \"valueBase64\"")));
        }
        if (text is not null)
        {
            return ValueTask.FromResult(new BodyResult(text, null));
        }
        return ValueTask.FromResult(QueryParameters.TryDecodeBase64(base64, out var bytes)
            ? new BodyResult(bytes, null)
            : new BodyResult([], Problem.BadRequest("the query parameter \"valueBase64\" is not base64")));
    }

    private static bool TryReadLease(QueryParameters query, out LeaseId lease, out Problem? refusal)
    {
        lease = LeaseId.None;
        refusal = query.Bytes(QueryName.Lease) is { } text && !LeaseId.TryParse(Encoding.UTF8.GetString(text), out lease)
            ? Problem.BadRequest("the query parameter \"lease\" is not a lease id: up to 16 hexadecimal digits")
            : null;
        return refusal is null;
    }

    private static bool TryReadDelete(ApiCall call, out Command command, out Problem? refusal)
    {
        command = new DeletePrefixCommand(default);
        var headers = call.Http.Request.Headers;
        if (headers.IfNoneMatch.Count > 0)
        {
            refusal = Problem.BadRequest("If-None-Match makes no sense on a delete");
            return false;
        }
        if (!EntityTags.TryReadCondition(headers.IfMatch, default, out var condition, out refusal))
        {
            return false;
        }
        if (call.Query.Has(QueryName.Prefix))
        {
            if (!ListParameters.TryReadPrefix(call.Query, out var prefix, out refusal))
            {
                return false;
            }
            refusal = Names.IsGiven(call) ? Problem.BadRequest("a key and \"prefix\" are given together")
                : headers.IfMatch.Count > 0 ? Problem.BadRequest("If-Match makes no sense with \"prefix\"")
                : null;
            command = new DeletePrefixCommand(Key.Own(prefix));
            return refusal is null;
        }
        if (!Names.IsGiven(call))
        {
            refusal = Problem.BadRequest("name a key, or give \"prefix\" (which may be empty: all keys)");
            return false;
        }
        if (!Names.TryGetKey(call, out var key, out refusal))
        {
            return false;
        }
        command = new DeleteCommand(key, condition);
        return true;
    }
}

/// <summary>What a put made of its key.</summary>
internal readonly struct KeyPutDocument(PutDone done) : IDocument
{
    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IDocumentWriter, allows ref struct =>
        KeyDocument.WritePut(ref writer, done.Key, done.CreateRevision, done.ModRevision, done.Version, done.Lease);
}
