using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Consensus.Cli.Tests.Support;
using Consensus.Security.Certificates;

namespace Consensus.Cli.Tests.Certificates;

/// <summary><c>cert show HOST:PORT</c>: what is presented is told, and nothing is sent to whoever presents it.</summary>
internal sealed class CertProbeTests
{
    private static readonly Uri Nowhere = new("http://127.0.0.1:1");

    private TestCertificates _certificates = null!;

    [SetUp]
    public void MakeCertificates() => _certificates = new TestCertificates();

    [TearDown]
    public void RemoveCertificates() => _certificates.Dispose();

    private static string AddressOf(TcpListener listener) => $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private static Task<CliRun> ShowAsync(string address) => Ctl.RunAsync(Nowhere, "cert", "show", address);

    /// <returns>The bytes that came after the handshake; null if that failed.</returns>
    private static async Task<int?> ServeAsync(TcpListener listener, Bundle bundle, bool demandsCertificate)
    {
        using var connection = await listener.AcceptTcpClientAsync();
        await using var stream = new SslStream(connection.GetStream());
        try
        {
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = bundle.Context,
                ClientCertificateRequired = true,
                EnabledSslProtocols = SslProtocols.Tls13,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null || !demandsCertificate,
            });
            return await stream.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            return null;
        }
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task What_a_member_presents_is_told_also_when_it_demands_a_certificate_itself(bool demandsCertificate)
    {
        using var listener = Listen();
        var served = ServeAsync(listener, Bundle.Load(_certificates.Member("n1", "10.0.0.1"), "n1"), demandsCertificate);
        var run = await ShowAsync(AddressOf(listener));
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")), run.Output);
        Assert.That(run.Output.Split('\n')[1], Does.StartWith("member\tn1\tc-test\t"));
        Assert.That(await served, Is.EqualTo(demandsCertificate ? null : 0), "nothing is sent after the handshake");
    }

    [Test]
    public async Task What_is_wrong_with_it_is_told()
    {
        using var listener = Listen();
        var made = _certificates.Wrong(Flaw.Expired, CertificateRole.Client, "billing");
        var served = ServeAsync(listener, Bundle.Read(made.BundleText, "billing.pem", "billing.pem"), demandsCertificate: false);
        var run = await ShowAsync(AddressOf(listener));
        await served;
        Assert.That(run.ExitCode, Is.EqualTo(1), run.Error);
        Assert.That(
            run.Output,
            Does.Contain("Wrong: 'CN=billing, O=c-test' expired on").And.Contains("Wrong: it is a client's certificate, no member's."));
        Assert.That(run.Output, Does.Contain("Wrong: it is for localhost, not for 127.0.0.1"));
    }

    [Test]
    public async Task Its_addresses_are_not_asked()
    {
        using var listener = Listen();
        using var named = Listen();
        var made = _certificates.WithAddresses(new Uri($"http://{AddressOf(named)}/"), CertificateRole.Member, "n1");
        var served = ServeAsync(listener, Bundle.Read(made.BundleText, "n1.pem", "n1.pem"), demandsCertificate: false);
        var run = await ShowAsync(AddressOf(listener));
        await served;
        Assert.That(run.Output, Does.Contain("member\tn1\t"), run.Error);
        Assert.That(named.Pending(), Is.False);
    }

    [Test]
    public async Task Who_speaks_no_TLS_is_exit_1_and_nobody_is_exit_3()
    {
        using var listener = Listen();
        var address = AddressOf(listener);
        var served = Task.Run(async () =>
        {
            using var connection = await listener.AcceptTcpClientAsync();
            await connection.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
        });
        var run = await ShowAsync(address);
        await served;
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((1, "")));
        Assert.That(run.Error, Does.StartWith($"consensusctl: {address} does not speak TLS as it should ("));
        listener.Stop();
        run = await ShowAsync(address);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((3, "")));
        Assert.That(run.Error, Does.StartWith($"consensusctl: nobody answers at {address} ("));
    }

    [TestCase("[::1]:1", 3, "nobody answers at [::1]:1 (")]
    [TestCase("localhost:1", 3, "nobody answers at localhost:1 (")]
    [TestCase("localhost:0", 1, "localhost:0: there is no such file")]
    [TestCase("localhost:65536", 1, "localhost:65536: there is no such file")]
    [TestCase("::1:1", 1, "::1:1: there is no such file")]
    [TestCase("localhost:http", 1, "localhost:http: there is no such file")]
    public async Task What_is_no_host_and_port_is_a_file(string text, int exitCode, string sentence)
    {
        var run = await ShowAsync(text);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((exitCode, "")));
        Assert.That(run.Error, Does.StartWith($"consensusctl: {sentence}"));
    }
}
