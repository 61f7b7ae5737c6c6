using System.Net;
using System.Net.Security;
using System.Text;
using Consensus.Security.Tests.Https.Support;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Security.Tests.Https;

/// <summary>What stands when certificates change, or end.</summary>
internal sealed class StandingTests : HttpsTest
{
    private const string Asked = """{"owner":"o","ttl":"60s","wait":"600s"}""";

    private static string Wait => TlsHttp.Request("POST", "/v1/locks/l", $"Content-Length: {Asked.Length}") + Asked;

    private void HoldTheLock()
    {
        const string Held = """{"owner":"holder","ttl":"3600s"}""";
        using var holder = TlsHttp.Open(Port, Billing);
        holder.Send(TlsHttp.Request("POST", "/v1/locks/l", $"Content-Length: {Held.Length}") + Held);
        Assert.That(holder.Receive().Status, Is.EqualTo(200));
    }

    [Test]
    public void Row_33_A_connection_whose_anchor_was_removed_is_401_and_closed_at_its_next_request()
    {
        using var connection = TlsHttp.Open(Port, Billing);
        Assert.That(connection.Ask("GET", "/v1/status").Status, Is.EqualTo(200));
        ChangeAuthority();
        AssertUnknown(connection.Ask("GET", "/v1/status"), "the client certificate is not believed: it is of a CA that is not known here");
        Assert.That(connection.IsEnded(), Is.True);
        AssertHandshakeFails(Billing, "its CA was removed");
    }

    [Test]
    public async Task Row_33_Over_HTTP2_too()
    {
        var client = Library(Billing, HttpVersion.Version20);
        using var before = await client.GetAsync(new Uri("/v1/status", UriKind.Relative));
        Assert.That(before.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        ChangeAuthority();
        using var after = await client.GetAsync(new Uri("/v1/status", UriKind.Relative));
        Assert.That((after.StatusCode, after.Headers.Contains("Consensus-Leader")), Is.EqualTo((HttpStatusCode.Unauthorized, false)));
        await Patience.UntilAsync(() => Tls.Connections == 0, "the connection ends");
    }

    [Test]
    public void A_connection_that_is_still_believed_goes_on_under_new_certificates()
    {
        using var connection = TlsHttp.Open(Port, Billing);
        Certificates.Member("n1", "db.example");
        Assert.That(Watcher.Look(), Is.True, Watcher.Refusal);
        Tls.Look();
        Assert.That(connection.Ask("GET", "/v1/status").Status, Is.EqualTo(200));
    }

    [TestCase("1.1")]
    [TestCase("2.0")]
    public async Task Row_33_A_watch_of_a_connection_whose_anchor_was_removed_ends_at_the_reload(string version)
    {
        using var stream = await EventStream.OpenAsync(Library(Billing, Version.Parse(version)), "/v1/kv/a");
        await stream.ExpectAsync("open");
        Tls.Look();
        ChangeAuthority();
        Tls.Look();
        Assert.That(async () => await stream.NextAsync(), Throws.InstanceOf<IOException>().Or.InstanceOf<HttpRequestException>());
    }

    [Test]
    public async Task Row_33_A_snapshot_that_is_being_sent_breaks_off_at_the_reload_that_removes_its_anchor()
    {
        for (var i = 0; i < 300; i++)
        {
            Node.Propose(new PutCommand(Key.FromText($"{i}"), new byte[100_000], Primitives.LeaseId.None, KeyCondition.None));
        }
        using var response = await Library(Billing).GetAsync(
            new Uri("/v1/snapshot", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Tls.Look();
        ChangeAuthority();
        Tls.Look();
        Assert.That(
            async () => await response.Content.CopyToAsync(Stream.Null),
            Throws.InstanceOf<HttpRequestException>().Or.InstanceOf<IOException>(),
            "most of it was not sent yet");
    }

    [Test]
    public void Row_33_A_wait_of_a_connection_whose_anchor_was_removed_ends_at_the_reload_and_gives_up_its_place()
    {
        HoldTheLock();
        using var connection = TlsHttp.Open(Port, Billing);
        connection.Send(Wait);
        Patience.Until(() => Node.WaitingRequests == 1, "the request waits");
        ChangeAuthority();
        Tls.Look();
        Assert.That(connection.IsEnded(), Is.True);
        Patience.Until(() => Node.WaitingRequests == 0, "the place is given up");
    }

    [Test]
    public async Task Row_33_Certificates_that_end_are_not_believed_from_that_moment_on()
    {
        using var stream = await EventStream.OpenAsync(Library(Billing), "/v1/kv/a");
        await stream.ExpectAsync("open");
        using var connection = TlsHttp.Open(Port, Billing);
        Assert.That(connection.Ask("GET", "/v1/status").Status, Is.EqualTo(200));
        Time.Shift(TimeSpan.FromDays(31));
        AssertUnknown(connection.Ask("GET", "/v1/status"), "the client certificate is not believed: it expired on");
        Assert.That(connection.IsEnded(), Is.True);
        Tls.Look();
        Assert.That(async () => await stream.NextAsync(), Throws.InstanceOf<IOException>().Or.InstanceOf<HttpRequestException>());
    }

    [Test]
    [Platform("Linux")]
    public void The_kernel_asks_after_a_client_that_is_silent_over_TLS_too()
    {
        using var connection = TlsHttp.Open(Port, Billing);
        connection.Send(TlsHttp.Request("GET", "/v1/kv/a", "Accept: text/event-stream"));
        connection.Receive(hasBody: false);
        Patience.Until(
            () => TcpTimers.KeptAlive(Port) is var kept and >= 1 && kept == TcpTimers.Established(Port), "it is asked after");
    }

    [Test]
    public void Who_sends_more_behind_a_request_that_waits_than_is_read_is_cut_off_over_TLS_too()
    {
        HoldTheLock();
        using var connection = TlsHttp.Open(Port, Billing);
        connection.Send(Wait);
        Patience.Until(() => Node.WaitingRequests == 1, "the request waits");
        var one = TlsHttp.Request("GET", "/livez", "X-Padding: " + new string('x', 4000));
        var more = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(one, 64)));
        var sending = new Thread(() =>
        {
            try
            {
                connection.Send(more);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // Cut off meanwhile, as it should be.
            }
        })
        { IsBackground = true };
        sending.Start();
        Assert.That(connection.IsEnded(), Is.True);
        Patience.Until(() => Node.WaitingRequests == 0, "the place is given up");
        sending.Join();
    }

    [Test]
    public void Who_went_away_while_it_waited_has_no_place_any_more_over_TLS_too()
    {
        HoldTheLock();
        using (var connection = TlsHttp.Open(Port, Billing))
        {
            connection.Send(Wait);
            Patience.Until(() => Node.WaitingRequests == 1, "the request waits");
        }
        Patience.Until(() => Node.WaitingRequests == 0, "the place is given up");
    }

    [TestCase("1.1")]
    [TestCase("2.0")]
    public async Task A_large_answer_comes_whole(string version)
    {
        var client = Library(Billing, Version.Parse(version));
        var value = new byte[1 << 20];
        new Random(1).NextBytes(value);
        using var put = await client.PutAsync(new Uri("/v1/kv/a", UriKind.Relative), new ByteArrayContent(value));
        Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/kv/a") { Version = client.DefaultRequestVersion };
        request.Headers.TryAddWithoutValidation("Accept", "application/octet-stream");
        using var get = await client.SendAsync(request);
        Assert.That(await get.Content.ReadAsByteArrayAsync(), Is.EqualTo(value));
    }
}

/// <summary>HTTP/2 over TLS has the same bound for what streams hold.</summary>
internal sealed class StreamBoundTests : HttpsTest
{
    protected override Server.ServerInfo With(Server.ServerInfo info) => info with { MaxStreamBytes = 64 * 1024 };

    [Test]
    public async Task Requests_of_many_streams_are_counted_and_refused()
    {
        await Library(Billing).PutAsync(new Uri("/v1/kv/a", UriKind.Relative), new ByteArrayContent(new byte[20_000]));
        using var connection = TlsHttp.Open(Port, Billing, alpn: "h2");
        // In one piece: the server may end the connection before it has read all of it.
        var requests = Enumerable.Range(0, 50).SelectMany(i => Http2Frames.Get((2 * i) + 1, "/v1/kv/a", scheme: "https"));
        connection.Send([.. Http2Frames.OpeningWithWindow(0), .. requests]);
        // None of the answers is taken: the budget is used up by the first few, and the connection with it.
        var answers = connection.ReceiveFramesToTheEnd().Count(type => type == Http2Frames.Headers);
        Assert.That(answers, Is.LessThan(25));
        var metrics = Library(Billing);
        async Task<bool> IsGivenBack() => (await metrics.GetStringAsync(new Uri("/metrics", UriKind.Relative)))
            .Contains("consensus_bytes_held{what=\"streams\"} 0\n", StringComparison.Ordinal);
        await Patience.UntilAsync(IsGivenBack, "what it held is given back");
        Assert.That(connection.Tls.NegotiatedApplicationProtocol, Is.EqualTo(SslApplicationProtocol.Http2));
    }
}
