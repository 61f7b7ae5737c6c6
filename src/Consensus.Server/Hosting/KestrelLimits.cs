using Consensus.Server.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Consensus.Server.Hosting;

/// <summary>What one client may take of the server. Each limit is set on purpose; none is left to a default.</summary>
internal static class KestrelLimits
{
    /// <summary>A waiting lock request holds its connection, so there may be many.</summary>
    private const int MaxConnections = 20_000;

    private const int MaxHeaderBytes = 16 * 1024;
    private const int MaxHeaders = 64;

    /// <summary>Room for a key or prefix of 1,024 bytes, every byte percent-encoded, several times over: longer ones are then told their limit by name.</summary>
    private const int MaxRequestLineBytes = 32 * 1024;

    private static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan KeepAliveTimeout = TimeSpan.FromMinutes(2);

    /// <summary>A body or an answer that moves slower than 240 bytes/s, after 5 s of grace, ends its connection. Waiting costs nothing: no body moves.</summary>
    private static readonly MinDataRate SlowestRate = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

    public static void Apply(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        // An HTTP/2 connection without TLS is shown to Kestrel as one with it, and its requests say "http" all the same.
        kestrel.AllowAlternateSchemes = true;
        var limits = kestrel.Limits;
        limits.MaxConcurrentConnections = MaxConnections;
        limits.MaxConcurrentUpgradedConnections = 0;
        // Each endpoint stops reading at its own limit. Past that the server still takes, for at most 5 s, what a client goes on sending, and throws it away:
        // a connection closed with unread bytes is reset, and the client would see a broken pipe instead of the answer that tells it why.
        limits.MaxRequestBodySize = null;
        limits.MaxRequestLineSize = MaxRequestLineBytes;
        limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
        limits.MaxRequestHeaderCount = MaxHeaders;
        limits.RequestHeadersTimeout = HeadersTimeout;
        limits.KeepAliveTimeout = KeepAliveTimeout;
        limits.MinRequestBodyDataRate = SlowestRate;
        limits.MinResponseDataRate = SlowestRate;
        limits.Http2.MaxStreamsPerConnection = 1_000;
    }

    public static void Listen(KestrelServerOptions kestrel, System.Net.IPEndPoint endPoint, TimeProvider clock) => kestrel.Listen(endPoint, listen =>
    {
        listen.Protocols = HttpProtocols.Http1AndHttp2;
        listen.UseHttp2PriorKnowledge(HeadersTimeout, clock);
        listen.UseRejectionAnswers();
    });
}
