using System.Net;
using System.Net.Sockets;
using Consensus.Server.Connections;
using Consensus.Server.Http;
using Consensus.Server.Tls;
using Consensus.Server.Tokens;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Consensus.Server.Hosting;

/// <summary>What one client may take of the server. Each limit is set on purpose; none is left to a default.</summary>
internal static class KestrelLimits
{
    /// <summary>A waiting lock request holds its connection, so there may be many.</summary>
    private const int MostConnections = 20_000;


    /// <summary>
    /// What a client may send that nobody reads yet: behind a request that waits on HTTP/1.1 (with more than that <see cref="UnreadBehindWaits"/> cuts it off), or into all streams of an HTTP/2 connection. What is read of a body goes on the
    /// account of <see cref="UnfinishedBodies"/>, what requests of many streams hold on that of <see cref="StreamMemory"/>.
    /// </summary>
    internal const int MaxUnreadBytes = 64 * 1024;

    /// <summary>What a connection takes of its answers until their writer waits; one more, or one slice of a large one, comes to it.</summary>
    private const int PipeBytes = 32 * 1024;

    /// <summary>The largest answer that is written in one piece.</summary>
    internal const int OwnAnswerBytes = LargeAnswer.SliceBytes;

    /// <summary>What one connection may make the server hold for itself.</summary>
    internal const int ConnectionBytes = MaxUnreadBytes + StreamMemory.OwnBytes + PipeBytes;

    /// <summary>
    /// The same with TLS: what is kept of the handshake and for the next records, about 40 KiB as measured, and one record of each
    /// direction under way.
    /// </summary>
    internal const int TlsConnectionBytes = ConnectionBytes + ((40 + 16 + 16) * 1024);

    private const int MaxHeaderBytes = 16 * 1024;
    private const int MaxHeaders = 64;

    /// <summary>The smallest and usual ones of HTTP/2.</summary>
    private const int MaxFrameBytes = 16 * 1024, HeaderTableBytes = 4096;

    /// <summary>Room for a key or prefix of 1,024 bytes, every byte percent-encoded, several times over: longer ones are then told their limit by name.</summary>
    private const int MaxRequestLineBytes = 32 * 1024;

    private static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan KeepAliveTimeout = TimeSpan.FromMinutes(2);

    /// <summary>An answer that moves slower than 240 bytes/s, after 5 s of grace, ends its connection. Waiting costs nothing: nothing moves.</summary>
    private static readonly MinDataRate SlowestRate = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

    /// <summary>
    /// What connections can make the server hold, unread bytes, one request with its headers and what is not sent of an answer each, is at
    /// most an eighth of the memory. There are never fewer than fit in an eighth of the smallest memory that operators are told of: with
    /// less than that, a stranger with three hundred would leave nobody else one.
    /// </summary>
    public static int MaxConnectionsIn(long memoryBytes, bool hasTls = false)
    {
        var each = hasTls ? TlsConnectionBytes : ConnectionBytes;
        return (int)Math.Clamp(new MemoryPlan(memoryBytes).Connections / each, MemoryPlan.SmallestBytes / 8 / each, MostConnections);
    }

    /// <summary>Sockets are read by themselves, whatever Kestrel's own limits are.</summary>
    public static void Apply(SocketTransportOptions sockets)
    {
        sockets.MaxReadBufferSize = MaxUnreadBytes;
        sockets.MaxWriteBufferSize = PipeBytes;
        sockets.CreateBoundListenSocket = static endPoint => endPoint is UnixDomainSocketEndPoint
            ? AdminSocket.Bind(endPoint.ToString()!)
            : SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
    }

    /// <param name="memoryBytes">That this process may have.</param>
    public static void Apply(KestrelServerOptions kestrel, long memoryBytes, bool hasTls = false)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        // An HTTP/2 connection without TLS is shown to Kestrel as one with it, and its requests say "http" all the same.
        kestrel.AllowAlternateSchemes = !hasTls;
        var limits = kestrel.Limits;
        limits.MaxConcurrentConnections = MaxConnectionsIn(memoryBytes, hasTls);
        limits.MaxConcurrentUpgradedConnections = 0;
        // Each endpoint stops reading at its own limit. Past that the server still takes, for at most 5 s, what a client goes on sending, and throws it away:
        // a connection closed with unread bytes is reset, and the client would see a broken pipe instead of the answer that tells it why.
        limits.MaxRequestBodySize = null;
        limits.MaxRequestBufferSize = MaxUnreadBytes;
        limits.MaxRequestLineSize = MaxRequestLineBytes;
        limits.MaxResponseBufferSize = PipeBytes;
        limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
        limits.MaxRequestHeaderCount = MaxHeaders;
        limits.RequestHeadersTimeout = HeadersTimeout;
        limits.KeepAliveTimeout = KeepAliveTimeout;
        // Bodies have a time of their own (UnfinishedBodies), which ends one request. This one would end a connection of HTTP/2 with all that waits on it.
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = SlowestRate;
        limits.Http2.MaxStreamsPerConnection = 1_000;
        limits.Http2.InitialConnectionWindowSize = MaxUnreadBytes;
        limits.Http2.InitialStreamWindowSize = MaxUnreadBytes;
        limits.Http2.MaxFrameSize = MaxFrameBytes;
        limits.Http2.MaxRequestHeaderFieldSize = MaxHeaderBytes;
        limits.Http2.HeaderTableSize = HeaderTableBytes;
    }

    public static void Listen(KestrelServerOptions kestrel, IPEndPoint endPoint, ServerTls? tls, TokenJudge tokens, TimeProvider clock) =>
        kestrel.Listen(endPoint, listen => Use(listen, tls, tokens, clock));

    /// <summary>At the admin socket too: HTTP/1.1, for programs of this machine.</summary>
    public static void ListenLocally(KestrelServerOptions kestrel, string path, TimeProvider clock) =>
        kestrel.ListenUnixSocket(path, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            AdminSocket.UseOn(listen);
            var unread = new UnreadBehindWaits(clock);
            listen.Use(next => connection => unread.InvokeAsync(connection, next));
            listen.UseRejectionAnswers();
        });

    private static void Use(ListenOptions listen, ServerTls? tls, TokenJudge tokens, TimeProvider clock)
    {
        listen.Protocols = HttpProtocols.Http1AndHttp2;
        ConnectionTokens.UseOn(listen, tokens);
        listen.UseKeepAliveProbes();
        // From here on it is known which of the two protocols is spoken: TLS has agreed on it, or the client's first bytes say so.
        if (tls is not null)
        {
            tls.UseOn(listen);
        }
        else
        {
            listen.UseHttp2PriorKnowledge(HeadersTimeout, clock);
        }
        var unread = new UnreadBehindWaits(clock);
        listen.Use(next => connection => unread.InvokeAsync(connection, next));
        listen.UseRejectionAnswers();
    }
}
