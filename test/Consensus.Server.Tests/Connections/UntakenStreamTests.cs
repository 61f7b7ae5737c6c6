using System.Net;
using System.Text;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Connections;

/// <summary>Answers over HTTP/2 to clients that open no window for them: the server calls such a request completed at once, and has its answer all the same.</summary>
internal sealed class UntakenStreamTests : LazyStreamTest
{
    private const int StreamBudget = 512 * 1024;
    private const int AnswerBudget = 8 << 20;

    protected override ServerInfo Info { get; } = new()
    {
        Version = "1.2.3",
        MaxStreamBytes = StreamBudget,
        MaxUnsentAnswerBytes = AnswerBudget,
        MaxWatchMessageBytes = 4 << 20,
    };

    [Test]
    public async Task Small_answers_are_counted_until_they_leave_and_refused_beyond_the_budget_while_others_are_served()
    {
        using var lazy = Open();
        var refusedBefore = await MetricAsync(Refusals);
        var streams = 0;
        while (await MetricAsync(Refusals) == refusedBefore)
        {
            Ask(lazy, streams++, "/v1/kv/small");
            Assert.That(streams, Is.LessThan(StreamBudget / SmallValue), "one is refused");
        }
        Assert.That(await MetricAsync(Streams), Is.InRange(StreamBudget / 2, StreamBudget));
        using (var http1 = await SendAsync("GET", "/v1/kv/small"))
        {
            Assert.That(http1.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
        using (var other = Open(window: 50_000))
        {
            other.Send(Http2Frames.Get(NumberOf(0), "/v1/kv/small"));
            Assert.That(Body(other, NumberOf(0)), Has.Length.GreaterThan(SmallValue), "each connection has room for an answer of its own");
        }
        // The first answers are taken: what they held is given back, though the requests were completed long ago.
        var held = await MetricAsync(Streams);
        for (var i = 0; i < 4; i++)
        {
            lazy.Send(Http2Frames.WindowUpdate(NumberOf(i), 2 * SmallValue));
        }
        await UntilAsync(Streams, present => present <= held - (3 * SmallValue));
        // And what its client gives up.
        held = await MetricAsync(Streams);
        for (var i = 4; i < 8; i++)
        {
            lazy.Send(Http2Frames.Reset(NumberOf(i)));
        }
        await UntilAsync(Streams, present => present <= held - (3 * SmallValue));
        lazy.Dispose();
        await UntilAsync(Streams, present => present == 0);
    }

    [Test]
    public async Task A_connection_that_goes_on_asking_and_takes_nothing_is_closed()
    {
        using var lazy = Open();
        try
        {
            for (var i = 0; i < 900; i++)
            {
                lazy.Send(Http2Frames.Get(NumberOf(i), "/v1/kv/small"));
            }
        }
        catch (IOException)
        {
            // Closed before all were sent.
        }
        Assert.That(lazy.CountHttp2AnswersToItsEnd(), Is.LessThan(StreamBudget / 4096));
        await UntilAsync(Streams, present => present == 0);
    }

    [Test]
    public async Task Large_answers_count_until_they_are_taken_and_reads_are_refused_beyond_the_budget()
    {
        using var lazy = Open();
        var refusedBefore = await MetricAsync(Refusals);
        var streams = 0;
        while (await MetricAsync(Refusals) == refusedBefore)
        {
            Ask(lazy, streams++, "/v1/kv/large");
            Assert.That(streams, Is.LessThan(2 * AnswerBudget >> 20), "one is refused");
        }
        var held = await MetricAsync(Answers);
        Assert.That(held, Is.InRange(AnswerBudget / 2, AnswerBudget));
        using (var small = await SendAsync("GET", "/v1/kv/small"))
        {
            Assert.That(small.StatusCode, Is.EqualTo(HttpStatusCode.OK), "what is small needs none of it");
        }
        lazy.Send(Http2Frames.WindowUpdate(0, 4 << 20));
        lazy.Send(Http2Frames.WindowUpdate(NumberOf(0), 4 << 20));
        var body = Body(lazy, NumberOf(0));
        Assert.That(body, Has.Length.GreaterThan(1 << 20));
        Assert.That(body, Does.StartWith("{\"key\":\"large\"").And.EndsWith("}"));
        await UntilAsync(Answers, present => present <= held - (1 << 20));
        lazy.Send(Http2Frames.Reset(NumberOf(1)));
        await UntilAsync(Answers, present => present <= held - (2 << 20));
        lazy.Dispose();
        await UntilAsync(Answers, present => present == 0);
    }

    [Test]
    public async Task A_page_is_refused_before_it_is_encoded_beyond_the_budget()
    {
        await PutAsync("large2", 1_000_000);
        await PutAsync("large3", 1_000_000);
        using var lazy = Open();
        Ask(lazy, 0, "/v1/kv?prefix=large");
        Ask(lazy, 1, "/v1/kv?prefix=large");
        Ask(lazy, 2, "/v1/kv/large");
        Assert.That(await MetricAsync(Answers), Is.InRange(AnswerBudget / 4 * 3, AnswerBudget / 10 * 9));
        using var refused = await SendAsync("GET", "/v1/kv?prefix=large");
        await ReadProblemAsync(refused, Api.Problems.ProblemTypes.TooManyRequests);
        using var first = await SendAsync("POST", "/v1/txn", """{"success":[{"put":{"key":"t","value":"z"}},{"get":{"key":"large2"}},{"get":{"key":"large3"}}]}""");
        var told = await first.Content.ReadAsStringAsync();
        Assert.That(first.StatusCode, Is.EqualTo(HttpStatusCode.OK), told);
        Assert.That(told, Does.Contain("\"omitted\":true"), "what was done is told, and what was read is left out for want of room");
        Assert.That(await MetricAsync(Answers), Is.LessThanOrEqualTo(AnswerBudget));
    }

    [Test]
    public async Task Watches_that_take_nothing_are_ended_beyond_the_budget_and_others_are_told()
    {
        const int Lazies = 8;
        using var http1 = new RawHttp(Port, receiveBufferBytes: 4 * 1024);
        http1.Send("GET /v1/kv?prefix=w/ HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
        http1.WaitForBytes();
        var lazies = new List<RawHttp>();
        try
        {
            for (var i = 0; i < Lazies; i++)
            {
                lazies.Add(Open());
                Ask(lazies[i], 0, $"/v1/kv/w/{i}", "text/event-stream");
                await PutAsync($"w/{i}", 1 << 20);
            }
            var most = 0L;
            using var limit = Patience.Begin();
            for (var ended = 0; ended < Lazies / 2;)
            {
                most = Math.Max(most, await MetricAsync("consensus_bytes_held{what=\"untaken-messages\"}"));
                Assert.That(limit.IsCancellationRequested, Is.False, $"{ended} are ended");
                ended = Lazies + 1 - (int)await MetricAsync("consensus_watches");
            }
            Assert.That(most, Is.InRange(1 << 20, 4 << 20));
            using var taker = new RawHttp(Port);
            taker.Send("GET /v1/kv/taken HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
            taker.WaitForBytes();
            await PutAsync("taken", 1 << 20);
            taker.ReceiveAtLeast(1 << 20);
        }
        finally
        {
            lazies.ForEach(one => one.Dispose());
        }
    }

    [Test]
    public async Task The_first_message_of_a_watch_counts_however_large_it_is()
    {
        // A control character takes six bytes.
        var value = string.Concat(Enumerable.Repeat("\\u0001", 4000));
        using var elected = await SendAsync("POST", "/v1/elections/e", $$"""{"candidate":"c","value":"{{value}}","ttl":"600s"}""");
        Assert.That(elected.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        using var lazy = Open();
        const int More = 4;
        var streams = 0;
        while (await MetricAsync(Streams) == 0)
        {
            Ask(lazy, streams++, "/v1/elections/e", "text/event-stream");
        }
        var before = await MetricAsync(Streams);
        for (var i = 0; i < More; i++)
        {
            Ask(lazy, streams++, "/v1/elections/e", "text/event-stream");
        }
        Assert.That(await MetricAsync(Streams) - before, Is.GreaterThanOrEqualTo(More * 6 * 4000));
    }

    private static string Body(RawHttp connection, int stream)
    {
        var body = new List<byte>();
        while (true)
        {
            var frame = connection.ReceiveHttp2Frame();
            if (frame.Stream != stream)
            {
                continue;
            }
            Assert.That(frame.Type, Is.Not.EqualTo(Http2Frames.ResetType), "the answer comes whole");
            if (frame.Type == Http2Frames.Data)
            {
                body.AddRange(frame.Payload);
            }
            if ((frame.Flags & Http2Frames.EndStream) != 0)
            {
                return Encoding.UTF8.GetString([.. body]);
            }
        }
    }
}
