using Consensus.Api;
using Consensus.Api.Locks;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.StateMachine;

namespace Consensus.Server.Locks;

/// <summary>GET and HEAD of locks.</summary>
internal sealed class LockReadEndpoints(IConsensusNode node, ListReader lists, Replies replies)
{
    public Task GetAsync(ApiCall call) => Names.IsGiven(call) ? GetOneAsync(call) : ListAsync(call);

    private async Task GetOneAsync(ApiCall call)
    {
        if (!Names.TryGetLock(call, out var name, out var refusal)
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
            return;
        }
        var shown = LockAnswers.OfLock(view.GetLock(name), Now(view));
        await replies.Json(call.Http, StatusCodes.Status200OK, shown, ApiJson.Default.LockAnswer, view.Revision);
    }

    private async Task ListAsync(ApiCall call)
    {
        if (!ListParameters.TryReadPrefix(call.Query, out var prefix, out var refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var (page, problem) = await lists.OpenAsync(call, ListKind.Locks, prefix);
        if (page is null)
        {
            await replies.Problem(call.Http, problem!);
            return;
        }
        var view = page.View;
        var now = Now(view);
        var items = new List<LockAnswer>();
        Key? after = page.After is { } last ? new Key(last.Span) : null;
        string? nextCursor = null;
        var bytes = 0L;
        foreach (var info in view.ListLocks(HoldSpace.Lock, Key.Own(prefix), after))
        {
            if (items.Count == page.Limit || bytes >= ApiLimits.MaxPageBytes)
            {
                nextCursor = lists.Continue(page, ListKind.Locks, after!.Value.Memory);
                break;
            }
            items.Add(LockAnswers.OfLock(info, now));
            bytes += info.Name.Length + ((1 + info.Waiters.Length) * ApiLimits.MaxOwnerBytes);
            after = info.Name;
        }
        var answer = new LockListAnswer(items, view.Revision.Value, nextCursor);
        await replies.Json(call.Http, StatusCodes.Status200OK, answer, ApiJson.Default.LockListAnswer, view.Revision);
    }

    private ClusterTime Now(StateView view) => ClusterTime.Max(view.AppliedStamp, node.Status.ClusterTime);
}
