using System.Text;
using Consensus.Api;
using Consensus.Api.Access;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Server.Auth;

/// <summary>
/// What changes of roles, principals and revocations have in common: the revision that they expect, how they are logged, and what they are
/// answered.
/// </summary>
internal sealed class PolicyChanges(IConsensusNode node, CommandRunner commands, Replies replies, ILogger logger)
{
    /// <summary>An entity tag of the policy is its revision: each change of anything in it makes another.</summary>
    public static void Tag(HttpContext http, long policyRevision, MediaForms form) =>
        http.Response.Headers.ETag = EntityTags.Of(new Revision(policyRevision), form);

    /// <summary>The name that the path has; null with the refusal set when no role or principal can have it.</summary>
    public static string? NameOf(ApiCall call, string what, out Problem? refusal)
    {
        refusal = call.Name.Length > Limits.Default.MaxPolicyNameBytes
            ? Problem.TooLarge(
                $"the name of the {what} has {call.Name.Length} bytes; at most {Limits.Default.MaxPolicyNameBytes} are taken")
            : null;
        return refusal is null ? Encoding.UTF8.GetString(call.Name.Bytes) : null;
    }

    /// <summary>Reads the request's body; null when that was refused, and answered.</summary>
    public async ValueTask<byte[]?> ReadBodyAsync(ApiCall call)
    {
        var (body, problem) = await RequestBody.ReadAsync(call, ApiLimits.MaxRequestBytes, "the request");
        if (problem is null)
        {
            return body;
        }
        await replies.Problem(call.Http, problem);
        return null;
    }

    /// <summary>Has the policy changed, and answers.</summary>
    /// <param name="change">As it is logged, for a person.</param>
    public async Task ChangeAsync(ApiCall call, byte[] body, PolicyCommand command, string change)
    {
        if (await ExecuteAsync(call, body, command, change) is { } changed)
        {
            await replies.Json(
                call.Http,
                StatusCodes.Status200OK,
                new PolicyChangedAnswer(changed.PolicyRevision, changed.PolicyRevision != changed.Before),
                ApiJson.Default.PolicyChangedAnswer,
                changed.Revision);
        }
    }

    /// <summary>Has the policy changed. Null when that was refused, and answered.</summary>
    /// <inheritdoc cref="ChangeAsync"/>
    public async ValueTask<PolicyChanged?> ExecuteAsync(ApiCall call, byte[] body, PolicyCommand command, string change)
    {
        var headers = call.Http.Request.Headers;
        if (!RequestIdentity.TryRead(call, out var identity, out var refusal)
            || !EntityTags.TryReadCondition(headers.IfMatch, headers.IfNoneMatch, out var condition, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return null;
        }
        if (condition.Kind is not (KeyConditionKind.None or KeyConditionKind.ModRevisionIs))
        {
            await replies.Problem(
                call.Http,
                Problem.BadRequest("If-Match takes the policy's revision in quotes, such as \"7\", and If-None-Match is not taken"));
            return null;
        }
        command = command with { ExpectedRevision = condition.ModRevision.Value };
        var answer = await commands.ExecuteAsync(call, identity, body, command);
        if (answer is { Kind: AnswerKind.Done, Outcome: PolicyChanged changed })
        {
            if (changed.PolicyRevision != changed.Before)
            {
                logger.LogWarning(
                    "{Change}, by {Client}: the policy is at revision {Revision}", change, Caller.Of(call, node), changed.PolicyRevision);
            }
            Tag(call.Http, changed.PolicyRevision, MediaForms.Bytes);
            return changed;
        }
        if (answer is { Kind: AnswerKind.Done, Outcome: PolicyRefused { Reason: PolicyRefusal.OtherRevision } refused })
        {
            Tag(call.Http, refused.PolicyRevision, MediaForms.Bytes);
        }
        await replies.Problem(call.Http, AnswerProblems.Of(answer));
        return null;
    }
}
