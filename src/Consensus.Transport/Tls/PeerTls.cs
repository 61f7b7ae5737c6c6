using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;
using Consensus.Security.Generations;
using Consensus.Transport.Framing;

namespace Consensus.Transport.Tls;

/// <summary>
/// TLS 1.3 on one connection between members, both of whom showed a certificate. The certificate is judged within the handshake: who is not
/// believed ends in its alert, and nothing else of his is ever read. Sessions are not resumed, so that each connection proves its keys.
/// </summary>
/// <remarks>One thread reads, one writes. <see cref="IsStillBelieved"/> and the counters: any.</remarks>
internal sealed class PeerTls : IDisposable
{
    /// <summary>What TLS puts into one record at most.</summary>
    private const int RecordBytes = 16 * 1024;

    /// <summary>First bytes of a TLS record: of a handshake, and of an alert.</summary>
    private const int HandshakeByte = 0x16;

    private const int AlertByte = 0x15;

    private readonly SocketStream _socket;
    private readonly SslStream _stream;
    private readonly ITlsSource _source;
    private readonly CertificateUse _use;
    private readonly Action _requireBelief;
    private readonly X509Certificate2Collection _others = [];
    private X509Certificate2? _leaf;
    private CertificateName? _peer;
    private string? _objection;
    private long _believedIn;

    /// <summary>Which revocations it was judged by.</summary>
    private long _believedBy;
    private long _sealedBytes;
    private long _sealedRecords;

    private PeerTls(Socket socket, ITlsSource source, CertificateUse use)
    {
        socket.Blocking = false;
        (_source, _use, _requireBelief) = (source, use, RequireBelief);
        _socket = new SocketStream(socket);
        _stream = new SslStream(_socket, leaveInnerStreamOpen: true);
    }

    /// <summary>Name of the member whose certificate the other side showed.</summary>
    public string Member => _peer!.Name;

    /// <summary>The generation of the own bundle that the handshake was made with.</summary>
    public long Generation { get; private set; }

    /// <summary>Bytes that <see cref="TrySeal"/> was given.</summary>
    public long SealedBytes => Volatile.Read(ref _sealedBytes);

    /// <summary>Records that they were sealed in: what a key may be used for is counted in these.</summary>
    public long SealedRecords => Volatile.Read(ref _sealedRecords);

    /// <summary>Shakes hands as the one who was dialled. Any member of the domain may come; who it says it is has still to fit.</summary>
    /// <exception cref="PeerTlsException">It failed.</exception>
    public static PeerTls Accept(Socket socket, ITlsSource source, Deadline deadline)
    {
        var tls = new PeerTls(socket, source, CertificateUse.Client);
        tls.ShakeHands(deadline, generation => tls._stream.AuthenticateAsServer(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = generation.Peer.Context,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowRenegotiation = false,
            AllowTlsResume = false,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = tls.PolicyIn(generation),
            RemoteCertificateValidationCallback = (_, leaf, chain, _) => tls.Believes(generation, leaf, chain, ""),
        }));
        return tls;
    }

    /// <summary>Shakes hands as the one who dialled.</summary>
    /// <param name="wanted">The member that must answer; empty: any of the domain.</param>
    /// <exception cref="PeerTlsException">It failed.</exception>
    public static PeerTls Dial(Socket socket, ITlsSource source, string wanted, Deadline deadline)
    {
        var tls = new PeerTls(socket, source, CertificateUse.Server);
        tls.ShakeHands(deadline, generation => tls._stream.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = "",
            ClientCertificateContext = generation.Peer.Context,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowRenegotiation = false,
            AllowTlsResume = false,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = tls.PolicyIn(generation),
            RemoteCertificateValidationCallback = (_, leaf, chain, _) => tls.Believes(generation, leaf, chain, wanted),
        }));
        return tls;
    }

    /// <summary>
    /// Whether the other side's certificate is believed by the present generation and the present revocations; judged once for each. That
    /// it ended meanwhile does not matter: what stands goes on, and only new handshakes fail.
    /// </summary>
    /// <param name="objection">What is wrong with it.</param>
    public bool IsStillBelieved(out string objection)
    {
        objection = "";
        var present = _source.Current;
        // Before the revocations are looked at: those may only be newer.
        var version = _source.Members.Version;
        var isSameGeneration = present.Number == Volatile.Read(ref _believedIn);
        if (isSameGeneration && version == Volatile.Read(ref _believedBy))
        {
            return true;
        }
        if (PeerTrust.IfRevoked(_leaf!, Member, _source.Members) is { } revoked)
        {
            objection = revoked;
            return false;
        }
        if (isSameGeneration)
        {
            // A change of the policy, as there may be many: the chain is what it was.
            Volatile.Write(ref _believedBy, version);
            return true;
        }
        var now = _source.Time.GetUtcNow();
        // To OpenSSL it has ended in its last second.
        var end = new DateTimeOffset(_leaf!.NotAfter.ToUniversalTime()).AddSeconds(-1);
        if (PeerTrust.ObjectionTo(_leaf, _others, present, _use, now < end ? now : end, Member, out _) is { } found)
        {
            objection = found;
            return false;
        }
        Volatile.Write(ref _believedIn, present.Number);
        Volatile.Write(ref _believedBy, version);
        return true;
    }

    public IoResult Receive(Span<byte> buffer, Deadline deadline)
    {
        _socket.LimitReads(deadline);
        return ReceiveAll(buffer);
    }

    public IoResult Receive(Span<byte> buffer, TimeSpan stall)
    {
        _socket.LimitReads(stall);
        return ReceiveAll(buffer);
    }

    /// <summary>
    /// Waits for some bytes as long as it takes, and as long as the other side is believed. How many; 0 when it has ended its sending, -1
    /// when the connection failed.
    /// </summary>
    /// <exception cref="IOException">It is not believed any more.</exception>
    public int ReceiveSome(Span<byte> buffer)
    {
        RequireBelief();
        _socket.LimitReads(_requireBelief);
        return Read(buffer, out _);
    }

    public IoResult Send(ReadOnlySpan<byte> bytes, TimeSpan stall)
    {
        _socket.LimitWrites(stall);
        try
        {
            _stream.Write(bytes);
            return IoResult.Done;
        }
        catch (SocketTimeoutException)
        {
            return IoResult.TimedOut;
        }
        catch (Exception e) when (IsEndOfConnection(e))
        {
            return IoResult.Closed;
        }
    }

    /// <summary>
    /// What TLS makes of these bytes, for the caller to send as they are, in this order and before anything else; valid until the next
    /// call. Never waits. False when TLS failed.
    /// </summary>
    public bool TrySeal(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> sealedBytes)
    {
        _socket.Collect();
        sealedBytes = default;
        try
        {
            _stream.Write(bytes);
        }
        catch (Exception e) when (IsEndOfConnection(e))
        {
            return false;
        }
        Volatile.Write(ref _sealedBytes, _sealedBytes + bytes.Length);
        Volatile.Write(ref _sealedRecords, _sealedRecords + ((bytes.Length + RecordBytes - 1) / RecordBytes));
        sealedBytes = _socket.Collected;
        return true;
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
        _leaf?.Dispose();
        foreach (var certificate in _others)
        {
            certificate.Dispose();
        }
    }

    private static bool IsEndOfConnection(Exception e) =>
        e is IOException or SocketException or ObjectDisposedException or InvalidOperationException or AuthenticationException;

    private X509ChainPolicy PolicyIn(TlsGeneration generation) =>
        CertificateJudge.PolicyFor(generation.Peer.Anchors, null, _use, _source.Time.GetUtcNow());

    private void ShakeHands(Deadline deadline, Action<TlsGeneration> authenticate)
    {
        var generation = _source.Current;
        (Generation, _believedIn, _believedBy) = (generation.Number, generation.Number, _source.Members.Version);
        _socket.LimitReads(deadline);
        _socket.LimitWrites(deadline);
        try
        {
            authenticate(generation);
        }
        // A chain is built before our judgement is asked for, and what is damaged in a stranger's certificate is thrown from there.
        catch (Exception e) when (IsEndOfConnection(e) || Damage.Shows(e))
        {
            Dispose();
            throw Failed(e);
        }
    }

    /// <summary>
    /// Within the handshake: false ends it with an alert. The certificates are kept, to be judged again by later generations.
    /// </summary>
    private bool Believes(TlsGeneration generation, X509Certificate? leaf, X509Chain? chain, string wanted)
    {
        var shown = leaf as X509Certificate2;
        var others = chain?.ChainPolicy.ExtraStore;
        _objection = PeerTrust.ObjectionTo(shown, others, generation, _use, _source.Time.GetUtcNow(), wanted, out _peer);
        _objection ??= PeerTrust.IfRevoked(shown!, Member, _source.Members);
        if (_objection is not null)
        {
            return false;
        }
        if (_use == CertificateUse.Server)
        {
            // Where we dialled: who dials us may be whoever has an old one of the member's.
            _source.Members.Shown(Member, shown!);
        }
        _leaf = X509CertificateLoader.LoadCertificate(shown!.RawDataMemory.Span);
        foreach (var other in others ?? [])
        {
            _others.Add(X509CertificateLoader.LoadCertificate(other.RawDataMemory.Span));
        }
        return true;
    }

    private PeerTlsException Failed(Exception e) => (e, _socket.FirstByte) switch
    {
        _ when _objection is not null => new PeerTlsException(PeerTlsFailure.NotBelieved, _objection, e),
        (SocketTimeoutException, _) => new PeerTlsException(PeerTlsFailure.TimedOut, "no end of the TLS handshake in time", e),
        (_, not (-1 or HandshakeByte or AlertByte)) => new PeerTlsException(
            PeerTlsFailure.NotBelieved, "it does not speak TLS, as one that was started without --tls", e),
        (_, -1) when _use == CertificateUse.Server => new PeerTlsException(
            PeerTlsFailure.Closed, "it closed without a word of TLS, as one that was started without --tls, or that is ending", e),
        _ when Damage.Shows(e) => new PeerTlsException(
            PeerTlsFailure.NotBelieved, $"its certificate is not believed: it cannot be read ({e.Message})", e),
        (AuthenticationException, _) => new PeerTlsException(
            PeerTlsFailure.NotBelieved, $"the TLS handshake failed: {(e.InnerException ?? e).Message}", e),
        _ => new PeerTlsException(PeerTlsFailure.Closed, $"closed during the TLS handshake: {e.Message}", e),
    };

    private void RequireBelief()
    {
        if (!IsStillBelieved(out var objection))
        {
            throw new PeerTlsException(PeerTlsFailure.NotBelieved, objection);
        }
    }

    private IoResult ReceiveAll(Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var count = Read(buffer, out var timedOut);
            if (count <= 0)
            {
                return timedOut ? IoResult.TimedOut : IoResult.Closed;
            }
            buffer = buffer[count..];
        }
        return IoResult.Done;
    }

    private int Read(Span<byte> buffer, out bool timedOut)
    {
        timedOut = false;
        try
        {
            return _stream.Read(buffer);
        }
        catch (SocketTimeoutException)
        {
            timedOut = true;
        }
        catch (Exception e) when (e is not PeerTlsException && IsEndOfConnection(e))
        {
            // Whatever it was, no more comes.
        }
        return -1;
    }
}
