using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;

namespace Consensus.Client.Tests.Support;

/// <summary>
/// Speaks TLS as a member does, and passes what it hears to a server that does not. It asks each client for a certificate. All of it on
/// threads of its own, so that it serves while the thread pool of its process is starved.
/// </summary>
internal sealed class TlsFront : IDisposable
{
    /// <summary>By which certificates are judged.</summary>
    private static readonly TimeProvider Clock = TimeProvider.System;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Uri _behind;
    private readonly ConcurrentDictionary<Socket, byte> _open = new();
    private readonly ConcurrentQueue<string?> _clients = new();
    private int _connections;

    /// <param name="behind">Who is passed what comes.</param>
    /// <param name="certificate">With its key; what it is shown with comes from <paramref name="others"/>.</param>
    /// <param name="anchors">Whose clients are believed.</param>
    public TlsFront(Uri behind, X509Certificate2 certificate, X509Certificate2Collection anchors, X509Certificate2Collection? others = null)
    {
        _behind = behind;
        Context = SslStreamCertificateContext.Create(certificate, others, offline: true);
        Anchors = anchors;
        _listener.Start();
        Endpoint = new Uri($"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        new Thread(Accept) { IsBackground = true }.Start();
    }

    /// <summary>With a member's bundle, as the file has it now.</summary>
    public TlsFront(Uri behind, string bundleFile)
        : this(behind, Bundle.Load(bundleFile, bundleFile))
    {
    }

    private TlsFront(Uri behind, Bundle bundle)
        : this(behind, bundle.Leaf, bundle.Anchors)
    {
    }

    public Uri Endpoint { get; }

    /// <summary>
    /// Who clients named in their certificates, in the order of their connections; null: none was shown. Of handshakes that succeeded.
    /// </summary>
    public IReadOnlyList<string?> Clients => [.. _clients];

    /// <summary>Connections that were accepted, whatever became of them.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>What later handshakes show.</summary>
    public SslStreamCertificateContext Context { get; set; }

    /// <summary>Whose clients later handshakes believe.</summary>
    public X509Certificate2Collection Anchors { get; set; }

    /// <summary>Who shows no certificate is refused.</summary>
    public bool DemandsCertificate { get; init; }

    public SslProtocols Protocols { get; init; } = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>Connections are closed as they are accepted.</summary>
    public bool Hangs { get; set; }

    /// <summary>So many connections are closed once their handshake is done.</summary>
    public int Refusals { get; set; }

    public void Dispose()
    {
        _listener.Stop();
        foreach (var socket in _open.Keys)
        {
            socket.Dispose();
        }
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.AcceptSocket();
                Interlocked.Increment(ref _connections);
                if (Hangs)
                {
                    socket.Dispose();
                    continue;
                }
                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    private void Serve(Socket socket)
    {
        _open[socket] = 0;
        using var there = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.NoDelay = true;
        try
        {
            using var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
            CertificateVerdict? verdict = null;
            tls.AuthenticateAsServer(Options(given => verdict = given));
            if (Refusals > 0)
            {
                Refusals--;
                return;
            }
            _clients.Enqueue(verdict?.Uri);
            there.Connect(_behind.Host, _behind.Port);
            _open[there] = 0;
            using var plain = new NetworkStream(there);
            var back = new Thread(() => Pass(plain, tls, socket)) { IsBackground = true };
            back.Start();
            Pass(tls, plain, there);
            back.Join();
        }
        catch (Exception error) when (error is IOException or SocketException or AuthenticationException or ObjectDisposedException)
        {
            // The client went away, or one end does not believe the other.
        }
        finally
        {
            _open.TryRemove(socket, out _);
            _open.TryRemove(there, out _);
            socket.Dispose();
        }
    }

    private SslServerAuthenticationOptions Options(Action<CertificateVerdict> judged) => new()
    {
        ServerCertificateContext = Context,
        ClientCertificateRequired = true,
        EnabledSslProtocols = Protocols,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = CertificateJudge.PolicyFor(Anchors, null, CertificateUse.Client, Clock.GetUtcNow()),
        RemoteCertificateValidationCallback = (_, shown, chain, _) =>
        {
            if (shown is null)
            {
                return !DemandsCertificate;
            }
            var verdict = CertificateJudge.Judge(
                (X509Certificate2)shown, chain?.ChainPolicy.ExtraStore, Anchors, CertificateUse.Client, Clock.GetUtcNow());
            judged(verdict);
            return verdict.IsBelieved;
        },
    };

    /// <summary>Passes on until one end closes; then the other hears of it.</summary>
    private static void Pass(Stream from, Stream to, Socket end)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            for (int count; (count = from.Read(buffer, 0, buffer.Length)) > 0;)
            {
                to.Write(buffer, 0, count);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // Closed.
        }
        end.Dispose();
    }
}
