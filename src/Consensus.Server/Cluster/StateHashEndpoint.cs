using System.Globalization;
using Consensus.Api;
using Consensus.Api.Cluster;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.Translation;

namespace Consensus.Server.Cluster;

/// <summary>GET of <c>/v1/statehash?index=N</c>: this member's own hash of its state at one log index. Replicas are equal where their hashes are.</summary>
internal sealed class StateHashEndpoint(IConsensusNode node, Replies replies)
{
    public async Task GetAsync(ApiCall call)
    {
        if (!call.Query.TryGetNumber(QueryName.Index, long.MaxValue, out var asked, out var refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var index = new LogIndex(asked ?? node.Status.AppliedIndex.Value);
        var answer = await node.HashAtAsync(index);
        if (answer.Kind == AnswerKind.Done)
        {
            await replies.Json(
                call.Http,
                StatusCodes.Status200OK,
                new StateHashAnswer(node.Status.Name, index.Value, answer.Hash.ToString(), answer.Oldest.Value, answer.Newest.Value),
                ApiJson.Default.StateHashAnswer,
                Revision.Zero);
            return;
        }
        await replies.Problem(call.Http, ProblemOf(answer));
    }

    private static Problem ProblemOf(in HashAnswer answer) => answer.Reason switch
    {
        NotDoneReason.None => new Problem(ProblemTypes.Compacted, string.Create(
            CultureInfo.InvariantCulture, $"the hash at index {answer.Index} is not known here any more; the oldest known is that at index {answer.Oldest}")),
        NotDoneReason.NotReady => Problem.NotReady(string.Create(
            CultureInfo.InvariantCulture, $"this member has not applied index {answer.Index} yet; it is at {answer.Newest}")),
        _ => AnswerProblems.Of(answer.Kind, answer.Reason),
    };
}
