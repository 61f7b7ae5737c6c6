using System.Net;
using System.Net.Http.Headers;
using DotNext.Net.Cluster.Consensus.Raft;
using Microsoft.AspNetCore.Http;

namespace Consensus.Peers.Serving;

/// <summary>What became of an attempt to have an entry logged.</summary>
internal enum Proposed
{
    /// <summary>It was committed.</summary>
    Logged,

    /// <summary>It was not appended, for sure.</summary>
    Refused,

    /// <summary>It may be in the log.</summary>
    Unknown,
}

/// <summary>
/// Has entries logged: by this member where it leads, else by the one that does. The library's TCP transport carries no messages of ours,
/// so a follower sends them to the leader's web
/// server.
/// </summary>
internal sealed class Proposals(RaftCluster cluster, AppliedState state, LeaderClock clock, Func<string?> leaderUrl) : IDisposable
{
    public const string Route = "/peer/propose";

    /// <summary>A body of our API is at most 1 MiB and a transaction's commands are not much longer than its text.</summary>
    private const int MostEntryBytes = 4 << 20;

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    public bool Leads => cluster.Leader is { IsRemote: false } && !cluster.LeadershipToken.IsCancellationRequested;

    public async Task<Proposed> ProposeAsync(byte[] entry, CancellationToken cancellation)
    {
        if (Leads)
        {
            return await LogAsync(entry, cancellation);
        }
        return leaderUrl() is { } url ? await ForwardAsync(url, entry, cancellation) : Proposed.Refused;
    }

    /// <summary>A follower's proposal: 204 committed, 409 not appended, anything else unknown.</summary>
    public async Task AnswerAsync(HttpContext http)
    {
        var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        var entry = body.ToArray();
        if (entry.Length is < LoggedCommand.LeastBytes or > MostEntryBytes)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }
        // Whoever has sent it waits no longer than it cares to; it goes on without it.
        http.Response.StatusCode = (Leads ? await LogAsync(entry, CancellationToken.None) : Proposed.Refused) switch
        {
            Proposed.Logged => StatusCodes.Status204NoContent,
            Proposed.Refused => StatusCodes.Status409Conflict,
            _ => StatusCodes.Status504GatewayTimeout,
        };
    }

    public void Dispose() => _http.Dispose();

    private async Task<Proposed> LogAsync(byte[] entry, CancellationToken cancellation)
    {
        LoggedCommand.SetStamp(entry, clock.Now(cluster.Term, state.AppliedStamp));
        try
        {
            await cluster.ReplicateAsync(entry, context: null, cancellation);
            return Proposed.Logged;
        }
        catch (Exception e) when (e is LeaderOperationException or OperationCanceledException or ObjectDisposedException)
        {
            // The library says "not the leader" before it has appended and after: whether it has, nobody is told.
            return Proposed.Unknown;
        }
    }

    private async Task<Proposed> ForwardAsync(string url, byte[] entry, CancellationToken cancellation)
    {
        try
        {
            using var content = new ByteArrayContent(entry);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            using var answer = await _http.PostAsync(url + Route, content, cancellation);
            return answer.StatusCode switch
            {
                HttpStatusCode.NoContent => Proposed.Logged,
                HttpStatusCode.Conflict => Proposed.Refused,
                _ => Proposed.Unknown,
            };
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConnectionError)
        {
            return Proposed.Refused;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return Proposed.Unknown;
        }
    }
}
