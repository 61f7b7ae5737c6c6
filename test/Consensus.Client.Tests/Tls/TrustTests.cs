using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Consensus.Cli.Tests.Support;
using Consensus.Client.Tests.Support;
using Consensus.Client.Transport;
using Consensus.Security.Certificates;

namespace Consensus.Client.Tests.Tls;

/// <summary>
/// Whom a client with a bundle believes, on each way that a request leaves it, and what it says of all others: nothing of a request goes
/// to them.
/// </summary>
internal sealed class TrustTests
{
    private static readonly (Flaw Flaw, string Why)[] Flaws =
    [
        (Flaw.Expired, "it expired on "),
        (Flaw.NotYetValid, "it is not valid before "),
        (Flaw.OtherAuthority, "it is of a CA that is not known here"),
        (Flaw.ClientOnly, "it is not for a server (extended key usage)"),
        (Flaw.NoUsage, "it does not say what it is for (extended key usage)"),
        (Flaw.AnyUsage, "it is not for a server (extended key usage)"),
        (Flaw.IsAuthority, "it is a CA's own certificate"),
        (Flaw.TwoUris, "it has 2 URI names where one is wanted"),
        (Flaw.NoUri, "it names no member of c-test"),
        (Flaw.OtherDomain, "it is that of n1 of the cluster c-test-other, and not of a member of c-test"),
    ];

    private static readonly Way[] WaysOut = Enum.GetValues<Way>();

    private readonly TestCertificates _certificates = new();
    private FakeServer _member = null!;

    [SetUp]
    public void Start() => _member = new FakeServer(_ => new FakeAnswer(200, "{}", "application/octet-stream"));

    [TearDown]
    public void Stop() => _member.Dispose();

    [OneTimeTearDown]
    public void End() => _certificates.Dispose();

    [Test]
    public async Task A_member_is_believed_by_its_name_whatever_its_address([Values] Way way)
    {
        // For localhost alone, and asked by an address.
        using var front = Front(_certificates.WithAddresses(new Uri("http://127.0.0.1:1/"), CertificateRole.Member, "n1"));
        using var transport = Ways.Open(way, front.Endpoint, new ClientTls(_certificates.Client("billing")));

        var attempt = await transport.AskAsync(way, front.Endpoint);

        Assert.That(attempt.Kind, Is.EqualTo(AttemptKind.Done), attempt.Detail);
        Assert.That(front.Clients, Is.EqualTo(new[] { "consensus://c-test/client/billing" }));
    }

    [Test]
    public async Task Who_has_the_CA_alone_believes_its_members_and_shows_no_certificate([Values] Way way)
    {
        using var front = Front(_certificates.WithAddresses(new Uri("http://127.0.0.1:1/"), CertificateRole.Member, "n1"));
        using var transport = Ways.Open(way, front.Endpoint, new ClientTls(_certificates.AuthorityFile));

        var attempt = await transport.AskAsync(way, front.Endpoint);

        Assert.That(attempt.Kind, Is.EqualTo(AttemptKind.Done), attempt.Detail);
        Assert.That(front.Clients, Is.EqualTo(new string?[] { null }));
    }

    [TestCaseSource(nameof(FlawsByWay))]
    public async Task Who_has_another_certificate_is_not_believed_and_hears_nothing((Flaw Flaw, string Why) wrong, Way way)
    {
        using var front = Front(_certificates.Wrong(wrong.Flaw, CertificateRole.Member, "n1"));

        await IsRefusedAsync(way, front, _certificates.Client("billing"), wrong.Why);
    }

    [TestCaseSource(nameof(WaysOut))]
    public async Task A_client_of_the_cluster_is_no_member_of_it(Way way)
    {
        using var front = Front(_certificates.WithAddresses(new Uri("http://127.0.0.1:1/")));
        using var server = Front(_certificates.Wrong(Flaw.ServerOnly, CertificateRole.Client, "mallory"));

        await IsRefusedAsync(way, front, _certificates.Client("billing"), "it is not for a server (extended key usage)");
        await IsRefusedAsync(way, server, _certificates.Client("billing"),
            "it is that of consensus://c-test/client/mallory, and not of a member of c-test");
    }

    [TestCaseSource(nameof(WaysOut))]
    public async Task A_member_of_another_cluster_is_no_member_of_this_one(Way way)
    {
        using var others = new TestCertificates("c-other");
        using var front = new TlsFront(_member.Endpoint, others.Member("n1", "127.0.0.1"));

        await IsRefusedAsync(way, front, _certificates.Client("billing"), "it is of a CA that is not known here");
        await IsRefusedAsync(way, front, _certificates.AuthorityFile, "it is of a CA that is not known here");
    }

    [TestCaseSource(nameof(WaysOut))]
    public async Task Without_a_bundle_the_CAs_of_this_machine_are_asked(Way way)
    {
        using var front = new TlsFront(_member.Endpoint, _certificates.Member("n1", "127.0.0.1"));
        using var transport = Ways.Open(way, front.Endpoint, null);

        var attempt = await transport.AskAsync(way, front.Endpoint);

        Assert.That((attempt.Kind, attempt.IsUntrusted), Is.EqualTo((AttemptKind.NothingDone, true)), attempt.Detail);
        Assert.That(attempt.Detail, Does.Contain("it is of a CA that this machine does not know, or not valid now"));
        Assert.That(_member.Requests, Is.Empty);
    }

    [TestCaseSource(nameof(WaysOut))]
    public async Task A_certificate_of_a_CA_that_names_no_cluster_is_believed_for_its_host_alone(Way way)
    {
        // A company's CA: here one whose own certificate is not of a cluster.
        using var company = new ForeignAuthority();
        using var good = new TlsFront(_member.Endpoint, company.Issue("127.0.0.1"), company.Anchors);
        using var bad = new TlsFront(_member.Endpoint, company.Issue("127.0.0.2"), company.Anchors);
        var file = _certificates.Write("company.pem", company.Pem);
        using var transport = Ways.Open(way, good.Endpoint, new ClientTls(file));

        var attempt = await transport.AskAsync(way, good.Endpoint);

        Assert.That(attempt.Kind, Is.EqualTo(AttemptKind.Done), attempt.Detail);
        _member.Requests.Clear();
        await IsRefusedAsync(way, bad, file, "it is not for 127.0.0.1");
    }

    [TestCaseSource(nameof(WaysOut))]
    public async Task No_address_that_a_certificate_names_is_asked(Way way)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var addresses = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        using var front = Front(_certificates.WithAddresses(addresses, CertificateRole.Member, "n1"));
        using var unknown = Front(_certificates.WithAddresses(addresses, CertificateRole.Member, "n1", Flaw.OtherAuthority));
        var known = new ClientTls(_certificates.Client("billing"));
        foreach (var (server, tls) in new (TlsFront, ClientTls?)[] { (front, known), (unknown, known), (front, null) })
        {
            using var transport = Ways.Open(way, server.Endpoint, tls);
            await transport.AskAsync(way, server.Endpoint);
        }

        Assert.That(listener.Pending(), Is.False);
    }

    [TestCaseSource(nameof(WaysOut))]
    public async Task A_server_that_does_not_speak_https_is_told_nothing(Way way)
    {
        using var plain = new PlainServer();
        using var transport = Ways.Open(way, plain.Endpoint, new ClientTls(_certificates.Client("billing")));

        var attempt = await transport.AskAsync(way, plain.Endpoint);

        Assert.That((attempt.Kind, attempt.IsUntrusted), Is.EqualTo((AttemptKind.NothingDone, true)), attempt.Detail);
        Assert.That(attempt.Detail,
            Is.EqualTo($"{plain.Endpoint.Authority} does not speak https, and nothing was sent: was it started without --tls?"));
        Assert.That(plain.FirstByte, Is.EqualTo(22), "the first byte is that of a handshake");
    }

    [TestCaseSource(nameof(WaysOut))]
    public async Task Nobody_is_spoken_to_in_an_older_TLS(Way way)
    {
        using var front = new TlsFront(_member.Endpoint, _certificates.Member("n1")) { Protocols = SslProtocols.Tls12 };
        using var transport = Ways.Open(way, front.Endpoint, new ClientTls(_certificates.Client("billing")));

        var attempt = await transport.AskAsync(way, front.Endpoint);

        Assert.That((attempt.Kind, attempt.IsUntrusted), Is.EqualTo((AttemptKind.NothingDone, true)), attempt.Detail);
        Assert.That(attempt.Detail, Does.Contain("do not agree on TLS"));
    }

    [TestCaseSource(nameof(WaysOut))]
    public async Task A_handshake_that_breaks_off_is_as_a_connection_that_nobody_takes(Way way)
    {
        using var front = new TlsFront(_member.Endpoint, _certificates.Member("n1")) { Hangs = true };
        using var transport = Ways.Open(way, front.Endpoint, new ClientTls(_certificates.Client("billing")));

        var attempt = await transport.AskAsync(way, front.Endpoint);

        Assert.That((attempt.Kind, attempt.Unreachable, attempt.IsUntrusted), Is.EqualTo((AttemptKind.NothingDone, true, false)),
            attempt.Detail);
        Assert.That(attempt.Detail, Does.Contain("closed the connection during the TLS handshake"));
    }

    private static IEnumerable<TestCaseData> FlawsByWay() =>
        from wrong in Flaws
        from way in WaysOut
        select new TestCaseData(wrong, way).SetArgDisplayNames(wrong.Flaw.ToString(), way.ToString());

    private TlsFront Front(MadeCertificate made) => new(_member.Endpoint, made.Leaf, [_certificates.Authority.Certificate], made.Others);

    private async Task IsRefusedAsync(Way way, TlsFront front, string file, string why)
    {
        using var transport = Ways.Open(way, front.Endpoint, new ClientTls(file));

        var attempt = await transport.AskAsync(way, front.Endpoint);

        Assert.That((attempt.Kind, attempt.IsUntrusted, attempt.Unreachable), Is.EqualTo((AttemptKind.NothingDone, true, false)),
            attempt.Detail);
        Assert.That(attempt.Detail,
            Does.StartWith($"{front.Endpoint.Authority} is not believed by its certificate, and nothing was sent: {why}"));
        Assert.That(attempt.Detail, Does.EndWith($"({file} says whom to believe)."));
        Assert.That(_member.Requests, Is.Empty);
    }
}
