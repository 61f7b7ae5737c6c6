using Consensus.Api.Problems;
using Consensus.Server.Http;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Consensus.Server.Connections;

/// <summary>
/// What requests over HTTP/2 hold of this member's memory, all together. One connection carries a thousand of them, each with its headers, so a bound on connections does not
/// bound them. Each connection has room for a request of its own; what its streams hold beyond that comes out of one budget. Thread-safe.
/// </summary>
/// <param name="maxBytes">From seven eighths of it on requests are refused; past all of it their connection is closed.</param>
internal sealed class StreamMemory(long maxBytes, Replies replies, TimeProvider clock)
{
    /// <summary>About what a request holds beside the text of its headers: a stream, its context and its pipes.</summary>
    public const int StreamBytes = 4096;

    /// <summary>What each connection has for itself, which the bound on connections counts: one request with the longest headers.</summary>
    public const int OwnBytes = 36 * 1024;

    /// <summary>The server keeps finished streams for reuse, with their text, for some seconds: more than this is counted until then.</summary>
    private const int MuchText = 4096;

    private const int RetryAfterSeconds = 1;

    /// <summary>How long the server still takes what comes of the body of an answered request (5 s), and some ticks of the second in which it looks after its streams.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(7);

    private readonly Lock _gate = new();
    private readonly Queue<(long Since, ConnectionStreams Connection, int Bytes)> _lingering = new();
    private long _heldBytes;

    private enum Verdict
    {
        Serve,
        Refuse,
        Close,
    }

    public long MaxBytes => maxBytes;

    public long HeldBytes
    {
        get
        {
            lock (_gate)
            {
                TakeBackDue();
                return _heldBytes;
            }
        }
    }

    /// <summary>An eighth of the memory that the process may have.</summary>
    public static long ShareOf(long memoryBytes) => Math.Max(memoryBytes / 8, 4 << 20);

    public RequestDelegate Around(RequestDelegate next) => http =>
        http.Features.Get<ConnectionStreams>() is { } connection ? InvokeAsync(http, connection, next) : next(http);

    public void Close(ConnectionStreams connection)
    {
        lock (_gate)
        {
            _heldBytes -= BeyondOwn(connection.HeldBytes);
            connection.IsClosed = true;
        }
    }

    private Task InvokeAsync(HttpContext http, ConnectionStreams connection, RequestDelegate next)
    {
        var textBytes = RequestText.BytesOf(http);
        var request = new HeldRequest(this, http, connection, StreamBytes + textBytes, textBytes > MuchText);
        var verdict = Hold(connection, request.Bytes);
        if (verdict == Verdict.Close)
        {
            http.Features.GetRequiredFeature<IConnectionLifetimeFeature>().Abort();
            return Task.CompletedTask;
        }
        // Not when the handler returns: a client that does not take an answer larger than a stream's pipe (64 KiB) keeps the stream. The server completes a smaller one as soon as it is
        // in the pipe, taken or not: what such answers hold until they are taken is not counted.
        http.Response.OnCompleted(static request => ((HeldRequest)request).OnCompleted(), request);
        return verdict == Verdict.Serve ? next(http) : replies.Problem(http, new Problem(
            ProblemTypes.TooManyRequests, "requests over HTTP/2 hold what this member has of memory for them; nothing was done")
        {
            RetryAfterSeconds = RetryAfterSeconds,
        });
    }

    private Verdict Hold(ConnectionStreams connection, int bytes)
    {
        lock (_gate)
        {
            TakeBackDue();
            connection.Owner = this;
            var shared = BeyondOwn(connection.HeldBytes + bytes) - BeyondOwn(connection.HeldBytes);
            if (shared > 0 && _heldBytes + shared > maxBytes)
            {
                return Verdict.Close;
            }
            connection.HeldBytes += bytes;
            _heldBytes += shared;
            return shared > 0 && _heldBytes > maxBytes - (maxBytes / 8) ? Verdict.Refuse : Verdict.Serve;
        }
    }

    private void LetGo(ConnectionStreams connection, int bytes, bool lingers)
    {
        lock (_gate)
        {
            if (lingers)
            {
                _lingering.Enqueue((clock.GetTimestamp(), connection, bytes));
            }
            else
            {
                TakeBack(connection, bytes);
            }
        }
    }

    private void TakeBackDue()
    {
        while (_lingering.TryPeek(out var first) && clock.GetElapsedTime(first.Since) >= Linger)
        {
            _lingering.Dequeue();
            TakeBack(first.Connection, first.Bytes);
        }
    }

    private void TakeBack(ConnectionStreams connection, int bytes)
    {
        if (!connection.IsClosed)
        {
            _heldBytes -= BeyondOwn(connection.HeldBytes) - BeyondOwn(connection.HeldBytes - bytes);
            connection.HeldBytes -= bytes;
        }
    }

    private static long BeyondOwn(long heldBytes) => Math.Max(0, heldBytes - OwnBytes);

    private sealed class HeldRequest(StreamMemory memory, HttpContext http, ConnectionStreams connection, int bytes, bool hasMuchText)
    {
        public int Bytes => bytes;

        public Task OnCompleted()
        {
            memory.LetGo(connection, bytes, lingers: hasMuchText || !IsRead());
            return Task.CompletedTask;
        }

        /// <summary>Nothing of the request is still to come.</summary>
        private bool IsRead()
        {
            if (http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
            {
                return true;
            }
            try
            {
                var reader = http.Request.BodyReader;
                if (!reader.TryRead(out var rest))
                {
                    return false;
                }
                reader.AdvanceTo(rest.Buffer.End);
                return rest.IsCompleted;
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
            {
                // It was reset, or its reader is closed.
                return false;
            }
        }
    }
}
