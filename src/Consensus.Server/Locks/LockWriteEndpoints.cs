using Consensus.Api;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Locks;

/// <summary>Acquire (POST), renew (PUT) and release (DELETE) of locks.</summary>
internal sealed class LockWriteEndpoints(IConsensusNode node, CommandRunner commands, Replies replies, ServerInfo info, ILogger logger)
{
    private const int MaxIdAttempts = 3;

    public async Task AcquireAsync(ApiCall call)
    {
        var http = call.Http;
        if (!Names.TryGetLock(call, out var name, out var refusal) || !RequestIdentity.TryRead(call, out var identity, out refusal))
        {
            await replies.Problem(http, refusal!);
            return;
        }
        var (body, problem) = await RequestBody.ReadAsync(http, ApiLimits.MaxRequestBytes, "the request");
        if (problem is not null)
        {
            await replies.Problem(http, problem);
            return;
        }
        if (LockRequests.ReadAcquire(body, info.MinTtlMicros, out var sentence) is not { } wish)
        {
            await replies.Problem(http, Problem.BadRequest(sentence!));
            return;
        }
        var aborted = http.RequestAborted;
        CommandAnswer answer;
        var attempts = 0;
        do
        {
            var ownLease = wish.Lease.IsNone ? node.NewLeaseId() : LeaseId.None;
            var command = new AcquireLockCommand(name, wish.Owner, wish.TtlMicros, ownLease, wish.Lease, wish.WaitMicros);
            answer = await commands.ExecuteAsync(call, identity, body, command, aborted);
        }
        while (answer.Outcome is LeaseIdTaken && ++attempts < MaxIdAttempts);
        if (answer.Kind != AnswerKind.Done || answer.Outcome is not LockGranted granted)
        {
            await replies.Problem(http, ProblemOf(answer));
            return;
        }
        if (aborted.IsCancellationRequested)
        {
            // Granted to a client that is gone, and not a byte of the answer was written: the hold goes back (rule 18).
            node.Abandon(ObjectName.Lock(name), answer.Request);
            return;
        }
        var status = node.Status;
        await replies.Json(
            http,
            StatusCodes.Status200OK,
            LockAnswers.OfGrant(granted, status.ClusterTime, status.Cluster),
            ApiJson.Default.LockGrantAnswer,
            granted.Revision);
    }

    public async Task RenewAsync(ApiCall call)
    {
        var http = call.Http;
        if (!Names.TryGetLock(call, out var name, out var refusal) || !RequestIdentity.TryRead(call, out var identity, out refusal))
        {
            await replies.Problem(http, refusal!);
            return;
        }
        var (body, problem) = await RequestBody.ReadAsync(http, ApiLimits.MaxRequestBytes, "the request");
        if (problem is not null)
        {
            await replies.Problem(http, problem);
            return;
        }
        if (LockRequests.ReadRenew(body, out var sentence) is not { } token)
        {
            await replies.Problem(http, Problem.BadRequest(sentence!));
            return;
        }
        var answer = await commands.ExecuteAsync(call, identity, body, new RenewLockCommand(name, token));
        var status = node.Status;
        await (answer.Outcome switch
        {
            LockRenewed renewed when answer.Kind == AnswerKind.Done => replies.Json(
                http,
                StatusCodes.Status200OK,
                LockAnswers.OfRenewal(renewed.Hold, status.ClusterTime, status.Cluster),
                ApiJson.Default.LockRenewedAnswer,
                renewed.Revision),
            NotHolder not when answer.Kind == AnswerKind.Done => replies.Problem(http, OutcomeProblems.OfNotHolder(not, token, renewal: true)),
            _ => replies.Problem(http, ProblemOf(answer)),
        });
    }

    public async Task ReleaseAsync(ApiCall call)
    {
        var http = call.Http;
        if (!Names.TryGetLock(call, out var name, out var refusal)
            || !TryReadRelease(call.Query, out var token, out var force, out refusal)
            || !RequestIdentity.TryRead(call, out var identity, out refusal))
        {
            await replies.Problem(http, refusal!);
            return;
        }
        var answer = await commands.ExecuteAsync(call, identity, [], new ReleaseLockCommand(name, token, force));
        if (force && answer.Kind == AnswerKind.Done && answer.Outcome is LockReleased)
        {
            logger.LogWarning("lock {Lock} was broken by force, by {Client}", name.ToString(), http.Connection.RemoteIpAddress);
        }
        await (answer.Outcome switch
        {
            LockReleased released when answer.Kind == AnswerKind.Done => replies.NoContent(http, released.Revision),
            NotHolder not when answer.Kind == AnswerKind.Done => replies.Problem(http, OutcomeProblems.OfNotHolder(not, token)),
            _ => replies.Problem(http, ProblemOf(answer)),
        });
    }

    private static bool TryReadRelease(QueryParameters query, out FencingToken token, out bool force, out Problem? refusal)
    {
        token = FencingToken.None;
        if (!query.TryGetSwitch(QueryName.Force, out force, out refusal)
            || !query.TryGetNumber(QueryName.FencingToken, long.MaxValue, out var number, out refusal))
        {
            return false;
        }
        refusal = (number, force) switch
        {
            (null, false) => Problem.BadRequest("the query parameter \"fencingToken\" is missing (or \"force=true\", to break the lock)"),
            (0, _) => Problem.BadRequest("the query parameter \"fencingToken\" is 0; tokens begin above it"),
            _ => null,
        };
        token = new FencingToken(number ?? 0);
        return refusal is null;
    }

    private static Problem ProblemOf(CommandAnswer answer) =>
        answer.Kind == AnswerKind.Done ? OutcomeProblems.Of(answer.Outcome!) : AnswerProblems.Of(answer.Kind, answer.Reason);
}
