using System.Text.Json.Serialization.Metadata;
using Consensus.Node;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Auth;

/// <summary>
/// What reads of roles, principals and revocations have in common: they are an administrator's, and answered under the policy's revision.
/// </summary>
internal sealed class PolicyRecordReads(IConsensusNode node, JudgedReads reads, Replies replies)
{
    private static readonly Access Needed = Access.ToCluster(SystemRights.Administer);

    /// <summary>Answers a page.</summary>
    /// <param name="answerOf">What is on it.</param>
    public async Task ListAsync<T>(ApiCall call, ListKind kind, JsonTypeInfo<T> type, Func<StateView, PolicyPage, T> answerOf)
    {
        if (PolicyPage.TryRead(call, kind, node.Moment.Cluster, out var page, out var refusal))
        {
            await AnswerAsync(call, type, view => answerOf(view, page), "");
        }
        else
        {
            await replies.Problem(call.Http, refusal!);
        }
    }

    /// <summary>Answers one.</summary>
    /// <param name="answerOf">Null when there is none.</param>
    /// <param name="absent">What is said then.</param>
    public Task GetAsync<T>(ApiCall call, JsonTypeInfo<T> type, Func<StateView, T?> answerOf, string absent) =>
        AnswerAsync(call, type, answerOf, absent);

    private async Task AnswerAsync<T>(ApiCall call, JsonTypeInfo<T> type, Func<StateView, T?> answerOf, string absent)
    {
        if (!ReadOptions.TryRead(call.Query, out var options, out var refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var read = await reads.ReadAsync(call, options, Needed);
        if (read.View is not { } view)
        {
            await replies.Problem(call.Http, read.Refusal!);
            return;
        }
        if (answerOf(view) is not { } answer)
        {
            await replies.Problem(call.Http, Problem.NotFound(absent, view.Revision));
            return;
        }
        PolicyChanges.Tag(call.Http, view.Policy.Revision, call.Form);
        await replies.Json(call.Http, StatusCodes.Status200OK, answer, type, view.Revision);
    }
}
