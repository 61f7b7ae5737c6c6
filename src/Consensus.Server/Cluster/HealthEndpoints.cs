using System.Globalization;
using Consensus.Api;
using Consensus.Api.Cluster;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Auth;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Cluster;

/// <summary>
/// For supervisors and load balancers: is the process there, and should it be sent requests. Both look at the loop from outside: what it published last says nothing of a loop
/// that stands still.
/// </summary>
internal sealed class HealthEndpoints(IConsensusNode node, AccessGate gate, Replies replies, ServerLifecycle lifecycle)
{
    /// <summary>A loop that has not turned for this long will not turn again: a supervisor that restarts the process does right.</summary>
    private const long DeadAfterMicros = 30_000_000;

    /// <summary>Whether it is ready is told to everybody, and what hangs on what to who may see the status.</summary>
    private static readonly Needs Verbose = Needs.Here(SystemRights.ViewStatus);

    public Task LiveAsync(ApiCall call)
    {
        var idle = node.Status.Loop.IdleMicros;
        return idle < DeadAfterMicros
            ? replies.Json(call.Http, StatusCodes.Status200OK, new LiveAnswer(true), ApiJson.Default.LiveAnswer, Revision.Zero)
            : replies.Problem(call.Http, Problem.NotReady(StandsStill(idle)));
    }

    public Task ReadyAsync(ApiCall call)
    {
        if (!call.Query.TryGetSwitch(QueryName.Verbose, out var verbose, out var refusal))
        {
            return replies.Problem(call.Http, refusal!);
        }
        if (verbose && gate.Refusal(Verbose, call.Actor) is { } forbidden)
        {
            return replies.Problem(call.Http, forbidden);
        }
        var status = node.Status;
        var hasLeader = !status.Leader.IsNone;
        var turns = status.Loop.IdleMicros <= status.Loop.StallMicros;
        var checks = verbose
            ? new Dictionary<string, bool>
            {
                ["leader"] = hasLeader,
                ["caughtUp"] = status.Ready,
                ["loopTurns"] = turns,
                ["notStopping"] = !lifecycle.IsStopping,
            }
            : null;
        if (hasLeader && status.Ready && turns && !lifecycle.IsStopping)
        {
            return replies.Json(call.Http, StatusCodes.Status200OK, new ReadyAnswer(true, checks), ApiJson.Default.ReadyAnswer, status.Revision);
        }
        var because = lifecycle.IsStopping ? "this member is stopping"
            : !turns ? StandsStill(status.Loop.IdleMicros)
            : !hasLeader ? "this member knows no leader"
            : "this member has not applied all that is committed";
        return replies.Problem(call.Http, Problem.NotReady(because) with { Checks = checks, StateRevision = status.Revision });
    }

    private static string StandsStill(long idleMicros) => string.Create(
        CultureInfo.InvariantCulture,
        $"the loop of this member has not turned for {idleMicros / 1000} ms: its machine is starved or its disk does not answer");
}
