using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;
using Consensus.Security.Generations;
using Consensus.Server.Connections;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Consensus.Server.Tls;

/// <summary>
/// TLS of the client port: how connections begin, who they are of, and which of them end when the certificates are others. Thread-safe.
/// </summary>
public sealed class ServerTls
{
    private static readonly List<SslApplicationProtocol> Protocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];

    /// <summary>
    /// Those that seal and sign at once; TLS 1.2 has others, whose padding has been a hole again and again (RFC 9325 §4.2).
    /// </summary>
    private static readonly TlsCipherSuite[] Ciphers =
    [
        TlsCipherSuite.TLS_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ];

    private readonly Lock _gate = new();
    private readonly HashSet<CallerConnection> _connections = [];
    private readonly bool _takesTls12;
    private long _refused;
    private long _turnedAway;
    private volatile string? _lastTurnedAway;

    /// <param name="source">Where the present certificates are found.</param>
    /// <param name="takesTls12">For clients that know no TLS 1.3.</param>
    /// <param name="clock">Counts deadlines; certificates are judged by the source's.</param>
    public ServerTls(ITlsSource source, bool takesTls12, TimeProvider clock)
    {
        (Source, _takesTls12, Clock) = (source, takesTls12, clock);
        Handshakes = new Handshakes(source, Revoked, clock);
    }

    /// <summary>Where the present certificates are found.</summary>
    public ITlsSource Source { get; }

    /// <summary>Why the newest content of the files is not used; null while it is.</summary>
    public Func<string?> Refusal { get; init; } = () => null;

    /// <summary>What the keys of each connection may be used for.</summary>
    internal KeyLimits KeyLimits
    {
        init => Handshakes.KeyLimits = value;
    }

    /// <summary>Counts deadlines.</summary>
    internal TimeProvider Clock { get; }

    /// <summary>Told of each certificate that is turned away in a handshake: from where it came.</summary>
    internal Action<IPAddress?>? TurnedAway { get; set; }

    /// <summary>What stands in front of the handshake.</summary>
    internal Handshakes Handshakes { get; }

    /// <summary>Which certificates are not believed any more, whatever their anchors say.</summary>
    internal RevokedCertificates Revoked { get; } = new();

    /// <summary>Requests that were answered 401.</summary>
    internal long Refused => Interlocked.Read(ref _refused);

    /// <summary>Connections that have TLS at this moment.</summary>
    internal int Connections
    {
        get
        {
            lock (_gate)
            {
                return _connections.Count;
            }
        }
    }

    /// <summary>
    /// What an operator has to look at, one sentence each: files that are not used, and certificates whose time is nearly over.
    /// </summary>
    internal IReadOnlyList<string> Alarms
    {
        get
        {
            var alarms = new List<string>();
            if (Refusal() is { } refusal)
            {
                alarms.Add($"{refusal}; the certificates from before go on");
            }
            var (generation, now) = (Source.Current, Source.Time.GetUtcNow());
            foreach (var bundle in new HashSet<Bundle> { generation.Own, generation.Peer })
            {
                if (Expiry.Of(bundle, now).Alarm is { } alarm)
                {
                    alarms.Add(alarm);
                }
                if (Source.Members.IsRevoked(bundle.Leaf))
                {
                    alarms.Add(
                        "the certificate of this member is revoked, so that the others have no link to it: "
                        + $"consensusctl cert renew {bundle.Name?.Name} makes another one");
                }
            }
            return alarms;
        }
    }

    /// <summary>Everything between the socket and HTTP, in its order.</summary>
    internal void UseOn(ListenOptions listen)
    {
        listen.Use(next => connection => Handshakes.InvokeAsync(connection, next));
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = begun => ValueTask.FromResult(OptionsOf(begun.Connection)),
            // Ours, which runs from the connection's beginning, comes first.
            HandshakeTimeout = TimeSpan.FromMinutes(10),
        });
        listen.Use(next => connection => InvokeAsync(connection, next));
    }

    /// <summary>
    /// Looks at what stands: requests that wait, and streams, of connections whose certificate is no longer believed, or over, are ended.
    /// To be called whenever the present certificates are others, and now and then.
    /// </summary>
    public void Look()
    {
        CallerConnection[] all;
        lock (_gate)
        {
            all = [.. _connections];
        }
        foreach (var connection in all)
        {
            connection.Look();
        }
    }

    /// <summary>
    /// How many certificates were turned away in handshakes since this was asked last, and what was said of the last of them: whoever
    /// presents one learns only that the handshake failed.
    /// </summary>
    internal (long Count, string? Last) TakeTurnedAway() => (Interlocked.Exchange(ref _turnedAway, 0), _lastTurnedAway);

    internal void CountRefused() => Interlocked.Increment(ref _refused);

    /// <summary>
    /// The certificate is asked for with the server's first words: HTTP/2 knows no later time, and one that is not believed never comes to
    /// speak HTTP.
    /// </summary>
    private SslServerAuthenticationOptions OptionsOf(ConnectionContext connection)
    {
        var generation = Source.Current;
        var caller = connection.Features.Get<CallerConnection>()!;
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = generation.Own.Context,
            EnabledSslProtocols = _takesTls12 ? SslProtocols.Tls12 | SslProtocols.Tls13 : SslProtocols.Tls13,
            ApplicationProtocols = Protocols,
            ClientCertificateRequired = true,
            AllowRenegotiation = false,
            // Given, though we judge ourselves: without it a chain is built here that asks whatever address the certificate names.
            CertificateChainPolicy = CertificateJudge.PolicyFor(
                generation.Own.Anchors, null, CertificateUse.Client, Source.Time.GetUtcNow()),
            RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                certificate is not X509Certificate2 leaf || Takes(caller, generation, leaf, chain?.ChainPolicy.ExtraStore),
        };
        if (_takesTls12 && !OperatingSystem.IsWindows() && !OperatingSystem.IsAndroid())
        {
            options.CipherSuitesPolicy = new CipherSuitesPolicy(Ciphers);
        }
        return options;
    }

    private bool Takes(CallerConnection caller, TlsGeneration generation, X509Certificate2 leaf, X509Certificate2Collection? others)
    {
        var isTaken = caller.Takes(generation, leaf, others);
        if (!isTaken)
        {
            Interlocked.Increment(ref _turnedAway);
            _lastTurnedAway = caller.Refusal;
            TurnedAway?.Invoke(caller.Address);
        }
        return isTaken;
    }

    private async Task InvokeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        Handshakes.Succeeded(connection);
        var caller = connection.Features.Get<CallerConnection>()!;
        lock (_gate)
        {
            _connections.Add(caller);
        }
        try
        {
            var agreed = connection.Features.Get<ITlsApplicationProtocolFeature>()?.ApplicationProtocol ?? default;
            var isHttp2 = agreed.Span.SequenceEqual(SslApplicationProtocol.Http2.Protocol.Span);
            await (isHttp2 ? StreamWire.ServeAsync(connection, next) : next(connection));
        }
        finally
        {
            lock (_gate)
            {
                _connections.Remove(caller);
            }
        }
    }
}
