using System.Text.Json;
using Consensus.Security.Tests.Https.Support;
using Consensus.Server.Tests.Support;

namespace Consensus.Security.Tests.Https;

/// <summary>Who is not known is told so, and nothing else.</summary>
internal sealed class RefusalTests : HttpsTest
{
    private const string NoCertificate = "a client certificate is needed here";

    [Test]
    public void Row_01_Without_a_certificate_every_route_and_method_is_401_and_tells_nothing_else()
    {
        using var document = JsonDocument.Parse(TlsHttp.Ask(Port, Billing, "GET", "/openapi/v1.json").Body);
        var targets = document.RootElement.GetProperty("paths").EnumerateObject()
            .Select(path => path.Name.Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal))
            .Where(path => path is not ("/livez" or "/readyz"))
            .Concat(["/", "/v2/none", "/v1/kv/a?prefix=x", "/readyz?verbose=true", "/livez?", "/livez/", "//livez", "/%6civez"])
            .Concat(["*", "http://localhost/livez"]);
        foreach (var target in targets)
        {
            foreach (var method in (string[])["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "BREW"])
            {
                if (target == "*" && method != "OPTIONS")
                {
                    continue;
                }
                using var connection = TlsHttp.Open(Port, null);
                AssertUnknown(connection.Ask(method, target), NoCertificate);
                Assert.That(connection.IsEnded(), Is.True, $"{method} {target}");
            }
        }
        Assert.That(Node.AppliedCommands, Is.Zero);
    }

    [Test]
    public void Row_01_The_two_probes_are_open_and_tell_nothing_of_the_cluster_either()
    {
        foreach (var target in (string[])["/livez", "/readyz"])
        {
            foreach (var method in (string[])["GET", "HEAD"])
            {
                using var connection = TlsHttp.Open(Port, null);
                var answer = connection.Ask(method, target);
                Assert.That((answer.Status, answer.Headers["Connection"]), Is.EqualTo((200, "close")));
                Assert.That(answer.Headers.Keys.Where(name => name.StartsWith("Consensus-", StringComparison.OrdinalIgnoreCase)), Is.Empty);
                Assert.That(connection.IsEnded(), Is.True);
            }
            AssertUnknown(TlsHttp.Ask(Port, null, "POST", target), NoCertificate);
        }
        Node.Ready = false;
        var notReady = TlsHttp.Ask(Port, null, "GET", "/readyz");
        Assert.That((notReady.Status, notReady.Headers.ContainsKey("Consensus-Leader")), Is.EqualTo((503, false)));
    }

    [Test]
    public void A_stranger_is_not_told_which_hosts_and_pages_are_served() =>
        AssertUnknown(TlsHttp.Ask(Port, null, "GET", "/v1/status", "Host: evil.example", "Origin: https://evil.example"), NoCertificate);

    [Test]
    public async Task Row_01_Over_HTTP2_it_is_the_same()
    {
        using (var connection = TlsHttp.Open(Port, null, alpn: "h2"))
        {
            connection.Send([.. Http2Frames.Opening, .. Http2Frames.Get(1, "/v1/cluster", scheme: "https")]);
            Assert.That(connection.ReceiveFramesToTheEnd(), Does.Contain(Http2Frames.GoAwayType));
        }
        using var response = await Library(null, System.Net.HttpVersion.Version20).GetAsync(new Uri("/v1/cluster", UriKind.Relative));
        Assert.That((int)response.StatusCode, Is.EqualTo(401));
        Assert.That(response.Headers.Select(header => header.Key), Has.None.StartsWith("Consensus-"));
        Assert.That(await response.Content.ReadAsStringAsync(), Does.Contain(NoCertificate));
    }

    [Test]
    public void Row_25_A_header_or_a_query_names_nobody_and_spoils_what_a_certificate_names()
    {
        const string Bearer = "Authorization: Bearer x";
        foreach (var headers in (string[][])[[Bearer], ["Authorization: Basic YTpi"], ["authorization: bearer"], [Bearer, Bearer]])
        {
            AssertUnknown(TlsHttp.Ask(Port, Billing, "GET", "/v1/kv/a", headers), "the credential is not valid");
            AssertUnknown(TlsHttp.Ask(Port, null, "GET", "/livez", headers), "the credential is not valid");
        }
        AssertUnknown(TlsHttp.Ask(Port, null, "GET", "/v1/kv/a?access_token=x"), NoCertificate);
        Assert.That(TlsHttp.Ask(Port, Billing, "GET", "/v1/kv/a?access_token=x").Status, Is.EqualTo(400));
        Assert.That(TlsHttp.Ask(Port, Billing, "GET", "/livez", "Authorization: Bearer a\0b").Status, Is.EqualTo(400));
    }

    [Test]
    public void Row_25_A_header_of_a_megabyte_is_431_and_tells_nothing_of_the_cluster()
    {
        using var connection = TlsHttp.Open(Port, null);
        try
        {
            connection.Send(TlsHttp.Request("GET", "/livez", "Authorization: Bearer " + new string('x', 1 << 20)));
        }
        catch (IOException)
        {
            // Not all of it was taken.
        }
        var answer = connection.Receive();
        Assert.That((answer.Status, answer.Headers.ContainsKey("Consensus-Leader")), Is.EqualTo((431, false)));
        Assert.That(answer.Body, Does.Contain("urn:consensus:problem:too-large"), "refusals before our code have their body over TLS too");
    }

    [TestCase(Flaw.OtherAuthority)]
    [TestCase(Flaw.Expired)]
    [TestCase(Flaw.NotYetValid)]
    [TestCase(Flaw.ServerOnly)]
    [TestCase(Flaw.NoUsage)]
    [TestCase(Flaw.AnyUsage)]
    [TestCase(Flaw.DamagedUsage)]
    [TestCase(Flaw.IsAuthority)]
    [TestCase(Flaw.TwoUris)]
    [TestCase(Flaw.BrokenUri)]
    [TestCase(Flaw.DamagedNames)]
    [TestCase(Flaw.SignedByClient)]
    public void Row_30_A_certificate_that_is_not_believed_fails_in_the_handshake_and_makes_nobody_anonymous(Flaw flaw) =>
        AssertHandshakeFails(Certificates.Wrong(flaw), flaw.ToString());

    [TestCase(Flaw.NoUri, "names nobody")]
    [TestCase(Flaw.OtherDomain, "of another domain, c-test-other")]
    public void Row_30_A_certificate_that_names_nobody_here_is_401(Flaw flaw, string sentence) =>
        AssertUnknown(TlsHttp.Ask(Port, Certificates.Wrong(flaw), "GET", "/v1/status"), sentence);

    [Test]
    public void Row_30_A_members_certificate_is_nobody_to_clients()
    {
        using var connection = TlsHttp.Open(Port, Certificates.WithUris(Watcher.Current.Own.Name!.Uri));
        AssertUnknown(connection.Ask("GET", "/v1/status"), "that of the member n1, which is nobody to this port");
        var probe = TlsHttp.Ask(Port, Certificates.WithUris(Watcher.Current.Own.Name!.Uri), "GET", "/readyz");
        Assert.That(probe.Status, Is.EqualTo(200), "what everybody may ask, it may");
    }

    [Test]
    public void Row_30_What_is_no_clients_URI_of_the_domain_to_the_letter_names_nobody()
    {
        foreach (var rest in (string[])["//c-test/Client/billing", "//c-test/client/x/", "//c-test:80/client/x", "//c-test/clients/x"])
        {
            AssertUnknown(TlsHttp.Ask(Port, Certificates.WithUris("consensus:" + rest), "GET", "/v1/status"), "names nobody");
        }
        AssertUnknown(TlsHttp.Ask(Port, Certificates.WithUris("spiffe://c-test/client/billing"), "GET", "/v1/status"), "names nobody");
    }

    [Test]
    public async Task Row_31_Addresses_in_a_presented_certificate_are_not_asked()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var asked = listener.AcceptSocketAsync();
        var addresses = new Uri($"http://{listener.LocalEndpoint}/");
        Assert.That(TlsHttp.Ask(Port, Certificates.WithAddresses(addresses), "GET", "/v1/status").Status, Is.EqualTo(200));
        AssertHandshakeFails(Certificates.WithAddresses(addresses, flaw: Flaw.OtherAuthority), "of a CA that is not known");
        Assert.That(asked.IsCompleted, Is.False);
        listener.Stop();
        Assert.That(async () => await asked, Throws.Exception);
    }
}
