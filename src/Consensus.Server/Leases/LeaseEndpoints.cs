using System.Collections.Immutable;
using Consensus.Api;
using Consensus.Api.Leases;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Server.Leases;

/// <summary>Grants, renewals and revocations of leases.</summary>
internal sealed class LeaseEndpoints(IConsensusNode node, CommandRunner commands, Replies replies, ServerInfo info)
{
    /// <summary>Of one of many renewals in their answer, at most.</summary>
    private const long RenewalJsonBytes = 100;

    private readonly ManyRenewals _many = new(commands);

    public async Task GrantAsync(ApiCall call)
    {
        var http = call.Http;
        if (!RequestIdentity.TryRead(call, out var identity, out var refusal))
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
        if (LeaseRequests.ReadGrant(body, info.MinTtlMicros, out var sentence) is not { } asked)
        {
            await replies.Problem(http, Problem.BadRequest(sentence!));
            return;
        }
        var mark = RequestMark.Of(call, identity, body);
        var answer = await commands.WithNewLeaseAsync(mark, asked, static (asked, lease) => asked with { Id = lease });
        if (answer.Kind == AnswerKind.Done && answer.Outcome is LeaseGranted granted)
        {
            await GrantedAsync(http, granted, asked.IsSession, isReplayable: !identity.IsNone);
            return;
        }
        await replies.Problem(http, AnswerProblems.Of(answer));
    }

    public async Task KeepAliveAsync(ApiCall call)
    {
        if (!TryReadId(call, out var id, out var refusal) || !RequestIdentity.TryRead(call, out var identity, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        // Mostly there is none, and a renewal is all that is asked for.
        var (body, problem) = !RequestBody.IsPossible(call.Http) ? default : await RequestBody.ReadAsync(call, ApiLimits.MaxRequestBytes, "the request");
        var asked = LeaseRequests.ReadNews(body, out var sentence);
        if (problem is not null || sentence is not null)
        {
            await replies.Problem(call.Http, problem ?? Problem.BadRequest(sentence!));
            return;
        }
        var answer = await commands.ExecuteAsync(call, identity, body, new RenewLeasesCommand([id]));
        if (answer.Kind != AnswerKind.Done || answer.Outcome is not LeasesRenewed { Renewals: [var renewal] } renewed)
        {
            await replies.Problem(call.Http, AnswerProblems.Of(answer));
        }
        else if (renewal.Alive && asked is { } news)
        {
            await NewsAsync(call, renewal, renewed.Revision, news.Since, news.After);
        }
        else if (renewal.Alive)
        {
            await replies.Json(
                call.Http, StatusCodes.Status200OK, AnswerOf(renewal), ApiJson.Default.LeaseAnswer, renewed.Revision);
        }
        else
        {
            await replies.Problem(call.Http, OutcomeProblems.Of(new LeaseMissing(renewed.Revision, id)));
        }
    }

    /// <summary>What this member has applied is as new as the renewal, which it has applied: whatever ended before that is told.</summary>
    private async Task NewsAsync(ApiCall call, LeaseRenewal renewal, Revision renewed, long since, long after)
    {
        var http = call.Http;
        var read = await node.ReadAsync(ReadConsistency.Stale, renewed, http.RequestAborted);
        if (read.View is not { } view)
        {
            await replies.Problem(http, NoNews);
        }
        else if (view.GetSessionNews(renewal.Id, since, after, SessionShapes.NewsRoom) is { } news)
        {
            // What began after the renewal is told too, and its client may act on it from then on.
            if (news.MustRenew && await RenewAgainAsync(call, renewal.Id) is { } untold)
            {
                await replies.Problem(http, untold);
                return;
            }
            var now = ClusterTime.Max(view.AppliedStamp, node.Moment.Now);
            var answer = AnswerOf(renewal) with { News = SessionShapes.NewsOf(news, now) };
            await replies.Json(http, StatusCodes.Status200OK, answer, ApiJson.Default.LeaseAnswer, view.Revision);
        }
        else
        {
            await replies.Problem(http, view.GetLease(renewal.Id) is null
                ? OutcomeProblems.Of(new LeaseMissing(view.Revision, renewal.Id))
                : Problem.BadRequest($"the field \"since\" is for sessions, and the lease {renewal.Id} is none; it was renewed"));
        }
    }

    /// <returns>Null when the session is renewed.</returns>
    private async Task<Problem?> RenewAgainAsync(ApiCall call, LeaseId session)
    {
        var answer = await commands.ExecuteAsync(call, default, [], new RenewLeasesCommand([session]));
        return answer is not { Kind: AnswerKind.Done, Outcome: LeasesRenewed { Renewals: [var renewal] } renewed } ? NoNews
            : renewal.Alive ? null
            : OutcomeProblems.Of(new LeaseMissing(renewed.Revision, session));
    }

    private static Problem NoNews => new(ProblemTypes.OutcomeUnknown, "the lease was renewed, and its news cannot be told now: ask again");

    public async Task KeepManyAliveAsync(ApiCall call)
    {
        var http = call.Http;
        if (!RequestIdentity.TryRead(call, out var identity, out var refusal))
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
        if (LeaseRequests.ReadKeepAlive(body, out var sentence) is not { } ids)
        {
            await replies.Problem(http, Problem.BadRequest(sentence!));
            return;
        }
        if (replies.RoomFor(ids.Length * RenewalJsonBytes, isUrgent: true) is not { } room)
        {
            await replies.Problem(http, replies.NoRoom);
            return;
        }
        CommandAnswer answer;
        using (room)
        {
            answer = await _many.ExecuteAsync(RequestMark.Of(call, identity, body), ids);
        }
        if (answer.Kind != AnswerKind.Done || answer.Outcome is not LeasesRenewed renewed)
        {
            await replies.Problem(http, AnswerProblems.Of(answer));
            return;
        }
        var items = ImmutableArray.CreateRange(renewed.Renewals, renewal =>
        {
            var one = AnswerOf(renewal);
            return new LeaseRenewalAnswer(one.Id, renewal.Alive, one.TtlMs, one.ExpiresInMs);
        });
        await replies.Json(
            http, StatusCodes.Status200OK, new LeaseKeepAliveAnswer(items), ApiJson.Default.LeaseKeepAliveAnswer, renewed.Revision);
    }

    public async Task RevokeAsync(ApiCall call)
    {
        if (!TryReadId(call, out var id, out var refusal) || !RequestIdentity.TryRead(call, out var identity, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var answer = await commands.ExecuteAsync(call, identity, [], new RevokeLeaseCommand(id) { By = Caller.Of(call, node) });
        await (answer is { Kind: AnswerKind.Done, Outcome: LeaseRevoked revoked }
            ? replies.Json(
                call.Http,
                StatusCodes.Status200OK,
                new LeaseRevokedAnswer(revoked.Id.ToString(), revoked.KeysDeleted, revoked.LocksFreed, revoked.Revision.Value),
                ApiJson.Default.LeaseRevokedAnswer,
                revoked.Revision)
            : replies.Problem(call.Http, AnswerProblems.Of(answer)));
    }

    public static bool TryReadId(ApiCall call, out LeaseId id, out Problem? refusal)
    {
        refusal = LeaseId.TryParse(call.Name.ToString(), out id)
            ? null
            : Problem.BadRequest("the path does not name a lease: up to 16 hexadecimal digits");
        return refusal is null;
    }

    private async Task GrantedAsync(HttpContext http, LeaseGranted granted, bool isSession, bool isReplayable)
    {
        var expiresInMs = Millis.Of(granted.TtlMicros);
        if (isReplayable)
        {
            // The grant may be an old one: what is left of it is in the state, or it is gone (rule 21). This member has applied the
            // request, and with it what came before.
            var read = await node.ReadAsync(ReadConsistency.Stale, granted.Revision, http.RequestAborted);
            if (read.View is not { } view)
            {
                await replies.Problem(http, AnswerProblems.Of(AnswerKind.Unknown, NotDoneReason.None));
                return;
            }
            if (view.GetLease(granted.Id) is not { } lease)
            {
                await replies.Problem(http, OutcomeProblems.Of(new ReplayedHoldGone(view.Revision, null)));
                return;
            }
            expiresInMs = Millis.Left(lease.Deadline, ClusterTime.Max(view.AppliedStamp, node.Moment.Now));
        }
        http.Response.Headers.Location = ApiRoutes.LeasePrefix + granted.Id;
        await replies.Json(
            http,
            StatusCodes.Status201Created,
            new LeaseAnswer(granted.Id.ToString(), Millis.Of(granted.TtlMicros), expiresInMs) { Session = isSession },
            ApiJson.Default.LeaseAnswer,
            granted.Revision);
    }

    private LeaseAnswer AnswerOf(LeaseRenewal renewal)
    {
        var ttlMs = Millis.Of(renewal.TtlMicros);
        var expiresInMs = renewal.Alive ? Math.Min(ttlMs, Millis.Left(renewal.Deadline, node.Moment.Now)) : 0;
        return new LeaseAnswer(renewal.Id.ToString(), ttlMs, expiresInMs);
    }
}
