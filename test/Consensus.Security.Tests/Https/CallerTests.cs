using System.Net;
using System.Text.Json;
using Consensus.Security.Tests.Https.Support;

namespace Consensus.Security.Tests.Https;

/// <summary>Who has a certificate is let in by its name, and what one has is out of the others' reach.</summary>
internal sealed class CallerTests : HttpsTest
{
    private static readonly string[] OneKey = ["Idempotency-Key: k", "Content-Length: 1"];

    private static TlsAnswer Put(TlsHttp connection, string target, string value, params string[] headers)
    {
        connection.Send(TlsHttp.Request("PUT", target, headers) + value);
        return connection.Receive();
    }

    private static async Task<HttpResponseMessage> PostAsync(
        HttpClient client, string target, string body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, target)
        {
            Content = new StringContent(body),
            Version = client.DefaultRequestVersion,
        };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        return await client.SendAsync(request);
    }

    [TestCase("1.1")]
    [TestCase("2.0")]
    public async Task A_client_of_the_domain_reads_and_writes(string version)
    {
        var client = Library(Billing, Version.Parse(version));
        using var put = await client.PutAsync(new Uri("/v1/kv/a", UriKind.Relative), new ByteArrayContent("1"u8.ToArray()));
        Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK), await put.Content.ReadAsStringAsync());
        using var get = await client.GetAsync(new Uri("/v1/kv/a", UriKind.Relative));
        Assert.That((get.StatusCode, get.Version), Is.EqualTo((HttpStatusCode.OK, Version.Parse(version))));
        Assert.That(get.Headers.GetValues("Consensus-Leader").Single(), Is.EqualTo("n1"));
        Assert.That(get.Headers.GetValues("X-Content-Type-Options").Single(), Is.EqualTo("nosniff"));
        Assert.That(get.Headers.GetValues("Cross-Origin-Resource-Policy").Single(), Is.EqualTo("same-origin"));
    }

    [Test]
    public void Row_12_Anothers_idempotency_key_is_ones_own_request()
    {
        using var billing = TlsHttp.Open(Port, Billing);
        using var orders = TlsHttp.Open(Port, Client("orders"));
        var first = Put(billing, "/v1/kv/a", "1", OneKey);
        var others = Put(orders, "/v1/kv/a", "1", OneKey);
        var again = Put(billing, "/v1/kv/a", "1", OneKey);
        Assert.That((first.Status, others.Status, again.Status), Is.EqualTo((200, 200, 200)));
        Assert.That(again.Body, Is.EqualTo(first.Body), "one's own answer is kept");
        Assert.That(others.Body, Is.Not.EqualTo(first.Body), "executed, not told another's answer");
    }

    [Test]
    public async Task Row_12_Anothers_session_is_none()
    {
        var (billing, orders) = (Library(Billing), Library(Client("orders")));
        using var granted = await PostAsync(billing, "/v1/leases", """{"ttl":"60s","session":true}""");
        var session = JsonDocument.Parse(await granted.Content.ReadAsStringAsync()).RootElement.GetProperty("id").GetString();
        var asked = $$"""{"owner":"o","lease":"{{session}}"}""";
        var number = ("Consensus-Session", $"{session}; seq=1; acked=0");
        using var foreign = await PostAsync(orders, "/v1/locks/l", asked, number);
        Assert.That((int)foreign.StatusCode, Is.EqualTo(410), await foreign.Content.ReadAsStringAsync());
        using var own = await PostAsync(billing, "/v1/locks/l", asked, number);
        Assert.That((int)own.StatusCode, Is.EqualTo(200), await own.Content.ReadAsStringAsync());
    }

    [Test]
    public async Task Row_12_A_wait_in_slices_is_not_taken_up_by_another()
    {
        const string Asked = """{"owner":"o","ttl":"60s","wait":"60s"}""";
        var (billing, orders) = (Library(Billing), Library(Client("orders")));
        using var held = await PostAsync(billing, "/v1/locks/l", """{"owner":"holder","ttl":"60s"}""");
        using var place = await PostAsync(billing, "/v1/locks/l?poll=1ms", Asked, ("Idempotency-Key", "k"));
        Assert.That((int)place.StatusCode, Is.EqualTo(202), await place.Content.ReadAsStringAsync());
        using var others = await PostAsync(orders, "/v1/locks/l?poll=1ms", Asked, ("Idempotency-Key", "k"));
        Assert.That((int)others.StatusCode, Is.EqualTo(202), await others.Content.ReadAsStringAsync());
        Assert.That(await others.Content.ReadAsStringAsync(), Does.Contain("\"position\":2"), "a place of its own, behind the first");
    }

    [Test]
    public async Task Who_broke_a_hold_is_told_by_name()
    {
        var billing = Library(Billing);
        using var lease = await PostAsync(billing, "/v1/leases", """{"ttl":"60s"}""");
        var id = JsonDocument.Parse(await lease.Content.ReadAsStringAsync()).RootElement.GetProperty("id").GetString();
        using var held = await PostAsync(billing, "/v1/locks/l", $$"""{"owner":"o","lease":"{{id}}"}""");
        Assert.That((int)held.StatusCode, Is.EqualTo(200), await held.Content.ReadAsStringAsync());
        using var stream = await Server.Tests.Support.EventStream.OpenAsync(billing, "/v1/locks/l");
        using var broken = await billing.DeleteAsync(new Uri("/v1/locks/l?force=true", UriKind.Relative));
        Assert.That((int)broken.StatusCode, Is.EqualTo(204));
        await stream.NextAsync();
        Assert.That((await stream.NextAsync())?.Data, Does.Contain("billing from 127.0.0.1 through n1"));
    }

    [Test]
    public void Row_44_A_web_page_gets_nothing_though_its_browser_presents_a_certificate()
    {
        foreach (var (headers, status) in ((string[], int)[])
        [
            (["Origin: https://evil.example"], 403),
            (["Origin: null"], 403),
            (["Origin: https://localhost"], 403),
            (["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"], 403),
            (["Sec-Fetch-Site: same-site"], 403),
            (["Sec-Fetch-Site: same-origin", "Accept: text/event-stream"], 403),
            (["Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"], 403),
            (["Host: evil.example"], 421),
            (["Host: n1.evil.example:7379"], 421),
            (["Host: 10.0.0.9"], 421),
            (["Sec-Fetch-Site: none"], 200),
            (["Host: db.example:7379"], 200),
            (["Host: 127.0.0.1"], 200),
        ])
        {
            foreach (var method in (string[])["GET", "POST"])
            {
                var answer = TlsHttp.Ask(Port, Billing, method, "/v1/leases", headers);
                var expected = status == 200 && method == "POST" ? 400 : status;
                Assert.That(answer.Status, Is.EqualTo(expected), $"{method} {string.Join("; ", headers)}: {answer.Body}");
                Assert.That(answer.Headers["Cross-Origin-Resource-Policy"], Is.EqualTo("same-origin"));
                Assert.That(answer.Headers.Keys, Has.None.StartsWith("Access-Control-"));
            }
        }
        Assert.That(Node.AppliedCommands, Is.Zero);
    }

    [Test]
    public void The_hosts_of_a_certificate_that_was_replaced_are_hosts_no_more()
    {
        Assert.That(TlsHttp.Ask(Port, Billing, "GET", "/v1/status", "Host: db.example").Status, Is.EqualTo(200));
        Certificates.Member("n1", "db2.example");
        Assert.That(Watcher.Look(), Is.True, Watcher.Refusal);
        Assert.That(TlsHttp.Ask(Port, Billing, "GET", "/v1/status", "Host: db.example").Status, Is.EqualTo(421));
        Assert.That(TlsHttp.Ask(Port, Billing, "GET", "/v1/status", "Host: db2.example").Status, Is.EqualTo(200));
    }
}

/// <summary>Clients of another CA (--tls-clients).</summary>
internal sealed class FurtherAnchorTests : HttpsTest
{
    private TestCertificates _company = null!;

    protected override string? ClientsFile => _company.AuthorityFile;

    [OneTimeSetUp]
    public void MakeCompany() => _company = new TestCertificates("company");

    [OneTimeTearDown]
    public void EndCompany() => _company.Dispose();

    [Test]
    public void A_client_of_another_CA_is_its_URI()
    {
        using var connection = TlsHttp.Open(Port, _company.WithUris("spiffe://company/ns/prod/sa/web"));
        Assert.That(connection.Ask("GET", "/v1/status").Status, Is.EqualTo(200));
    }

    [Test]
    public void Another_CA_makes_no_name_of_the_domain()
    {
        using var own = TlsHttp.Open(Port, Billing);
        using var forged = TlsHttp.Open(Port, _company.WithUris("consensus://c-test/client/billing"));
        string[] headers = ["Idempotency-Key: k", "Content-Length: 1"];
        own.Send(TlsHttp.Request("PUT", "/v1/kv/a", headers) + "1");
        var first = own.Receive();
        forged.Send(TlsHttp.Request("PUT", "/v1/kv/a", headers) + "1");
        var other = forged.Receive();
        Assert.That((first.Status, other.Status), Is.EqualTo((200, 200)));
        Assert.That(other.Body, Is.Not.EqualTo(first.Body), "it is uri:consensus://c-test/client/billing, and not billing");
    }

    [Test]
    public void Another_CAs_certificate_for_a_member_of_the_domain_is_only_its_URI_too()
    {
        using var connection = TlsHttp.Open(Port, _company.WithUris("consensus://c-test/member/n1"));
        Assert.That(connection.Ask("GET", "/v1/status").Status, Is.EqualTo(200));
    }

    [Test]
    public void Without_a_URI_or_with_one_that_is_too_long_it_is_nobody()
    {
        AssertUnknown(TlsHttp.Ask(Port, _company.Wrong(Flaw.NoUri), "GET", "/v1/status"), "it has no URI among its names");
        var longest = _company.WithUris("spiffe://company/" + new string('x', 252 - "spiffe://company/".Length));
        Assert.That(TlsHttp.Ask(Port, longest, "GET", "/v1/status").Status, Is.EqualTo(200));
        var longer = _company.WithUris("spiffe://company/" + new string('x', 253 - "spiffe://company/".Length));
        AssertUnknown(TlsHttp.Ask(Port, longer, "GET", "/v1/status"), "its URI has characters that no URI has, or more than 252");
        AssertHandshakeFails(_company.Wrong(Flaw.TwoUris), "two names");
        AssertHandshakeFails(_company.Wrong(Flaw.Expired), "expired");
    }
}
