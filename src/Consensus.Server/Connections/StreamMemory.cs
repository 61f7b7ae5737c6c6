using Consensus.Api.Problems;
using Consensus.Server.Hosting;
using Consensus.Server.Http;
using Consensus.Translation;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Consensus.Server.Connections;

/// <summary>Whether there is room for something on a stream.</summary>
internal enum StreamVerdict
{
    Serve,
    Refuse,
    Close,
}

/// <summary>
/// What requests over HTTP/2 and their answers hold of this member's memory, all together. One connection carries a thousand of them, each with its headers, and a client that
/// opens no window leaves every answer here; so a bound on connections does not bound them. Each connection has room for a request and an answer of its own; what its streams hold
/// beyond that comes out of one budget. Thread-safe.
/// </summary>
/// <param name="maxBytes">From seven eighths of it on requests are refused that are not urgent; past all of it their connection is closed.</param>
internal sealed class StreamMemory(long maxBytes, Replies replies, TimeProvider clock)
{
    /// <summary>About what a request holds beside the text of its headers: a stream, its context and its pipes.</summary>
    public const int StreamBytes = 4096;

    /// <summary>What each connection has for itself, which the bound on connections counts: one request with the longest headers, and one answer.</summary>
    public const int OwnBytes = (36 * 1024) + KestrelLimits.OwnAnswerBytes;

    /// <summary>The pipes of the server are made of blocks.</summary>
    private const int BlockBytes = 4096;

    /// <summary>The server keeps finished streams for reuse, with their text, for some seconds: more than this is counted until then.</summary>
    private const int MuchText = 4096;

    private const int RetryAfterSeconds = 1;

    /// <summary>How long the server still takes what comes of the body of an answered request (5 s), and some ticks of the second in which it looks after its streams.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(7);

    private readonly Lock _gate = new();
    private readonly Queue<(long Since, ConnectionStreams Connection, int Bytes)> _lingering = new();
    private long _heldBytes;

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

    /// <summary>Whether an answer may be written to the request's stream; anything may that does not come over HTTP/2.</summary>
    /// <param name="isOwed">Something was done that it tells, or it is itself a refusal.</param>
    public static StreamVerdict Judge(HttpContext http, int answerBytes, bool isOwed) =>
        HttpProtocol.IsHttp2(http.Request.Protocol) && http.Features.Get<ConnectionStreams>() is { Owner: { } memory } connection
            ? memory.HoldAnswer(http, connection, answerBytes, isOwed)
            : StreamVerdict.Serve;

    /// <summary>The protocol is asked first: it is at hand, and a feature is looked for among all that a connection may have.</summary>
    public RequestDelegate Around(RequestDelegate next) => http =>
        HttpProtocol.IsHttp2(http.Request.Protocol) && http.Features.Get<ConnectionStreams>() is { } connection
            ? InvokeAsync(http, connection, next)
            : next(http);

    public void Close(ConnectionStreams connection)
    {
        lock (_gate)
        {
            _heldBytes -= BeyondOwn(connection.HeldBytes);
            connection.IsClosed = true;
            connection.Requests.Clear();
        }
    }

    /// <summary>What was to be written to a stream has left, or never will.</summary>
    public void End(ConnectionStreams connection, int stream)
    {
        lock (_gate)
        {
            if (connection.Requests.TryGetValue(stream, out var request))
            {
                request.HasLeft = true;
                ForgetIfOver(request);
            }
        }
    }

    /// <summary>The request is completed: nothing more is written to its stream's pipe.</summary>
    public void Complete(StreamRequest request, bool isGivenUp)
    {
        lock (_gate)
        {
            request.IsCompleted = true;
            request.HasLeft |= isGivenUp;
            ForgetIfOver(request);
        }
    }

    private Task InvokeAsync(HttpContext http, ConnectionStreams connection, RequestDelegate next)
    {
        var textBytes = RequestText.BytesOf(http);
        var number = http.Features.GetRequiredFeature<IHttp2StreamIdFeature>().StreamId;
        var request = new StreamRequest(this, http, connection, number, StreamBytes + textBytes, textBytes > MuchText);
        if (Hold(request) is not { } verdict)
        {
            return Task.CompletedTask;
        }
        if (verdict == StreamVerdict.Close)
        {
            Abort(http);
            return Task.CompletedTask;
        }
        http.Response.OnCompleted(static request => ((StreamRequest)request).OnCompletedAsync(), request);
        return verdict == StreamVerdict.Serve || IsUrgent(http.Request) ? next(http) : replies.Problem(http, NoRoom);
    }

    /// <summary>
    /// What keeps alive or gives back: no watch on the same connection may cost a lock. By what is seen before anything is parsed, so that a few others pass with them (a delete of
    /// keys); none of these waits.
    /// </summary>
    private static bool IsUrgent(HttpRequest request) => request.Method switch
    {
        "DELETE" or "PATCH" => true,
        "POST" => (request.Path.Value ?? "").EndsWith("/keepalive", StringComparison.Ordinal),
        "PUT" => !request.Path.StartsWithSegments("/v1/kv", StringComparison.Ordinal),
        _ => false,
    };

    public static Problem NoRoom { get; } = new(
        ProblemTypes.TooManyRequests, "requests and answers over HTTP/2 hold what this member has of memory for them; nothing was done")
    {
        RetryAfterSeconds = RetryAfterSeconds,
    };

    public static void Abort(HttpContext http) => http.Features.GetRequiredFeature<IConnectionLifetimeFeature>().Abort();

    /// <summary>Null when its connection is over, and nobody is there to be answered.</summary>
    private StreamVerdict? Hold(StreamRequest request)
    {
        lock (_gate)
        {
            TakeBackDue();
            var connection = request.Connection;
            if (!connection.TryBelongTo(this))
            {
                return null;
            }
            var verdict = TryHold(connection, request.Bytes);
            if (verdict != StreamVerdict.Close)
            {
                connection.Requests[request.Number] = request;
                // After it is known: a reset that comes now finds it, one that came before is found here.
                request.HasLeft = connection.WasReset(request.Number);
            }
            return verdict;
        }
    }

    private StreamVerdict HoldAnswer(HttpContext http, ConnectionStreams connection, int answerBytes, bool isOwed)
    {
        var number = http.Features.GetRequiredFeature<IHttp2StreamIdFeature>().StreamId;
        var bytes = (answerBytes + BlockBytes - 1) / BlockBytes * BlockBytes;
        lock (_gate)
        {
            // Without a request its connection is closed, and nobody is told anything.
            if (!connection.Requests.TryGetValue(number, out var request))
            {
                return StreamVerdict.Close;
            }
            TakeBackDue();
            var verdict = TryHold(connection, bytes);
            if (verdict == StreamVerdict.Refuse && !isOwed)
            {
                TakeBack(connection, bytes);
                return StreamVerdict.Refuse;
            }
            if (verdict != StreamVerdict.Close)
            {
                request.Bytes += bytes;
                return StreamVerdict.Serve;
            }
            return isOwed ? StreamVerdict.Close : StreamVerdict.Refuse;
        }
    }

    private StreamVerdict TryHold(ConnectionStreams connection, int bytes)
    {
        var shared = BeyondOwn(connection.HeldBytes + bytes) - BeyondOwn(connection.HeldBytes);
        if (shared > 0 && _heldBytes + shared > maxBytes)
        {
            return StreamVerdict.Close;
        }
        connection.HeldBytes += bytes;
        _heldBytes += shared;
        return shared > 0 && _heldBytes > maxBytes - (maxBytes / 8) ? StreamVerdict.Refuse : StreamVerdict.Serve;
    }

    private void ForgetIfOver(StreamRequest request)
    {
        if (!request.IsCompleted || !request.HasLeft || !request.Connection.Requests.Remove(request.Number))
        {
            return;
        }
        if (request.Lingers)
        {
            _lingering.Enqueue((clock.GetTimestamp(), request.Connection, request.Bytes));
        }
        else
        {
            TakeBack(request.Connection, request.Bytes);
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
}
