using System.Net;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Connections;

/// <summary>What many streams of few HTTP/2 connections hold.</summary>
internal sealed class StreamMemoryTests : UnfinishedBodyTest
{
    private const int Budget = 256 * 1024;
    private const string Held = "consensus_bytes_held{what=\"streams\"}";

    protected override ServerInfo Info { get; } = new() { Version = "1.2.3", MaxStreamBytes = Budget, BodyTimeLimit = TimeSpan.FromMinutes(10) };

    [Test]
    public async Task Requests_that_wait_on_one_connection_are_refused_beyond_the_budget_and_others_are_served()
    {
        var grant = await AcquireAsync("l", "first", "600s");
        using var crowded = new HttpClient { Timeout = Patience.Limit };
        using var stop = new CancellationTokenSource();
        var waiting = new List<Task<HttpResponseMessage>>();
        using var limit = Patience.Begin();
        while (!waiting.Any(one => one.IsCompleted))
        {
            Assert.That(limit.IsCancellationRequested, Is.False, "one is refused");
            var before = Node.Status.Counts.Waiters;
            waiting.Add(WaitAsync(crowded, waiting.Count, stop.Token));
            await UntilAsync(() => Node.Status.Counts.Waiters > before || waiting[^1].IsCompleted, "it waits or is refused");
        }
        using (var refused = await waiting.Single(one => one.IsCompleted))
        {
            Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.TooManyRequests), await refused.Content.ReadAsStringAsync());
            Assert.That(refused.Headers.RetryAfter?.Delta, Is.GreaterThan(TimeSpan.Zero));
        }
        Assert.That(await MetricAsync(Held), Is.InRange(Budget / 2, Budget));
        using (var renewal = await crowded.SendAsync(Http2(HttpMethod.Put, "/v1/locks/l", $$"""{"fencingToken":{{grant.FencingToken}}}""")))
        {
            Assert.That(renewal.StatusCode, Is.EqualTo(HttpStatusCode.OK), "what keeps a lock alive has room on that very connection");
        }
        using var another = new HttpClient { Timeout = Patience.Limit };
        using var put = Http2(new ByteArrayContent(new byte[10]));
        using var stored = await another.SendAsync(put);
        Assert.That(stored.StatusCode, Is.EqualTo(HttpStatusCode.OK), "each connection has room for a request of its own");
        using var http1 = await SendAsync("PUT", "/v1/kv/b", "x");
        Assert.That(http1.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        await stop.CancelAsync();
        await UntilHeldAsync(0);
    }

    [Test]
    public async Task A_connection_that_goes_on_opening_streams_when_there_is_no_room_is_closed()
    {
        const int Streams = 900;
        using var connection = new RawHttp(Port);
        connection.Send(Http2Frames.Opening);
        try
        {
            for (var i = 0; i < Streams; i++)
            {
                connection.Send(Http2Frames.Put((2 * i) + 1, "/v1/kv/a", 1000, paddingBytes: 10_000));
            }
        }
        catch (IOException)
        {
            // Closed before all were sent.
        }
        Assert.That(connection.CountHttp2AnswersToItsEnd(), Is.LessThan(Streams / 10), "an answer would not give the memory back");
        await UntilHeldAsync(0);
        await UntilUnfinishedAsync(0);
        Assert.That(Node.AppliedCommands, Is.Zero);
    }

    private async Task UntilHeldAsync(long bytes)
    {
        using var limit = Patience.Begin();
        while (await MetricAsync(Held) is var present && present != bytes)
        {
            Assert.That(limit.IsCancellationRequested, Is.False, $"{present} bytes are held, not {bytes}");
        }
    }

    private HttpRequestMessage Http2(HttpMethod method, string path, string body) => new(method, Url + path)
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Content = new StringContent(body),
    };

    private async Task<HttpResponseMessage> WaitAsync(HttpClient client, int number, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Url + "/v1/locks/l")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent($$"""{"owner":"w{{number}}","ttl":"60s","wait":"600s"}"""),
        };
        return await client.SendAsync(request, stop);
    }
}

/// <summary>A grant for whose answer there is no room on its stream was told to nobody (rule 18).</summary>
internal sealed class UntoldGrantTests : UnfinishedBodyTest
{
    private const int Budget = 16 * 1024;

    /// <summary>Requests are served up to here, and there is no room for an answer, which takes 4 KiB.</summary>
    private const int Full = Budget - (Budget / 8) - 1024;

    private const string Held = "consensus_bytes_held{what=\"streams\"}";

    private readonly List<Task> _waiting = [];

    protected override ServerInfo Info { get; } = new() { Version = "1.2.3", MaxStreamBytes = Budget };

    [TestCase("/v1/locks/l", "")]
    [TestCase("/v1/multilock", "\"names\":[\"l\"],")]
    public async Task A_grant_that_has_no_room_on_its_stream_is_given_back(string path, string names)
    {
        var grant = await AcquireAsync("l", "first", "600s");
        using var crowded = new HttpClient { Timeout = Patience.Limit };
        using var stop = new CancellationTokenSource();
        var held = 0L;
        while (held == 0)
        {
            held = await WaitAsync(0);
        }
        var before = held;
        held = await WaitAsync(0);
        var step = held - before;
        for (var rest = (Full - held) / step; rest > 0; rest--)
        {
            held = await WaitAsync(rest > 1 ? 0 : (int)(Full - held - step) / sizeof(char));
        }
        Assert.That(held, Is.GreaterThan(Budget - 4096), "there is no room for an answer");
        using var released = await SendAsync("DELETE", $"/v1/locks/l?fencingToken={grant.FencingToken}");
        Assert.That(released.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        await UntilAsync(() => Node.View.GetObject(StateMachine.Key.FromText("l")) is { HolderCount: 0, WaiterCount: 0 }, "nobody has it");
        await stop.CancelAsync();
        foreach (var waiting in _waiting)
        {
            Assert.That(async () => await waiting, Throws.InstanceOf<HttpRequestException>().Or.InstanceOf<OperationCanceledException>());
        }

        // What is held by streams with it.
        async Task<long> WaitAsync(int padding)
        {
            var waiters = Node.Status.Counts.Waiters;
            _waiting.Add(AskAsync(crowded, path, names, padding, stop.Token));
            await UntilAsync(() => Node.Status.Counts.Waiters > waiters || _waiting[^1].IsCompleted, "it waits");
            Assert.That(_waiting[^1].IsCompleted, Is.False, "it has room");
            return await MetricAsync(Held);
        }
    }

    private async Task AskAsync(HttpClient client, string path, string names, int padding, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Url + path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent($$"""{{{names}}"owner":"w","ttl":"600s","wait":"600s"}"""),
        };
        request.Headers.Add("x-padding", new string('x', padding));
        using var answer = await client.SendAsync(request, stop);
    }
}
