using Consensus.Api.Problems;
using Consensus.Server.Audit;
using Consensus.Server.Auth;
using Consensus.Server.Hosting;
using Consensus.Server.Http;
using Consensus.Server.Metrics;
using Consensus.Server.Tls;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;
using Consensus.Translation;
using Microsoft.AspNetCore.Http.Features;

namespace Consensus.Server.Routing;

/// <summary>
/// Every request's way in: who asks whom (rule 27), the raw target taken apart (rule 26), then the endpoint. No routing middleware sees the path, because it would
/// decode it in its own way.
/// </summary>
internal sealed class ApiDispatcher(
    Endpoints endpoints,
    Replies replies,
    HostGuard hosts,
    CallerGuard callers,
    AccessGate gate,
    UnfinishedBodies bodies,
    RequestCounters counters,
    AuditTrail? audit,
    ILogger logger)
{
    private const int StackBytes = 512;

    /// <summary>
    /// How a browser says where a request came from; it is sent along by images and links too, which have no <c>Origin</c>.
    /// </summary>
    private const string FetchSite = "Sec-Fetch-Site";

    /// <summary>
    /// Where the server puts the <c>Content-Length</c> of a request that is sent in chunks: it goes by the chunks (RFC 9112 §6.3), and a
    /// proxy that went by the other would have taken the rest of the body for the next request.
    /// </summary>
    private const string DroppedLength = "X-Content-Length";

    private const string TwoLengths = "the request has both a Content-Length and a Transfer-Encoding: where it ends is not sure";

    private const string WebPages =
        "requests of web pages (with an Origin header, or a Sec-Fetch-Site that is not \"none\") are not served";

    private static readonly Problem Unheard = Problem.NotReady(
        "whose token this is cannot be told while this member does not hear the cluster; nothing was done");

    public async Task InvokeAsync(HttpContext http)
    {
        var asked = new AskedRequest();
        var hasFailed = false;
        if (IoThread.IsOverusedBy(http))
        {
            await IoThread.Leave();
        }
        try
        {
            if (!callers.MayBeBehind(http))
            {
                await Dispatch(http, null, ref asked);
            }
            else if (await CatchUpAsync(http) is { } policy)
            {
                await Dispatch(http, policy, ref asked);
            }
            else
            {
                await replies.Unknown(http, Unheard);
            }
        }
        catch (BadHttpRequestException e) when (!http.Response.HasStarted)
        {
            await replies.Problem(http, OfBadRequest(e));
        }
        catch (IOException e) when (e.InnerException is OverflowException && !http.Response.HasStarted)
        {
            // So the server says of the size of a chunk that it is larger than any number of its.
            await replies.Problem(http, Problem.BadRequest(e.Message) with { ClosesConnection = true });
        }
        catch (AuditUnavailableException e) when (!http.Response.HasStarted)
        {
            await replies.Problem(http, Problem.NotReady(e.Message));
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client went away; there is nobody to answer.
        }
        catch (IOException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The same, noticed while its body was read.
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            hasFailed = true;
            logger.LogError(e, "{Method} {Route} failed", http.Request.Method, ApiRouter.Template(asked.Route));
            await replies.Problem(http, new Problem(ProblemTypes.Internal, "the server failed; its log says why. The request may or may not have taken effect"));
        }
        finally
        {
            // Also of what ends in an exception, for its answer had begun.
            End(http, asked, hasFailed);
        }
    }

    private void End(HttpContext http, in AskedRequest asked, bool hasFailed)
    {
        // Whoever went away was told nothing, whatever would have been said.
        var isTold = hasFailed || !http.RequestAborted.IsCancellationRequested;
        var status = isTold || http.Response.StatusCode < StatusCodes.Status500InternalServerError
            ? http.Response.StatusCode
            : StatusCodes.Status499ClientClosedRequest;
        counters.Count(asked.Route, status, HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method));
        audit?.Ended(http, asked, status);
    }

    /// <summary>
    /// A token is good at every member once its making was answered by one. It costs whoever guesses as much as whoever does not, and tells
    /// neither of them which ids there are. Who goes away meanwhile has guessed: else what it costs the cluster had no bound.
    /// </summary>
    private async ValueTask<Policy?> CatchUpAsync(HttpContext http)
    {
        var policy = await gate.PresentPolicyAsync(http.RequestAborted);
        if (!http.RequestAborted.IsCancellationRequested)
        {
            callers.HasHeard(http);
        }
        return policy;
    }

    private Task Dispatch(HttpContext http, Policy? policy, ref AskedRequest asked)
    {
        var headers = http.Request.Headers;
        var target = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (callers.Refusal(http, target, policy, out var actor) is { } unknown)
        {
            return replies.Unknown(http, unknown);
        }
        asked.Actor = actor;
        if (!hosts.Allows(http))
        {
            return replies.Problem(http, new Problem(
                ProblemTypes.Misdirected, "the Host header names no host of this server; --allowed-hosts adds names"));
        }
        if (headers.Origin.Count > 0 || (headers[FetchSite] is { Count: > 0 } site && site != "none"))
        {
            return replies.Problem(http, new Problem(ProblemTypes.Forbidden, WebPages));
        }
        if (headers.TransferEncoding.Count > 0 && headers.ContainsKey(DroppedLength))
        {
            return replies.Problem(http, Problem.BadRequest(TwoLengths) with { ClosesConnection = true });
        }
        if (!RequestPath.TrySplit(target, out var path, out var query))
        {
            return target == "*" && HttpMethods.IsOptions(http.Request.Method)
                ? replies.Options(http, Endpoints.AllMethods)
                : replies.Problem(http, MethodNotAllowed("this target", Endpoints.AllMethods));
        }
        var decoded = path.Length <= StackBytes ? stackalloc byte[StackBytes] : new byte[path.Length];
        if (!RequestPath.TryDecode(path, decoded, out var length, out var refusal))
        {
            return replies.Problem(http, Problem.BadRequest(refusal));
        }
        var route = ApiRouter.Match(decoded[..length], out var name);
        asked.Route = route;
        if (route == ApiRoute.None)
        {
            return replies.Problem(http, Problem.NotFound("there is no such resource; /openapi/v1.json lists them"));
        }
        if (HttpMethods.IsOptions(http.Request.Method))
        {
            return replies.Options(http, endpoints.Allow(route));
        }
        if (endpoints.Find(route, http.Request.Method) is not { } endpoint)
        {
            return replies.Problem(http, MethodNotAllowed(ApiRouter.Template(route), endpoints.Allow(route)));
        }
        asked.Endpoint = endpoint;
        if (gate.Refusal(endpoint.Needs, actor) is { } refused)
        {
            return replies.Problem(http, refused);
        }
        if (QueryParameters.Parse(query, endpoint.Query, out var badQuery) is not { } parameters)
        {
            return replies.Problem(http, badQuery!);
        }
        var call = new ApiCall(http, route, name.IsEmpty ? default : new Key(name), parameters, MediaForms.None, bodies)
        {
            Actor = actor,
        };
        if (audit?.Begin(endpoint, call) is { } audited)
        {
            call = call with { Audit = audited };
        }
        asked.Call = call;
        return gate.Asks(endpoint.Needs) ? AskAsync(endpoint, call) : ServeAsync(endpoint, call);
    }

    private async Task AskAsync(Endpoint endpoint, ApiCall call) =>
        await (await gate.RefusalAsync(endpoint.Needs, call.Actor, call.Http.RequestAborted) is { } refused
            ? replies.Problem(call.Http, refused)
            : ServeAsync(endpoint, call));

    /// <summary>Where nothing judges it later than here, what is recorded of it is so from here on.</summary>
    private Task ServeAsync(Endpoint endpoint, ApiCall call) =>
        call.Audit is { } audited && endpoint.Needs.By is not (JudgedBy.View or JudgedBy.Command)
            ? IntendAndAnswerAsync(audited, endpoint, call)
            : AnswerAsync(endpoint, call);

    private async Task IntendAndAnswerAsync(AuditedRequest audited, Endpoint endpoint, ApiCall call)
    {
        await audited.IntendAsync();
        await AnswerAsync(endpoint, call);
    }

    private Task AnswerAsync(Endpoint endpoint, ApiCall call)
    {
        var offered = endpoint.FormsOf(call);
        if (offered == MediaForms.None)
        {
            return endpoint.InvokeAsync(call);
        }
        call = call with { Form = Accepts.Choose(call.Http.Request.Headers.Accept, offered) };
        return call.Form == MediaForms.None ? replies.Problem(call.Http, Accepts.NotAcceptable(offered)) : endpoint.InvokeAsync(call);
    }

    private static Problem MethodNotAllowed(string what, string allow) =>
        new(ProblemTypes.MethodNotAllowed, $"{what} takes {allow}") { Allow = allow };

    /// <summary>What the server found wrong with the framing of a body while it was read.</summary>
    private static Problem OfBadRequest(BadHttpRequestException e)
    {
        var type = e.StatusCode switch
        {
            StatusCodes.Status408RequestTimeout => ProblemTypes.RequestTimeout,
            _ => ProblemTypes.BadRequest,
        };
        return new Problem(type, e.Message) { ClosesConnection = true };
    }
}
