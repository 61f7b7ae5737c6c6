using Consensus.Api;
using Consensus.Api.Locks;
using Consensus.Api.Semaphores;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.Server.Tls;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Server.Holds;

/// <summary>Acquire (POST), renew (PUT), hand over or change the permits (PATCH) and release (DELETE) of locks, semaphores and elections.</summary>
internal sealed class HoldWriteEndpoints(
    HoldForm form, IConsensusNode node, CommandRunner commands, SlicedWaits waits, Replies replies, ServerInfo info, ILogger logger)
{
    public async Task AcquireAsync(ApiCall call)
    {
        var http = call.Http;
        if (!Names.TryGetName(call, form.NameWords, out var name, out var refusal) || !RequestIdentity.TryRead(call, out var identity, out refusal))
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
        if (form.ReadAcquire(name, body, info.MinTtlMicros, out var sentence) is not { } asked)
        {
            await replies.Problem(http, Problem.BadRequest(sentence!));
            return;
        }
        if (!Slices.TryRead(call.Query, identity, out var slice, out refusal))
        {
            await replies.Problem(http, refusal!);
            return;
        }
        using var standing = asked.WaitMicros > 0 ? StandingRequest.Begin(http) : default;
        var aborted = http.RequestAborted;
        var mark = RequestMark.Of(call, identity, body);
        var told = asked.WaitMicros > 0 && !identity.IsNone
            ? await WaitAsync(http, mark, slice, asked)
            : await ExecuteAsync(mark, asked, aborted);
        if (told is not { } answer)
        {
            return;
        }
        if (answer.Kind != AnswerKind.Done || answer.Outcome is not HoldGranted granted)
        {
            await replies.Problem(http, AnswerProblems.Of(answer));
            return;
        }
        if (aborted.IsCancellationRequested)
        {
            // Granted to a client that is gone (rule 18).
            waits.Untaken(answer, hasKey: !identity.Key.IsEmpty);
            return;
        }
        await form.GrantedAsync(http, asked, granted, Context());
        if (Replies.WasCutOff(http))
        {
            waits.Untaken(answer, hasKey: !identity.Key.IsEmpty);
        }
    }

    private ValueTask<CommandAnswer?> WaitAsync(HttpContext http, RequestMark mark, TimeSpan? slice, AcquireCommand asked) =>
        waits.AnswerAsync(http, mark, slice, gone => ExecuteAsync(mark, asked, gone));

    private ValueTask<CommandAnswer> ExecuteAsync(RequestMark mark, AcquireCommand asked, CancellationToken gone) => commands.WithNewLeaseAsync(
        mark, asked, static (asked, lease) => asked with { OwnLease = asked.SharedLease.IsNone ? lease : LeaseId.None }, gone);

    public async Task RenewAsync(ApiCall call)
    {
        var http = call.Http;
        var (name, identity, body, problem) = await ReadAsync(call);
        if (problem is not null)
        {
            await replies.Problem(http, problem);
            return;
        }
        if (form.ReadRenew(name, body, out var sentence) is not { } command)
        {
            await replies.Problem(http, Problem.BadRequest(sentence!));
            return;
        }
        var answer = await commands.ExecuteAsync(call, identity, body, command);
        await (answer.Outcome switch
        {
            HoldRenewed renewed when answer.Kind == AnswerKind.Done => form.RenewedAsync(http, renewed, Context()),
            _ => replies.Problem(http, AnswerProblems.Of(answer)),
        });
    }

    /// <summary>Passes a hold to a waiter, or changes a semaphore's limit.</summary>
    public async Task PatchAsync(ApiCall call)
    {
        var http = call.Http;
        var (name, identity, body, problem) = await ReadAsync(call);
        if (problem is not null)
        {
            await replies.Problem(http, problem);
            return;
        }
        if (form.ReadPatch(name, body, out var sentence) is not { } command)
        {
            await replies.Problem(http, Problem.BadRequest(sentence!));
            return;
        }
        var answer = await commands.ExecuteAsync(call, identity, body, command);
        await (answer.Outcome switch
        {
            HandedOver handed when answer.Kind == AnswerKind.Done => replies.Json(
                http,
                StatusCodes.Status200OK,
                new HandOverAnswer(name.ToString(), handed.Hold.Owner, handed.Hold.Token.Value, handed.Revision.Value),
                ApiJson.Default.HandOverAnswer,
                handed.Revision),
            PermitsChanged changed when answer.Kind == AnswerKind.Done => replies.Json(
                http,
                StatusCodes.Status200OK,
                new PermitsChangedAnswer(name.ToString(), changed.Permits, changed.Out, changed.Revision.Value),
                ApiJson.Default.PermitsChangedAnswer,
                changed.Revision),
            _ => replies.Problem(http, AnswerProblems.Of(answer)),
        });
    }

    public async Task ReleaseAsync(ApiCall call)
    {
        var http = call.Http;
        if (!Names.TryGetName(call, form.NameWords, out var name, out var refusal)
            || !TryReadRelease(call.Query, out var token, out var force, out refusal)
            || !RequestIdentity.TryRead(call, out var identity, out refusal))
        {
            await replies.Problem(http, refusal!);
            return;
        }
        var answer = await commands.ExecuteAsync(call, identity, [], new ReleaseHoldCommand(name, token, force)
        {
            Space = form.Space,
            By = force ? Caller.Of(call, node) : "",
        });
        if (force && answer.Kind == AnswerKind.Done && answer.Outcome is HoldReleased)
        {
            logger.LogWarning("{Kind} {Name} was broken by force, by {Client}", form.Noun, name.ToString(), Caller.Of(call, node));
        }
        await (answer.Outcome switch
        {
            HoldReleased released when answer.Kind == AnswerKind.Done => replies.NoContent(http, released.Revision),
            _ => replies.Problem(http, AnswerProblems.Of(answer)),
        });
    }

    private HoldContext Context()
    {
        var (cluster, now) = node.Moment;
        return new HoldContext(now, cluster);
    }

    private async ValueTask<(Key Name, RequestIdentity Identity, byte[] Body, Problem? Refusal)> ReadAsync(ApiCall call)
    {
        if (!Names.TryGetName(call, form.NameWords, out var name, out var refusal) || !RequestIdentity.TryRead(call, out var identity, out refusal))
        {
            return (default, default, [], refusal);
        }
        var (body, problem) = await RequestBody.ReadAsync(call, ApiLimits.MaxRequestBytes, "the request");
        return (name, identity, body, problem);
    }

    private bool TryReadRelease(QueryParameters query, out FencingToken token, out bool force, out Problem? refusal)
    {
        token = FencingToken.None;
        if (!query.TryGetSwitch(QueryName.Force, out force, out refusal)
            || !query.TryGetNumber(QueryName.FencingToken, long.MaxValue, out var number, out refusal))
        {
            return false;
        }
        refusal = (number, force) switch
        {
            (null, false) => Problem.BadRequest($"the query parameter \"fencingToken\" is missing (or \"force=true\", to break the {form.Noun})"),
            (0, _) => Problem.BadRequest("the query parameter \"fencingToken\" is 0; tokens begin above it"),
            _ => null,
        };
        token = new FencingToken(number ?? 0);
        return refusal is null;
    }
}
