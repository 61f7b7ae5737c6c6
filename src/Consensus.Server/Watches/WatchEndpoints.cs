using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.Server.Auth;
using Consensus.Server.Connections;
using Consensus.Server.Hosting;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.Server.Tls;
using Consensus.Server.Watches.States;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;
using Consensus.Translation;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Consensus.Server.Watches;

/// <summary>
/// Opens event streams. Where a watch may begin is judged on a state that is as new as a linearizable read's (rule 28), and a refusal is a problem answer: the stream begins
/// only when it can be told whole.
/// </summary>
internal sealed class WatchEndpoints(JudgedReads reads, WatchHub hub, Replies replies)
{
    /// <summary>A reader that takes nothing for this long is cut off: it comes back, or it is gone.</summary>
    private static readonly MinDataRate SlowestReader = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromMinutes(5));

    public async Task WatchKeysAsync(ApiCall call)
    {
        if (!TryReadKeys(call, out var kind, out var name, out var refusal) || !WatchParameters.TryRead(call, out var parameters, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var access = kind == WatchKind.Prefix ? Access.ToPrefix(Spaces.Keys, Verbs.Read, name) : Access.To(Spaces.Keys, Verbs.Read, name);
        await OpenAsync(call, new WatchTarget(kind, name, parameters.WithPrevious), access, parameters);
    }

    /// <summary>Every change of an election's leader. Unless it goes on somewhere, it begins with the present one.</summary>
    public async Task WatchElectionAsync(ApiCall call)
    {
        if (!Names.TryGetName(call, "election name", out var name, out var refusal)
            || !ListParameters.AreAbsent(call.Query, out refusal)
            || !WatchParameters.TryRead(call, out var parameters, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        await OpenAsync(
            call,
            new WatchTarget(WatchKind.Election, name, WithPrevious: false),
            Access.To(Spaces.Elections, Verbs.Read, name),
            parameters);
    }

    private async Task OpenAsync(ApiCall call, WatchTarget target, Access access, WatchParameters parameters)
    {
        var http = call.Http;
        var read = await reads.ReadAsync(call, parameters.Read, access);
        if (read.View is not { } view)
        {
            await replies.Problem(http, read.Refusal!);
            return;
        }
        var from = parameters.From ?? view.Revision.Next;
        if (Judge(view, from) is { } problem)
        {
            await replies.Problem(http, problem);
            return;
        }
        if (HttpMethods.IsHead(http.Request.Method))
        {
            Start(http, view.Revision);
            return;
        }
        if (hub.Open(target, from, view, new StreamRight(call.Actor, access, view.Policy)) is not { } watcher)
        {
            await replies.Problem(http, NoMore);
            return;
        }
        try
        {
            // The first message goes in one piece; of an election it may be larger than a slice.
            var first = target.Kind == WatchKind.Election && parameters.From is null
                ? WatchMessages.OfElection(target.Name, view.GetObject(ObjectName.Election(target.Name)).Holder, view.Revision)
                : WatchMessages.Open(from);
            if (await BeginAsync(http, view.Revision, first.Length))
            {
                using var standing = StandingRequest.Begin(http);
                await new WatchStream(hub, watcher, http.Response.BodyWriter, LargeAnswer.SliceOf(http), http.Abort, http.RequestAborted).RunAsync(first);
            }
        }
        finally
        {
            hub.Close(watcher);
        }
    }

    /// <summary>What a lock, a semaphore or a lease is, and each time what it becomes. It goes on nowhere: whoever comes again is told what it is then.</summary>
    /// <param name="access">What it needs to be told.</param>
    /// <param name="absent">What is said when there is no such thing.</param>
    public async Task WatchStateAsync(ApiCall call, StateSubject subject, Access access, string absent)
    {
        var http = call.Http;
        if (!ReadOptions.TryRead(call.Query, out var options, out var refusal) || !ListParameters.AreAbsent(call.Query, out refusal))
        {
            await replies.Problem(http, refusal!);
            return;
        }
        var read = await reads.ReadAsync(call, options, access);
        if (read.View is not { } view)
        {
            await replies.Problem(http, read.Refusal!);
            return;
        }
        if (subject.MarkIn(view) is null)
        {
            await replies.Problem(http, Problem.NotFound(absent, view.Revision));
            return;
        }
        if (HttpMethods.IsHead(http.Request.Method))
        {
            Start(http, view.Revision);
            return;
        }
        if (hub.Open(subject, view) is not { } group)
        {
            await replies.Problem(http, NoMore);
            return;
        }
        try
        {
            if (await BeginAsync(http, view.Revision, atOnce: 0))
            {
                using var standing = StandingRequest.Begin(http);
                var writer = new MessageWriter(hub.Untaken, http.Response.BodyWriter, LargeAnswer.SliceOf(http), http.Abort, http.RequestAborted);
                await new StateStream(hub.States, group, RightOf(call, access, view), writer, http.RequestAborted).RunAsync(
                    hub.States.MessageOf(group, view));
            }
        }
        finally
        {
            hub.States.Close(group);
        }
    }

    /// <summary>A lease that is not one's own is told of as an operator's right alone.</summary>
    private static StreamRight RightOf(ApiCall call, Access access, StateView view)
    {
        var isOwn = access.Lease.IsNone || view.GetLease(access.Lease)?.Principal == call.Actor.Name;
        return new StreamRight(call.Actor, isOwn ? access : Access.ToCluster(SystemRights.Operate), view.Policy);
    }

    private Problem NoMore => hub.IsStopped
        ? Problem.NotReady("this member is stopping; another one takes the watch")
        : new Problem(ProblemTypes.TooManyRequests, "this member has as many watches as it takes; another one may take more");

    /// <summary>False when there is no room for a stream on its connection: then it is answered.</summary>
    /// <param name="atOnce">Bytes that are written in one piece, whatever a slice has.</param>
    private async ValueTask<bool> BeginAsync(HttpContext http, Revision revision, int atOnce)
    {
        await IoThread.Leave();
        Start(http, revision);
        var slice = LargeAnswer.SliceOf(http);
        var verdict = StreamMemory.Judge(http, slice + Math.Max(slice, atOnce), isOwed: false);
        if (verdict != StreamVerdict.Serve)
        {
            await replies.TurnAway(http, verdict);
        }
        return verdict == StreamVerdict.Serve;
    }

    private static Problem? Judge(StateView view, Revision from) => WatchBeginnings.Judge(view, from) switch
    {
        WatchBeginning.Possible => null,
        WatchBeginning.InTheFuture =>
            Problem.BadRequest($"the watch would begin at revision {from}, and the present revision is {view.Revision}: that is in the future")
                with
            { StateRevision = view.Revision },
        _ => PastReads.Compacted(
            view, $"the watch would begin at revision {from}, and what is kept begins after {view.CompactRevision}: read again, and watch from there"),
    };

    private void Start(HttpContext http, Revision revision)
    {
        replies.Start(http, StatusCodes.Status200OK, revision);
        var headers = http.Response.Headers;
        headers.ContentType = "text/event-stream";
        headers.CacheControl = Replies.NotKept;
        // For proxies that would hold back what is not a whole answer.
        headers["X-Accel-Buffering"] = "no";
        if (http.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate && HttpProtocol.IsHttp11(http.Request.Protocol))
        {
            rate.MinDataRate = SlowestReader;
        }
    }

    private static bool TryReadKeys(ApiCall call, out WatchKind kind, out Key name, out Problem? refusal)
    {
        kind = WatchKind.Key;
        if (!call.Query.Has(QueryName.Prefix) && Names.IsGiven(call))
        {
            return Names.TryGetKey(call, out name, out refusal);
        }
        kind = WatchKind.Prefix;
        name = default;
        if (!ListParameters.TryReadPrefix(call.Query, out var prefix, out refusal))
        {
            return false;
        }
        refusal = Names.IsGiven(call) ? Problem.BadRequest("a key and \"prefix\" are given together") : null;
        name = Key.Own(prefix);
        return refusal is null;
    }
}
