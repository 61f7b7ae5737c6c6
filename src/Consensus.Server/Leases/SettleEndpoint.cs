using Consensus.Api;
using Consensus.Node;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Server.Leases;

/// <summary>POST of <c>/v1/leases/{id}/settle</c>: what came of one number of a session, or nothing ever comes of it.</summary>
internal sealed class SettleEndpoint(CommandRunner commands, Replies replies)
{
    public async Task SettleAsync(ApiCall call)
    {
        var http = call.Http;
        if (!LeaseEndpoints.TryReadId(call, out var id, out var refusal))
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
        if (LeaseRequests.ReadSettle(body, out var sentence) is not { } seq)
        {
            await replies.Problem(http, Problem.BadRequest(sentence!));
            return;
        }
        var answer = await commands.ExecuteAsync(call, default, [], new SettleCommand(id, seq));
        // What was done now has a small answer; a large one tells of holds that were granted before, and may be asked for again.
        await (answer is { Kind: AnswerKind.Done, Outcome: Settled settled }
            ? replies.Json(
                http,
                StatusCodes.Status200OK,
                SessionShapes.SettledOf(seq, settled),
                ApiJson.Default.SettleAnswer,
                settled.Revision,
                isLargeOwed: false)
            : replies.Problem(http, AnswerProblems.Of(answer)));
    }
}
