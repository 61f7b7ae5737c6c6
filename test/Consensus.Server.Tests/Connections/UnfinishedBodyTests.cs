using System.Globalization;
using System.Net;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Connections;

/// <summary>Bodies of which a part came: they hold what came and not what was declared, all together no more than a budget, and not for ever.</summary>
internal abstract class UnfinishedBodyTest : ContractTest
{
    protected const string Metric = "consensus_unfinished_bodies";

    /// <summary>Answers of 400 to 499 to requests for a key.</summary>
    protected const string Refusals = "consensus_http_requests_total{route=\"/v1/kv/{key}\",class=\"4xx\"}";

    protected static string Head(string method, string target, int length) => string.Create(
        CultureInfo.InvariantCulture, $"{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");

    /// <summary>A connection with a request of which only these bytes of the body are sent.</summary>
    protected RawHttp Begin(int declared, int sent)
    {
        var connection = new RawHttp(Port);
        connection.Send(Head("PUT", "/v1/kv/a", declared) + new string('x', sent));
        return connection;
    }

    protected async Task UntilUnfinishedAsync(long count)
    {
        using var limit = Patience.Begin();
        while (await MetricAsync(Metric) is var present && present != count)
        {
            Assert.That(limit.IsCancellationRequested, Is.False, $"{present} bodies are unfinished, not {count}");
        }
    }

    protected static ProblemAnswer ProblemOf(RawAnswer answer, ProblemType type)
    {
        Assert.That(answer.Status, Is.EqualTo(type.Status), answer.Body);
        var problem = JsonSerializer.Deserialize(answer.Body, ApiJson.Default.ProblemAnswer)!;
        Assert.That(problem.Type, Is.EqualTo(type.Uri));
        Assert.That(problem.Detail, Does.Contain("nothing was done"));
        return problem;
    }

    protected HttpRequestMessage Http2(HttpContent content) => new(HttpMethod.Put, Url + "/v1/kv/a")
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Content = content,
    };

    /// <summary>Sends a part of the body that it declares, and the rest when told to.</summary>
    protected sealed class HeldBackContent(int declared, int sent) : HttpContent
    {
        private readonly TaskCompletionSource _rest = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void SendRest() => _rest.TrySetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(new byte[sent], cancellationToken);
            await stream.FlushAsync(cancellationToken);
            await using (cancellationToken.Register(() => _rest.TrySetCanceled(cancellationToken)))
            {
                await _rest.Task;
            }
            await stream.WriteAsync(new byte[declared - sent], cancellationToken);
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override bool TryComputeLength(out long length)
        {
            length = declared;
            return true;
        }
    }
}

internal sealed class UnfinishedBodyTests : UnfinishedBodyTest
{
    [Test]
    public async Task Four_hundred_bodies_hold_what_came_and_not_what_was_declared()
    {
        const int Connections = 400, Declared = ApiLimits.MaxValueBytes;
        await MetricAsync(Metric);
        var before = GC.GetTotalAllocatedBytes();
        var open = Enumerable.Range(0, Connections).Select(_ => Begin(Declared, 80)).ToList();
        using var limit = Patience.Begin();
        var most = 0L;
        // On a machine that is slow enough the first ones are ended before the last ones begin.
        while (await MetricAsync(Metric) + await MetricAsync(Refusals) < Connections)
        {
            Assert.That(limit.IsCancellationRequested, Is.False, "all of them reach the server");
            most = Math.Max(most, await MetricAsync("consensus_bytes_held{what=\"unfinished-bodies\"}"));
        }
        most = Math.Max(most, await MetricAsync("consensus_bytes_held{what=\"unfinished-bodies\"}"));
        Assert.That(most, Is.InRange(80, Connections * 10_000));
        Assert.That(GC.GetTotalAllocatedBytes() - before, Is.LessThan((long)Connections * Declared / 4), "nor did the process allocate it");
        open.ForEach(connection => connection.Dispose());
        await UntilUnfinishedAsync(0);
        Assert.That(await MetricAsync("consensus_bytes_held{what=\"unfinished-bodies\"}"), Is.Zero, "all is given back");
        Assert.That(Node.AppliedCommands, Is.Zero);
    }

    [Test]
    public async Task A_body_holds_no_more_than_four_times_what_came_of_it()
    {
        using var connection = Begin(ApiLimits.MaxValueBytes, 10_000);
        await UntilUnfinishedAsync(1);
        Assert.That(await MetricAsync("consensus_bytes_held{what=\"unfinished-bodies\"}"), Is.InRange(10_000, 50_000));
    }

    [Test]
    public async Task A_body_that_comes_in_pieces_is_stored_as_it_was_sent(
        [Values(1, 80, 4095, 4096, 4097, 65_535, 65_536, 65_537, 300_000, ApiLimits.MaxValueBytes)] int length, [Values] bool isChunked)
    {
        var random = new Random(length);
        var body = new byte[length];
        random.NextBytes(body);
        using var connection = new RawHttp(Port);
        connection.Send(isChunked
            ? "PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            : Head("PUT", "/v1/kv/a", length));
        for (var at = 0; at < length;)
        {
            var count = Math.Min(1 + random.Next(random.Next(4) == 0 ? 100_000 : 5_000), length - at);
            connection.Send(isChunked ? string.Create(CultureInfo.InvariantCulture, $"{count:x}\r\n") : "");
            connection.Send(body.AsSpan(at, count));
            connection.Send(isChunked ? "\r\n" : "");
            at += count;
        }
        connection.Send(isChunked ? "0\r\n\r\n" : "");
        Assert.That(connection.Receive().Status, Is.EqualTo(200));
        using var read = await SendAsync("GET", "/v1/kv/a", null, ("Accept", "application/octet-stream"));
        Assert.That(await read.Content.ReadAsByteArrayAsync(), Is.EqualTo(body));
        Assert.That(await MetricAsync("consensus_bytes_held{what=\"unfinished-bodies\"}"), Is.Zero);
    }

    [Test]
    public async Task A_body_that_is_refused_for_its_size_while_it_grows_holds_nothing_after()
    {
        using var connection = new RawHttp(Port);
        connection.Send("PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
        var size = ApiLimits.MaxValueBytes + 1;
        connection.Send(string.Create(CultureInfo.InvariantCulture, $"{size:x}\r\n"));
        connection.Send(new byte[size]);
        Assert.That(connection.Receive().Status, Is.EqualTo(413));
        await UntilUnfinishedAsync(0);
        Assert.That(await MetricAsync("consensus_bytes_held{what=\"unfinished-bodies\"}"), Is.Zero);
    }

    [Test]
    public void An_HTTP2_connection_may_send_64_KiB_that_nobody_reads()
    {
        using var connection = new RawHttp(Port);
        connection.Send(Http2Frames.Opening);
        var (settings, connectionWindow) = connection.ReceiveHttp2Settings();
        Assert.That(settings[4], Is.EqualTo(64 * 1024), "a stream's window");
        Assert.That(connectionWindow, Is.EqualTo(64 * 1024), "that of all its streams");
        Assert.That(settings[3], Is.EqualTo(1000), "streams");
        Assert.That(settings[6], Is.EqualTo(16 * 1024), "bytes of headers");
    }
}

/// <summary>With a budget that a few connections fill.</summary>
internal sealed class BodyBudgetTests : UnfinishedBodyTest
{
    private const int Budget = 1 << 20;

    /// <summary>So much at once is fast enough for more than half a minute.</summary>
    private const int Declared = 12_000, Sent = 10_000;

    protected override ServerInfo Info { get; } = new() { Version = "1.2.3", MaxUnfinishedBodyBytes = Budget, BodyTimeLimit = TimeSpan.FromMinutes(10) };

    [Test]
    public async Task A_full_budget_refuses_an_unfinished_body_and_nothing_else()
    {
        var open = new List<RawHttp>();
        try
        {
            await FillAsync(open);
            using var refused = Begin(Declared, Sent);
            var answer = refused.Receive();
            ProblemOf(answer, ProblemTypes.TooManyRequests);
            Assert.That(int.Parse(answer.Headers["Retry-After"], CultureInfo.InvariantCulture), Is.InRange(1, 600));
            refused.Send(new string('x', Declared - Sent) + Head("PUT", "/v1/kv/b", 1) + "x");
            Assert.That(refused.Receive().Status, Is.EqualTo(200), "whole with its head, and the connection goes on");
            using var get = await SendAsync("GET", "/v1/kv/b");
            Assert.That(get.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            await AcquireAsync("l", "me");
            Assert.That(await MetricAsync("consensus_bytes_held{what=\"unfinished-bodies\"}"), Is.InRange(Budget * 9 / 10, Budget));
            Assert.That(await MetricAsync("consensus_unfinished_bodies_refused_total"), Is.Positive);
            Assert.That(Node.AppliedCommands, Is.EqualTo(2), "of the refused and of the unfinished ones nothing was done");
        }
        finally
        {
            open.ForEach(connection => connection.Dispose());
        }
        await UntilUnfinishedAsync(0);
        using var later = Begin(Declared, Sent);
        await UntilUnfinishedAsync(1);
        later.Send(new string('x', Declared - Sent));
        Assert.That(later.Receive().Status, Is.EqualTo(200));
    }

    [Test]
    public async Task A_chunked_body_without_room_is_refused_too()
    {
        var open = new List<RawHttp>();
        try
        {
            await FillAsync(open);
            using var refused = new RawHttp(Port);
            refused.Send("POST /v1/locks/l HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2710\r\n" + new string(' ', Sent) + "\r\n");
            var answer = refused.Receive();
            ProblemOf(answer, ProblemTypes.TooManyRequests);
            Assert.That(answer.Headers["Connection"], Is.EqualTo("close"), "its rest may never end");
        }
        finally
        {
            open.ForEach(connection => connection.Dispose());
        }
    }

    [Test]
    public async Task Large_bodies_leave_room_for_small_ones()
    {
        const int JustLarge = 17_000;
        var open = new List<RawHttp>();
        try
        {
            await OpenAsync(open, 2 * Budget / JustLarge, JustLarge, Sent);
            Assert.That(await MetricAsync(Refusals), Is.Positive, "there is no room for another large one");
            var unfinished = await MetricAsync(Metric);
            var lease = await GrantLeaseAsync();
            var body = $$"""{"ids":["{{lease.Id}}"]}""";
            var renewals = Enumerable.Range(0, 20).Select(_ => new RawHttp(Port)).ToList();
            open.AddRange(renewals);
            renewals.ForEach(renewal => renewal.Send(Head("POST", "/v1/leases/keepalive", body.Length)));
            await UntilUnfinishedAsync(unfinished + renewals.Count);
            renewals.ForEach(renewal => renewal.Send(body));
            Assert.That(renewals.Select(renewal => renewal.Receive().Status), Is.All.EqualTo(200));
        }
        finally
        {
            open.ForEach(connection => connection.Dispose());
        }
    }

    [Test]
    public async Task The_streams_of_one_HTTP2_connection_have_the_same_budget()
    {
        using var client = new HttpClient { Timeout = Patience.Limit };
        using var stop = new CancellationTokenSource();
        var contents = Enumerable.Range(0, 300).Select(_ => new HeldBackContent(1_000_000, 80)).ToList();
        var sent = contents.Select(async content =>
        {
            using var request = Http2(content);
            using var response = await client.SendAsync(request, stop.Token);
            return ((int)response.StatusCode, response.Headers.RetryAfter?.Delta);
        }).ToList();
        await UntilAsync(() => sent.Any(one => one.IsCompleted), "one is refused");
        var (status, retryAfter) = await sent.First(one => one.IsCompleted);
        Assert.That((status, retryAfter > TimeSpan.Zero), Is.EqualTo((429, true)));
        Assert.That(await MetricAsync("consensus_bytes_held{what=\"unfinished-bodies\"}"), Is.InRange(Budget / 2, Budget));
        await stop.CancelAsync();
        await UntilUnfinishedAsync(0);
        Assert.That(await MetricAsync("consensus_bytes_held{what=\"unfinished-bodies\"}"), Is.Zero, "aborted streams give it back");
        await Task.WhenAll(sent).ContinueWith(_ => { }, TaskScheduler.Default);
        var stored = HttpStatusCode.TooManyRequests;
        using var limit = Patience.Begin();
        // The server may still be at those that were aborted last.
        while (stored == HttpStatusCode.TooManyRequests && !limit.IsCancellationRequested)
        {
            using var whole = Http2(new ByteArrayContent(new byte[500_000]));
            using var answer = await client.SendAsync(whole, limit.Token);
            stored = answer.StatusCode;
        }
        Assert.That(stored, Is.EqualTo(HttpStatusCode.OK));
    }

    /// <summary>Until one more such body has no room.</summary>
    private Task FillAsync(List<RawHttp> open) => OpenAsync(open, 2 * Budget / Declared, Declared, Sent);

    private async Task OpenAsync(List<RawHttp> open, int count, int declared, int sent)
    {
        for (var i = 0; i < count; i++)
        {
            open.Add(Begin(declared, sent));
        }
        using var limit = Patience.Begin();
        while (await MetricAsync(Metric) + await MetricAsync(Refusals) < count)
        {
            Assert.That(limit.IsCancellationRequested, Is.False, "all of them reach the server");
        }
    }
}

/// <summary>With a time limit that tests can wait for.</summary>
internal sealed class BodyTimeLimitTests : UnfinishedBodyTest
{
    protected override ServerInfo Info { get; } = new() { Version = "1.2.3", BodyTimeLimit = TimeSpan.FromMilliseconds(500) };

    [TestCase(0)]
    [TestCase(80)]
    [TestCase(900_000)]
    public async Task A_body_that_does_not_come_to_its_end_is_ended(int sent)
    {
        using var connection = Begin(1_000_000, sent);
        var answer = connection.Receive();
        ProblemOf(answer, ProblemTypes.RequestTimeout);
        Assert.That(answer.Headers["Connection"], Is.EqualTo("close"));
        await UntilUnfinishedAsync(0);
        Assert.That(await MetricAsync("consensus_bytes_held{what=\"unfinished-bodies\"}"), Is.Zero);
        Assert.That(Node.AppliedCommands, Is.Zero);
    }

    [Test]
    public async Task A_chunked_body_that_does_not_come_to_its_end_is_ended()
    {
        using var connection = new RawHttp(Port);
        connection.Send("PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        ProblemOf(connection.Receive(), ProblemTypes.RequestTimeout);
        await UntilUnfinishedAsync(0);
        Assert.That(Node.AppliedCommands, Is.Zero);
    }

    [Test]
    public async Task A_stream_that_sends_nothing_is_ended_while_another_of_its_connection_sends()
    {
        using var client = new HttpClient { Timeout = Patience.Limit };
        using var stalled = Http2(new HeldBackContent(1_000_000, 80));
        var answer = client.SendAsync(stalled);
        while (!answer.IsCompleted)
        {
            using var busy = Http2(new ByteArrayContent(new byte[100_000]));
            using var done = await client.SendAsync(busy);
            Assert.That(done.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
        using var response = await answer;
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.RequestTimeout));
        await UntilUnfinishedAsync(0);
    }
}
