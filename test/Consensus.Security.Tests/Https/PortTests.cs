using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Security.Tests.Https.Support;
using Consensus.Server;
using Consensus.Server.Tests.Support;

namespace Consensus.Security.Tests.Https;

/// <summary>What is spoken on the port, and how bodies are framed in it.</summary>
internal sealed class PortTests : HttpsTest
{
    private static string Next => TlsHttp.Request("GET", "/v1/status");

    [TestCase("GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [TestCase("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [TestCase("x")]
    [TestCase("\u0000\u0016\u0003")]
    public void Row_34_Plain_text_at_the_TLS_port_is_told_so_and_closed(string text)
    {
        using var connection = new TlsHttp(Port);
        connection.Send(text);
        var answer = connection.Receive();
        Assert.That((answer.Status, answer.Headers["Connection"]), Is.EqualTo((400, "close")));
        Assert.That(answer.Headers.Keys, Has.None.StartsWith("Consensus-"));
        var problem = JsonSerializer.Deserialize(answer.Body, ApiJson.Default.ProblemAnswer)!;
        Assert.That(problem.Type, Is.EqualTo(ProblemTypes.BadRequest.Uri));
        Assert.That(problem.Detail, Does.StartWith("this address speaks https"));
        Assert.That(connection.IsEnded(), Is.True);
        Patience.Until(() => Tls.Handshakes is { Plain: 1, Pending: 0, Failed: 0 }, "it is counted as what it was");
    }

    [Test]
    public void Who_only_looks_whether_somebody_listens_is_no_handshake_that_failed()
    {
        using (new TlsHttp(Port))
        {
            Patience.Until(() => Tls.Handshakes.Pending == 1, "it is there");
        }
        Patience.Until(() => Tls.Handshakes.Pending == 0, "it is gone");
        Assert.That(Tls.Handshakes.Failed, Is.Zero);
    }

    [Test]
    public async Task Row_34_TLS_at_the_plain_port_is_answered_in_its_language_and_closed()
    {
        await using var plain = ConsensusServer.Build(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        plain.MapConsensusApi(Node, new ServerInfo { Version = "1" }, new ServerLifecycle(TimeProvider.System));
        await plain.StartAsync();
        var port = new Uri(plain.Urls.Single()).Port;
        Assert.That(() => TlsHttp.Open(port, Billing), Throws.InstanceOf<IOException>().Or.InstanceOf<AuthenticationException>());
        using var connection = new TlsHttp(port);
        connection.Send([22, 3, 1, 0, 5, 1, 0, 0, 1, 0, 13, 10, 13, 10]);
        Assert.That(connection.Receive().Status, Is.EqualTo(400));
        Assert.That(connection.IsEnded(), Is.True);
    }

    [Test]
    public void Row_34_Who_knows_no_TLS_1_3_is_refused() =>
        Assert.That(
            () => TlsHttp.Open(Port, Billing, SslProtocols.Tls12),
            Throws.InstanceOf<IOException>().Or.InstanceOf<AuthenticationException>());

    [Test]
    public void Without_a_word_about_the_protocol_it_is_HTTP_1_1()
    {
        using var connection = TlsHttp.Open(Port, Billing, alpn: null);
        Assert.That(connection.Ask("GET", "/v1/status").Status, Is.EqualTo(200));
    }

    [Test]
    public void Row_41_Both_lengths_are_400_and_closed()
    {
        using var connection = TlsHttp.Open(Port, Billing);
        connection.Send(TlsHttp.Request("PUT", "/v1/kv/a", "Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n" + Next);
        AssertNoSmuggling(connection, 400);
    }

    [Test]
    public void Row_41_A_chunk_extension_with_a_bare_line_feed_hides_no_request()
    {
        using var connection = TlsHttp.Open(Port, Billing);
        connection.Send(TlsHttp.Request("PUT", "/v1/kv/a", "Transfer-Encoding: chunked") + "1;x\nx\r\nb\r\n0\r\n\r\n" + Next);
        AssertNoSmuggling(connection, 400);
    }

    [Test]
    public void Row_41_What_is_behind_the_declared_length_is_the_next_request_and_no_part_of_the_body()
    {
        using var connection = TlsHttp.Open(Port, Billing);
        connection.Send("PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1234\r\n\r\n");
        Assert.That(connection.Receive().Status, Is.EqualTo(200));
        Assert.That(connection.Receive().Status, Is.EqualTo(400));
        Assert.That(connection.IsEnded(), Is.True);
        Assert.That(TlsHttp.Ask(Port, Billing, "GET", "/v1/kv/a").Body, Does.Contain("\"value\":\"1\""));
    }

    [TestCase("Content-Length: 1073741824")]
    [TestCase("Transfer-Encoding: chunked")]
    [TestCase("Content-Length: 1073741824", "Expect: 100-continue")]
    public void Row_41_The_body_of_who_is_not_known_is_not_read(params string[] headers)
    {
        using var connection = TlsHttp.Open(Port, null);
        connection.Send(TlsHttp.Request("PUT", "/v1/kv/a", headers));
        AssertUnknown(connection.Receive(), "a client certificate is needed here");
        // More than lies in the buffers between, and less than would be read and thrown away in the time that a body is given.
        Assert.That(() => SendMiB(connection, 64), Throws.InstanceOf<IOException>());
        Assert.That(Node.AppliedCommands, Is.Zero);
    }

    [Test]
    public void Row_41_Over_HTTP2_it_is_not_read_either()
    {
        using var connection = TlsHttp.Open(Port, null, alpn: "h2");
        connection.Send(Http2Frames.Opening);
        connection.Send(Http2Frames.Put(1, "/v1/kv/a", declared: 1 << 30, paddingBytes: 0, scheme: "https"));
        Assert.That(connection.ReceiveFramesToTheEnd(), Does.Contain(Http2Frames.GoAwayType));
        Assert.That((Tls.Refused, Node.AppliedCommands), Is.EqualTo((1L, 0L)));
    }

    private static void SendMiB(TlsHttp connection, int count)
    {
        var chunk = Encoding.ASCII.GetBytes("100000\r\n" + new string('x', 1 << 20) + "\r\n");
        for (var i = 0; i < count; i++)
        {
            connection.Send(chunk);
        }
    }

    private static void AssertNoSmuggling(TlsHttp connection, int status)
    {
        Assert.That(connection.Receive().Status, Is.EqualTo(status));
        Assert.That(connection.IsEnded(), Is.True, "what is behind it is not taken for a request");
    }
}

/// <summary>A server that takes TLS 1.2 too (--tls-min 1.2).</summary>
internal sealed class OldClientTests : HttpsTest
{
    protected override bool TakesTls12 => true;

    [TestCase(SslProtocols.Tls12)]
    [TestCase(SslProtocols.Tls13)]
    public void It_is_served_with_either(SslProtocols protocol)
    {
        using var connection = TlsHttp.Open(Port, Billing, protocol);
        Assert.That((connection.Tls.SslProtocol, connection.Ask("GET", "/v1/status").Status), Is.EqualTo((protocol, 200)));
        using var stranger = TlsHttp.Open(Port, null, protocol);
        AssertUnknown(stranger.Ask("GET", "/v1/status"), "a client certificate is needed here");
    }

    [TestCase(System.Net.Security.TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA)]
    [TestCase(System.Net.Security.TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384)]
    [Platform("Linux")]
    public void Row_34_A_cipher_that_is_no_AEAD_is_refused(System.Net.Security.TlsCipherSuite cipher)
    {
        using var connection = new TlsHttp(Port);
        var options = TlsHttp.OptionsFor(Billing, SslProtocols.Tls12);
        if (!OperatingSystem.IsWindows())
        {
            options.CipherSuitesPolicy = new System.Net.Security.CipherSuitesPolicy([cipher]);
        }
        Assert.That(() => connection.Handshake(options), Throws.InstanceOf<IOException>().Or.InstanceOf<AuthenticationException>());
    }

    [Test]
    public void Row_34_A_certificate_is_asked_for_at_the_beginning_alone_and_nothing_is_negotiated_anew()
    {
        using var connection = TlsHttp.Open(Port, null, SslProtocols.Tls12);
        Assert.That(connection.Tls.IsMutuallyAuthenticated, Is.False);
        AssertUnknown(connection.Ask("GET", "/v1/status"), "a client certificate is needed here");
        AssertHandshakeFails(Certificates.Wrong(Consensus.Certificates.Flaw.OtherAuthority), "of a CA that is not known");
    }
}
