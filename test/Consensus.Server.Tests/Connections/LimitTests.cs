using System.Globalization;
using System.Net;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Connections;

/// <summary>What is too large, malformed or a stranger's: a clear answer or a closed connection, and the server goes on.</summary>
internal sealed class LimitTests : ContractTest
{
    private static ProblemAnswer AssertProblem(RawAnswer answer, ProblemType type)
    {
        Assert.That(answer.Status, Is.EqualTo(type.Status), answer.Body);
        Assert.That(answer.Headers["Content-Type"], Is.EqualTo("application/problem+json"));
        var problem = JsonSerializer.Deserialize(answer.Body, ApiJson.Default.ProblemAnswer)!;
        Assert.That(problem.Type, Is.EqualTo(type.Uri));
        return problem;
    }

    [TearDown]
    public async Task The_server_goes_on()
    {
        using var response = await SendAsync("GET", "/livez");
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("PUT", "/v1/kv/a")]
    [TestCase("POST", "/v1/locks/l")]
    [TestCase("POST", "/v1/leases")]
    public void A_declared_gigabyte_is_refused_before_it_is_sent(string method, string target)
    {
        using var connection = new RawHttp(Port);
        connection.Send($"{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\n\r\n");
        var answer = connection.Receive();
        AssertProblem(answer, ProblemTypes.TooLarge);
        Assert.That(answer.Headers["Connection"], Is.EqualTo("close"));
        Assert.That(Node.AppliedCommands, Is.Zero);
    }

    [Test]
    public void A_client_that_waits_for_a_go_ahead_is_refused_instead()
    {
        using var connection = new RawHttp(Port);
        connection.Send("PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\nExpect: 100-continue\r\n\r\n");
        AssertProblem(connection.Receive(), ProblemTypes.TooLarge);
    }

    [Test]
    public async Task The_largest_value_is_taken_and_one_byte_more_is_not()
    {
        var largest = new string('x', ApiLimits.MaxValueBytes);
        await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", largest);
        await RefusedAsync(ProblemTypes.TooLarge, "PUT", "/v1/kv/a", largest + "x");
    }

    [Test]
    public void A_chunked_body_that_grows_too_large_is_refused_while_it_grows()
    {
        using var connection = new RawHttp(Port);
        connection.Send("PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
        var chunk = new byte[64 * 1024];
        var sent = 0;
        while (sent <= ApiLimits.MaxValueBytes)
        {
            connection.Send(string.Create(CultureInfo.InvariantCulture, $"{chunk.Length:x}\r\n"));
            connection.Send(chunk);
            connection.Send("\r\n");
            sent += chunk.Length;
        }
        AssertProblem(connection.Receive(), ProblemTypes.TooLarge);
        Assert.That(Node.AppliedCommands, Is.Zero);
    }

    [Test]
    public async Task A_JSON_body_past_the_limit_of_a_request_is_refused()
    {
        var body = $$"""{"owner":"me","ttl":"15s"}{{new string(' ', ApiLimits.MaxRequestBytes)}}""";
        await RefusedAsync(ProblemTypes.TooLarge, "POST", "/v1/locks/l", body);
    }

    [TestCase("POST", "/v1/locks/l")]
    [TestCase("PUT", "/v1/kv/a")]
    [TestCase("GET", "/v1/nothing")]
    public async Task A_client_that_sends_all_of_a_body_far_too_large_before_it_reads_is_told_why(string method, string target)
    {
        var body = new string('x', 8 * ApiLimits.MaxRequestBytes);
        var type = method == "GET" ? ProblemTypes.NotFound : ProblemTypes.TooLarge;
        for (var i = 0; i < 3; i++)
        {
            await RefusedAsync(type, method, target, body);
        }
    }

    [TestCase("nonsense")]
    [TestCase("7fffffffffffffff")]
    public void A_body_that_is_badly_chunked_is_refused(string chunk)
    {
        var answer = RawHttp.Ask(
            Port, $"PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}\r\n\r\n");
        AssertProblem(answer, ProblemTypes.BadRequest);
        Assert.That(Node.AppliedCommands, Is.Zero);
    }

    [Test]
    public async Task A_body_that_ends_early_does_nothing()
    {
        using (var connection = new RawHttp(Port))
        {
            connection.Send("PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nonly this");
        }
        using var response = await SendAsync("GET", "/v1/kv/a");
        await ReadProblemAsync(response, ProblemTypes.NotFound);
        Assert.That(Node.AppliedCommands, Is.Zero);
    }

    [TestCase("GET /v1/kv/a%00b HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [TestCase("GET /v1/kv/a\0b HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [TestCase("GET /v1/kv/\u00e4 HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [TestCase("GET /v1/kv/a b HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [TestCase("GET /v1/kv/a HTTP/1.1\r\n\r\n")]
    [TestCase("GET /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nBad Header: x\r\n\r\n")]
    [TestCase("GET /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n")]
    [TestCase("GET http://evil.example/v1/kv/a HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [TestCase("PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n")]
    [TestCase("PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\n")]
    [TestCase("nonsense\r\n\r\n")]
    [TestCase("\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003\r\n\r\n")]
    public void What_is_not_HTTP_is_told_so(string request)
    {
        var answer = RawHttp.Ask(Port, request);
        AssertProblem(answer, ProblemTypes.BadRequest);
        Assert.That(answer.Headers["Connection"], Is.EqualTo("close"));
        Assert.That(Node.AppliedCommands, Is.Zero);
    }

    [Test]
    public void A_request_line_that_is_far_too_long_is_too_large()
    {
        AssertProblem(RawHttp.Get(Port, "/v1/kv/" + new string('k', 40_000)), ProblemTypes.TooLarge);
    }

    [Test]
    public void Headers_that_are_too_long_are_refused()
    {
        var answer = RawHttp.Ask(Port, $"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: {new string('x', 20_000)}\r\n\r\n");
        Assert.That(answer.Status, Is.EqualTo(431));
        Assert.That(answer.Headers["Content-Type"], Is.EqualTo("application/problem+json"));
    }

    [Test]
    public void A_connection_serves_many_requests_and_pipelined_ones()
    {
        using var connection = new RawHttp(Port);
        const string Put = "PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx";
        connection.Send(Put + Put + "GET /v1/kv/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.That(connection.Receive().Body, Does.Contain("\"version\":1"));
        Assert.That(connection.Receive().Body, Does.Contain("\"version\":2"));
        Assert.That(connection.Receive().Body, Does.Contain("\"value\":\"x\""));
        connection.Send("GET /v1/kv/none HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.That(connection.Receive().Status, Is.EqualTo(404));
        connection.Send("PUT /v1/kv/a?bad=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
        Assert.That(connection.Receive().Status, Is.EqualTo(400));
        connection.Send(Put);
        Assert.That(connection.Receive().Status, Is.EqualTo(200));
    }

    [Test]
    public void A_request_that_comes_byte_by_byte_is_served()
    {
        using var connection = new RawHttp(Port);
        foreach (var character in "PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nxy")
        {
            connection.Send(character.ToString());
        }
        Assert.That(connection.Receive().Status, Is.EqualTo(200));
    }

    [Test]
    public async Task HTTP2_with_prior_knowledge_is_served_on_the_same_port()
    {
        using var put = new HttpRequestMessage(HttpMethod.Put, "/v1/kv/a/b")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent("x"),
        };
        using var answer = await Client.SendAsync(put);
        Assert.That((answer.StatusCode, answer.Version), Is.EqualTo((HttpStatusCode.OK, HttpVersion.Version20)));
        using var bad = new HttpRequestMessage(HttpMethod.Get, "/v1/kv/%FF")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var refused = await Client.SendAsync(bad);
        await ReadProblemAsync(refused, ProblemTypes.BadRequest);
    }

    [Test]
    public async Task Many_streams_of_one_HTTP2_connection_wait_at_once()
    {
        const int Waiters = 150;
        var held = await AcquireAsync("l", "first", "60s");
        var waiting = Enumerable.Range(0, Waiters).Select(async i =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/locks/l")
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new StringContent($$"""{"owner":"w{{i}}","ttl":"60s","wait":"60s"}"""),
            };
            using var response = await Client.SendAsync(request);
            return (int)response.StatusCode;
        }).ToList();
        await UntilAsync(() => Node.Status.Counts.Waiters == Waiters, "all wait");
        Node.Advance(TimeSpan.FromSeconds(59));
        using var release = await SendAsync("DELETE", $"/v1/locks/l?fencingToken={held.FencingToken}");
        Node.Advance(TimeSpan.FromSeconds(2));
        var statuses = await Task.WhenAll(waiting);
        Assert.That(statuses.Count(status => status == 200), Is.EqualTo(1));
        Assert.That(statuses.Count(status => status == 409), Is.EqualTo(Waiters - 1));
    }
}
