using Consensus.Api;
using Consensus.Api.Fences;
using Consensus.Node;
using Consensus.Server.Auth;
using Consensus.Server.Commands;
using Consensus.Server.Holds;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Fences;

/// <summary>
/// Fences: a replicated high-water mark of fencing tokens for systems that cannot keep one (rule 23). PUT passes a token or refuses it, GET reads, DELETE resets.
/// </summary>
internal sealed class FenceEndpoints(
    IConsensusNode node, JudgedReads reads, CommandRunner commands, ListReader lists, Replies replies, ILogger logger)
{
    private const string NameWords = "resource name";

    public async Task PassAsync(ApiCall call)
    {
        var http = call.Http;
        if (!Names.TryGetName(call, NameWords, out var resource, out var refusal) || !RequestIdentity.TryRead(call, out var identity, out refusal))
        {
            await replies.Problem(http, refusal!);
            return;
        }
        var (body, problem) = await RequestBody.ReadAsync(call, ApiLimits.MaxRequestBytes, "the request");
        if (problem is not null)
        {
            await replies.Problem(http, problem);
            return;
        }
        if (HoldRequests.ReadToken(body, out var sentence) is not { } token)
        {
            await replies.Problem(http, Problem.BadRequest(sentence!));
            return;
        }
        var answer = await commands.ExecuteAsync(call, identity, body, new FenceCommand(resource, token));
        await (answer is { Kind: AnswerKind.Done, Outcome: FencePassed passed }
            ? replies.Json(http, StatusCodes.Status200OK, Of(resource, passed.Highest.Value), ApiJson.Default.FenceAnswer, passed.Revision)
            : replies.Problem(http, AnswerProblems.Of(answer)));
    }

    public async Task ResetAsync(ApiCall call)
    {
        var http = call.Http;
        if (!Names.TryGetName(call, NameWords, out var resource, out var refusal) || !RequestIdentity.TryRead(call, out var identity, out refusal))
        {
            await replies.Problem(http, refusal!);
            return;
        }
        var answer = await commands.ExecuteAsync(call, identity, [], new ResetFenceCommand(resource));
        if (answer is not { Kind: AnswerKind.Done, Outcome: FenceReset reset })
        {
            await replies.Problem(http, AnswerProblems.Of(answer));
            return;
        }
        if (reset.Existed)
        {
            logger.LogWarning("the fence of {Resource} was reset, by {Client}", resource.ToString(), Caller.Of(call, node));
        }
        await replies.Json(
            http,
            StatusCodes.Status200OK,
            new FenceResetAnswer(resource.ToString(), reset.Existed, reset.Revision.Value),
            ApiJson.Default.FenceResetAnswer,
            reset.Revision);
    }

    public Task GetAsync(ApiCall call) => Names.IsGiven(call) ? GetOneAsync(call) : ListAsync(call);

    private async Task GetOneAsync(ApiCall call)
    {
        if (!Names.TryGetName(call, NameWords, out var resource, out var refusal)
            || !ReadOptions.TryRead(call.Query, out var options, out refusal)
            || !ListParameters.AreAbsent(call.Query, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var read = await reads.ReadAsync(call, options, Access.To(Spaces.Fences, Verbs.Read, resource));
        await (read.View is not { } view ? replies.Problem(call.Http, read.Refusal!)
            : view.GetFence(resource) is not { } highest ? replies.Problem(
                call.Http, Problem.NotFound($"\"{Excerpt.Of(resource)}\" has no fence", view.Revision))
            : replies.Json(call.Http, StatusCodes.Status200OK, Of(resource, highest.Value), ApiJson.Default.FenceAnswer, view.Revision));
    }

    private async Task ListAsync(ApiCall call)
    {
        if (!ListParameters.TryReadPrefix(call.Query, out var prefix, out var refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var (page, problem) = await lists.OpenAsync(
            call, ListKind.Fences, prefix, Access.ToPrefix(Spaces.Fences, Verbs.Read, Key.Own(prefix)));
        if (page is null)
        {
            await replies.Problem(call.Http, problem!);
            return;
        }
        var items = new List<FenceAnswer>();
        Key? after = page.After is { } last ? new Key(last.Span) : null;
        string? nextCursor = null;
        var size = default(PageBytes);
        foreach (var (resource, highest) in page.View.ListFences(Key.Own(prefix), after))
        {
            if (items.Count == page.Limit || size.IsFull)
            {
                nextCursor = lists.Continue(page, ListKind.Fences, after!.Value.Memory);
                break;
            }
            items.Add(Of(resource, highest.Value));
            size.AddItem();
            size.AddText(resource.Bytes);
            after = resource;
        }
        await replies.Json(
            call.Http,
            StatusCodes.Status200OK,
            new FenceListAnswer(items, page.View.Revision.Value, nextCursor),
            ApiJson.Default.FenceListAnswer,
            page.View.Revision);
    }

    private static FenceAnswer Of(Key resource, long highest) => new(resource.ToString(), highest);
}
