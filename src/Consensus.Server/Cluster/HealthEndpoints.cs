using Consensus.Api;
using Consensus.Api.Cluster;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Routing;

namespace Consensus.Server.Cluster;

/// <summary>For supervisors and load balancers: is the process there, and should it be sent requests.</summary>
internal sealed class HealthEndpoints(IConsensusNode node, Replies replies, ServerLifecycle lifecycle)
{
    public Task LiveAsync(ApiCall call) =>
        replies.Json(call.Http, StatusCodes.Status200OK, new LiveAnswer(true), ApiJson.Default.LiveAnswer, Revision.Zero);

    public Task ReadyAsync(ApiCall call)
    {
        if (!call.Query.TryGetSwitch(QueryName.Verbose, out var verbose, out var refusal))
        {
            return replies.Problem(call.Http, refusal!);
        }
        var status = node.Status;
        var hasLeader = !status.Leader.IsNone;
        var checks = verbose
            ? new Dictionary<string, bool> { ["leader"] = hasLeader, ["caughtUp"] = status.Ready, ["notStopping"] = !lifecycle.IsStopping }
            : null;
        if (hasLeader && status.Ready && !lifecycle.IsStopping)
        {
            return replies.Json(call.Http, StatusCodes.Status200OK, new ReadyAnswer(true, checks), ApiJson.Default.ReadyAnswer, status.Revision);
        }
        var because = lifecycle.IsStopping ? "this member is stopping"
            : !hasLeader ? "this member knows no leader"
            : "this member has not caught up with its leader";
        return replies.Problem(call.Http, AnswerProblems.NotReady(because) with { Checks = checks, StateRevision = status.Revision });
    }
}
