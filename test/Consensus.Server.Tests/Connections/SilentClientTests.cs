using System.Net;
using System.Text;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Connections;

/// <summary>Who waits is heard to be gone, whatever lies between.</summary>
internal sealed class SilentClientTests : ContractTest
{
    private const string Body = """{"owner":"other","ttl":15,"wait":600}""";

    private static string Wait => $"POST /v1/locks/l HTTP/1.1\r\nHost: localhost\r\nContent-Length: {Body.Length}\r\n\r\n{Body}";

    private static string Watch => "GET /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";

    /// <summary>Requests of so many bytes together, one behind the other.</summary>
    private static byte[] Requests(int bytes)
    {
        var one = "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Padding: " + new string('x', 4000) + "\r\n\r\n";
        return Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(one, (bytes + one.Length - 1) / one.Length)));
    }

    private Task<long> WatchesAsync() => MetricAsync("consensus_watches");

    private async Task<RawHttp> WaitingAsync()
    {
        await AcquireAsync("l");
        var client = new RawHttp(Port);
        client.Send(Wait);
        await UntilAsync(() => Node.WaitingRequests == 1, "the request waits");
        return client;
    }

    /// <summary>The kernel takes what the server does not, until it has no room either: the rest is not waited for.</summary>
    private static void SendBeside(RawHttp client, byte[] bytes) => new Thread(() =>
    {
        try
        {
            client.Send(bytes);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Cut off meanwhile, as it should be.
        }
    })
    { IsBackground = true }.Start();

    [Test]
    [Platform("Linux")]
    public async Task The_kernel_asks_after_every_client_that_is_silent()
    {
        using var http1 = new RawHttp(Port);
        http1.Send(Watch);
        http1.Receive(hasBody: false);
        using var http2 = new RawHttp(Port);
        http2.Send(Http2Frames.Opening);
        http2.ReceiveHttp2Settings();
        await UntilAsync(() => TcpTimers.KeptAlive(Port) >= 2 && TcpTimers.KeptAlive(Port) == TcpTimers.Established(Port), "all of them are asked after");
    }

    [Test]
    public async Task Who_sends_more_behind_a_request_that_waits_than_is_read_is_cut_off_and_has_no_place_any_more()
    {
        using var client = await WaitingAsync();
        SendBeside(client, Requests(256 * 1024));
        Assert.That(client.IsClosedByServer(), Is.True);
        await UntilAsync(() => Node.WaitingRequests == 0, "the place is given up");
        Assert.That((await ShowLockAsync("l")).WaiterCount, Is.Zero);
    }

    /// <summary>What wakes an operator is what clients were told, and these were told nothing.</summary>
    [Test]
    public async Task Who_waits_and_goes_away_is_no_failure()
    {
        (await WaitingAsync()).Dispose();
        using var limit = Patience.Begin();
        while (await MetricAsync("consensus_http_requests_total{route=\"/v1/locks/{name}\",class=\"4xx\"}") == 0)
        {
            Assert.That(limit.IsCancellationRequested, Is.False, "it is counted");
        }
        Assert.That(await MetricAsync("consensus_failures_total"), Is.Zero);
    }

    [Test]
    public async Task Who_filled_what_is_read_behind_a_request_that_waits_and_went_away_has_no_place_any_more()
    {
        using (var client = await WaitingAsync())
        {
            // Up to what the server reads, and all of it is read: what comes after it is the end of the connection.
            client.Send(Requests(64 * 1024 + 1));
        }
        await UntilAsync(() => Node.WaitingRequests == 0, "the place is given up");
    }

    [Test]
    public async Task Who_sends_more_behind_a_stream_than_is_read_is_cut_off()
    {
        using var client = new RawHttp(Port);
        client.Send(Watch);
        client.Receive(hasBody: false);
        await Patience.UntilAsync(async () => await WatchesAsync() == 1, "the watch is open");
        SendBeside(client, Requests(256 * 1024));
        await Patience.UntilAsync(async () => await WatchesAsync() == 0, "the watch is over");
    }

    [Test]
    public async Task What_is_sent_behind_a_request_that_waits_is_answered_after_it()
    {
        var held = await AcquireAsync("l");
        using var client = new RawHttp(Port);
        client.Send(Wait);
        await UntilAsync(() => Node.WaitingRequests == 1, "the request waits");
        client.Send(Requests(8 * 1024));
        using var released = await SendAsync("DELETE", $"/v1/locks/l?fencingToken={held.FencingToken}");
        Assert.That(released.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        var granted = client.Receive();
        var alive = client.Receive();
        Assert.That((granted.Status, alive.Status, alive.Body), Is.EqualTo((200, 200, """{"live":true}""")));
    }

    [Test]
    public async Task Over_HTTP2_a_client_that_filled_its_windows_behind_a_stream_is_heard_to_be_gone()
    {
        using (var client = new RawHttp(Port))
        {
            client.Send(Http2Frames.Opening);
            client.Send(Http2Frames.Get(1, "/v1/kv/a", "text/event-stream"));
            await Patience.UntilAsync(async () => await WatchesAsync() == 1, "the watch is open");
            client.Send(Http2Frames.Put(3, "/v1/nothing", declared: 1 << 20, paddingBytes: 0));
            for (var i = 0; i < 4; i++)
            {
                client.Send(Http2Frames.Body(3, 16 * 1024 - 1, isLast: false));
            }
        }
        await Patience.UntilAsync(async () => await WatchesAsync() == 0, "the watch is over");
    }
}
