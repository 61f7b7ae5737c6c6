using System.Globalization;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Raft;
using Consensus.Server.Auth;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.Server.Tls;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;
using Consensus.Storage.Backups;
using Consensus.Translation;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Consensus.Server.Backups;

/// <summary>
/// GET of <c>/v1/snapshot</c>: the whole state at one applied index, as a snapshot file. The view is immutable, so writes go on meanwhile; what they replace stays in memory until the
/// stream ends, which is why few are sent at a time and a client that takes them too slowly is cut off.
/// </summary>
internal sealed class SnapshotEndpoint(IConsensusNode node, AccessGate gate, Replies replies, ILogger logger)
{
    private const int MaxAtATime = 2;

    private static readonly MinDataRate SlowestRate = new(bytesPerSecond: 64 * 1024, gracePeriod: TimeSpan.FromSeconds(10));

    private static readonly Access Needed = Access.ToCluster(SystemRights.TakeSnapshot);

    private int _underWay;

    public async Task GetAsync(ApiCall call)
    {
        if (!ReadOptions.TryRead(call.Query, out var options, out var refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var answer = await node.ReadForBackupAsync(options.Consistency, options.MinRevision, call.Http.RequestAborted);
        if (answer is not { Kind: AnswerKind.Done, View: { } view, Mark: { } mark })
        {
            await replies.Problem(call.Http, AnswerProblems.Of(answer.Kind, answer.Reason));
            return;
        }
        if (gate.Refusal(view, call.Actor, Needed) is { } forbidden)
        {
            await replies.Problem(call.Http, forbidden);
            return;
        }
        if (call.Audit is { } audited)
        {
            await audited.IntendAsync();
        }

        // Only now: whoever may not have one takes no place of those who may.
        if (Interlocked.Increment(ref _underWay) > MaxAtATime)
        {
            Interlocked.Decrement(ref _underWay);
            await replies.Problem(call.Http, new Problem(ProblemTypes.TooManyRequests, $"{MaxAtATime} snapshots are being sent already"));
            return;
        }
        try
        {
            await SendAsync(call.Http, view, mark, new StreamRight(call.Actor, Needed, view.Policy));
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    private async Task SendAsync(HttpContext http, StateView view, SnapshotMark mark, StreamRight right)
    {
        var status = node.Status;
        replies.Start(http, StatusCodes.Status200OK, view.Revision);
        http.Response.Headers.CacheControl = Replies.NotKept;
        http.Response.ContentType = BackupStream.ContentType;
        http.Response.Headers.ContentDisposition = string.Create(
            CultureInfo.InvariantCulture, $"attachment; filename=\"consensus-{status.Cluster}-{mark.LastIndex.Value}.snapshot\"");
        if (HttpMethods.IsHead(http.Request.Method))
        {
            return;
        }
        if (http.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = SlowestRate;
        }
        using var standing = StandingRequest.Begin(http);
        try
        {
            var isWhole = await SnapshotSending.RunAsync(
                write => BackupStream.Write(status.Cluster, mark, view, write),
                http.Response.BodyWriter,
                () => right.IsAllowedBy(node.Policy),
                http.RequestAborted);
            if (!isWhole)
            {
                logger.LogWarning(
                    "a snapshot at index {Index} was not sent to its end: its client may not have it any more", mark.LastIndex.Value);
                http.Abort();
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Headers are out: a connection that breaks is how the client learns that this is not the whole of it.
            logger.LogWarning(e, "a snapshot at index {Index} was not sent to its end", mark.LastIndex.Value);
            http.Abort();
        }
    }
}
