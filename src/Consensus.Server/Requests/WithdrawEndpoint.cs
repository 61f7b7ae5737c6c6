using Consensus.Api;
using Consensus.Node;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Server.Requests;

/// <summary>DELETE of a request: whatever was asked under its Idempotency-Key is taken back.</summary>
internal sealed class WithdrawEndpoint(CommandRunner commands, Replies replies)
{
    public async Task WithdrawAsync(ApiCall call)
    {
        // One that is too long for any name is not too large to be taken, but no Idempotency-Key.
        if (!Names.TryGetName(call, ApiHeaders.IdempotencyKey, out var key, out var refusal) && key.Length <= ApiLimits.MaxKeyBytes)
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        if (!RequestIdentity.IsKey(key.Bytes))
        {
            await replies.Problem(call.Http, Problem.BadRequest($"the path does not name an {ApiHeaders.IdempotencyKey}: {RequestIdentity.KeyWords}"));
            return;
        }
        var answer = await commands.ExecuteAsync(call, default, [], new WithdrawCommand(key));
        await (answer is { Kind: AnswerKind.Done, Outcome: Withdrawn withdrawn }
            ? replies.Json(
                call.Http,
                StatusCodes.Status200OK,
                RequestShapes.Of(withdrawn),
                ApiJson.Default.WithdrawAnswer,
                withdrawn.Revision)
            : replies.Problem(call.Http, AnswerProblems.Of(answer)));
    }
}
