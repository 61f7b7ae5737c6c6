using System.Buffers;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Consensus.Server.Connections;

/// <summary>
/// HTTP/1.1 and HTTP/2 with prior knowledge (RFC 9113 §3.3) on one port without TLS. Kestrel chooses between the two only by what TLS negotiated (ALPN), so a connection that
/// begins with HTTP/2's preface is given the outcome of such a negotiation.
/// </summary>
internal static class Http2PriorKnowledge
{
    /// <summary>The first line of the preface, which no HTTP/1.1 request begins with.</summary>
    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n"u8;

    public static void UseHttp2PriorKnowledge(this ListenOptions listen, TimeSpan timeout, TimeProvider clock) =>
        listen.Use(next => connection => InvokeAsync(connection, next, timeout, clock));

    private static async Task InvokeAsync(ConnectionContext connection, ConnectionDelegate next, TimeSpan timeout, TimeProvider clock)
    {
        // The server's own time-out for headers begins only after this.
        using var limit = new CancellationTokenSource(timeout, clock);
        bool isHttp2;
        try
        {
            isHttp2 = await BeginsWithPrefaceAsync(connection, limit.Token);
        }
        catch (OperationCanceledException)
        {
            connection.Abort();
            return;
        }
        if (!isHttp2)
        {
            await next(connection);
            return;
        }
        connection.Features.Set<ITlsConnectionFeature>(Negotiated.Http2);
        connection.Features.Set<ITlsApplicationProtocolFeature>(Negotiated.Http2);
        await StreamWire.ServeAsync(connection, next);
    }

    private static async ValueTask<bool> BeginsWithPrefaceAsync(ConnectionContext connection, CancellationToken cancellationToken)
    {
        var input = connection.Transport.Input;
        while (true)
        {
            var result = await input.ReadAsync(cancellationToken);
            var verdict = Judge(result.Buffer);
            // Nothing is consumed; while undecided, everything counts as examined, so that the next read waits for more.
            input.AdvanceTo(result.Buffer.Start, verdict is null ? result.Buffer.End : result.Buffer.Start);
            if (verdict is not null || result.IsCompleted)
            {
                return verdict ?? false;
            }
        }
    }

    /// <summary>Null while what has come is a beginning of the preface.</summary>
    private static bool? Judge(ReadOnlySequence<byte> received)
    {
        Span<byte> first = stackalloc byte[Preface.Length];
        var length = (int)Math.Min(received.Length, first.Length);
        received.Slice(0, length).CopyTo(first);
        if (!Preface.StartsWith(first[..length]))
        {
            return false;
        }
        return length == Preface.Length ? true : null;
    }

    /// <summary>What a TLS handshake with "h2" would have left; there is no certificate.</summary>
    private sealed class Negotiated : ITlsConnectionFeature, ITlsApplicationProtocolFeature
    {
        public static readonly Negotiated Http2 = new();

        private static readonly byte[] ProtocolName = "h2"u8.ToArray();

        public ReadOnlyMemory<byte> ApplicationProtocol => ProtocolName;

        public X509Certificate2? ClientCertificate
        {
            get => null;
            set => throw new NotSupportedException();
        }

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult<X509Certificate2?>(null);
    }
}
