using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Consensus.Security.Certificates;
using Consensus.Security.Generations;

namespace Consensus.Transport.Tests.Support;

/// <summary>
/// What one member shows and believes, until the test says otherwise. Asks nobody whether the bundle is a good one: a stranger's is not.
/// </summary>
internal sealed class TestTls(Bundle bundle, TimeProvider? time = null) : ITlsSource
{
    private volatile TlsGeneration _current = new(1, bundle, bundle, []);

    public TestTls(string bundleText, TimeProvider? time = null)
        : this(Bundle.Read(bundleText, "test.pem", "test.pem"), time)
    {
    }

    public TlsGeneration Current => _current;

    public TimeProvider Time { get; } = time ?? TimeProvider.System;

    public MemberCertificates Members { get; } = new();

    /// <summary>Of a file that <see cref="TestCertificates"/> wrote.</summary>
    public static TestTls Of(string path, TimeProvider? time = null) => new(Bundle.Load(path, path), time);

    /// <summary>The member of this name in the domain.</summary>
    public static TestTls Of(TestCertificates domain, string member, TimeProvider? time = null) => Of(domain.Member(member), time);

    /// <summary>As a reload does.</summary>
    public void Change(Bundle bundle) => _current = new TlsGeneration(_current.Number + 1, bundle, bundle, []);

    /// <summary>As a stranger does who speaks TLS of his own, whoever answers: what comes after is the test's.</summary>
    public static SslStream Connect(System.Net.IPEndPoint to, Bundle? shown, SslProtocols protocols = SslProtocols.Tls13)
    {
        var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(to);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        stream.ReadTimeout = stream.WriteTimeout = (int)Patience.Limit.TotalMilliseconds;
        stream.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = "",
            ClientCertificateContext = shown?.Context,
            EnabledSslProtocols = protocols,
            // A stranger talks to whoever answers.
            RemoteCertificateValidationCallback = (_, answering, _, _) => answering is not null,
        });
        return stream;
    }
}
