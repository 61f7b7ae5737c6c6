using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Consensus.EndToEnd.Tests.Processes;
using Consensus.Server.Tests.Support;

namespace Consensus.EndToEnd.Tests;

/// <summary>A process that may have little memory, and clients that would have it take more.</summary>
[NonParallelizable]
public sealed class SmallHeapTests
{
    /// <summary>384 MiB in hexadecimal, as the runtime takes it.</summary>
    private const string HeapLimit = "DOTNET_GCHeapHardLimit=18000000";

    private const int Connections = 400;

    [Test]
    public async Task Declared_lengths_that_together_exceed_the_heap_disturb_nobody()
    {
        await using var cluster = await StartAsync();
        using var strangers = new Strangers(cluster.ClientPortOf(0));
        for (var i = 0; i < Connections; i++)
        {
            strangers.Send("PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n" + new string('x', 80));
        }
        await UntilAsync(cluster, metrics => metrics("consensus_unfinished_bodies") + metrics(Refusals) >= Connections, "all of them reached the server");
        await AssertServesAsync(cluster);
    }

    [Test]
    public async Task Bodies_that_together_exceed_the_heap_and_lack_their_last_byte_disturb_nobody()
    {
        await using var cluster = await StartAsync();
        using var strangers = new Strangers(cluster.ClientPortOf(0));
        for (var i = 0; i < Connections; i++)
        {
            strangers.Send("PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n", 1_048_575);
        }
        await UntilAsync(cluster, metrics => metrics("consensus_unfinished_bodies") + metrics(Refusals) >= Connections, "all of them reached the server");
        await AssertServesAsync(cluster);
        Assert.That((await MetricsAsync(cluster))("consensus_unfinished_bodies_refused_total"), Is.Positive, "those beyond the budget were told so");
    }

    [Test]
    public async Task Requests_that_pile_up_behind_ones_that_wait_disturb_nobody()
    {
        await using var cluster = await StartAsync();
        Assert.That((await cluster.TryAsync(HttpMethod.Post, 0, "/v1/locks/l", """{"owner":"me","ttl":"600s"}""")).IsOk);
        const string Wait = """{"owner":"w","ttl":"600s","wait":"600s"}""";
        var more = Encoding.ASCII.GetBytes("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
        var pile = Enumerable.Repeat(more, 25_000).SelectMany(request => request).ToArray();
        using var strangers = new Strangers(cluster.ClientPortOf(0));
        for (var i = 0; i < Connections; i++)
        {
            strangers.Send(string.Create(CultureInfo.InvariantCulture, $"POST /v1/locks/l HTTP/1.1\r\nHost: localhost\r\nContent-Length: {Wait.Length}\r\n\r\n{Wait}"));
            strangers.Push(pile, TimeSpan.FromMilliseconds(100));
        }
        await UntilAsync(cluster, metrics => metrics("consensus_lock_waiters") == Connections, "all of them wait");
        await AssertServesAsync(cluster);
    }

    [Test]
    public async Task Streams_whose_headers_together_exceed_the_heap_disturb_nobody()
    {
        const int Streams = 900, ClientConnections = 15;
        await using var cluster = await StartAsync();
        using var strangers = new Strangers(cluster.ClientPortOf(0));
        for (var i = 0; i < ClientConnections; i++)
        {
            byte[] all =
            [
                .. Http2Frames.Opening,
                .. Enumerable.Range(0, Streams).SelectMany(n => Http2Frames.Put((2 * n) + 1, "/v1/kv/a", 1000, paddingBytes: 15_000)),
            ];
            strangers.Send("");
            strangers.Push(all, TimeSpan.FromSeconds(20));
        }
        await AssertServesAsync(cluster);
    }

    private const string Refusals = "consensus_http_requests_total{route=\"/v1/kv/{key}\",class=\"4xx\"}";

    private static async Task<ProcessCluster> StartAsync()
    {
        var cluster = await ProcessCluster.StartAsync(1);
        await cluster.StopAsync(0);
        cluster.Start(0, "env", HeapLimit);
        await cluster.UntilReadyAsync();
        return cluster;
    }

    private static async Task AssertServesAsync(ProcessCluster cluster)
    {
        var value = new string('v', 200_000);
        var put = await cluster.TryAsync(HttpMethod.Put, 0, "/v1/kv/b", value);
        Assert.That(put.IsOk || (int)put.Status == 429, $"{put.Status}: {cluster.Process(0).Output}");
        Assert.That((await cluster.TryAsync(HttpMethod.Put, 0, "/v1/kv/c", "small")).IsOk, cluster.Process(0).Output);
        Assert.That((await cluster.TryAsync(HttpMethod.Get, 0, "/v1/kv/c")).Json.GetProperty("value").GetString(), Is.EqualTo("small"));
        Assert.That((await cluster.TryAsync(HttpMethod.Get, 0, "/v1/kv/a")).Json.GetProperty("status").GetInt32(), Is.EqualTo(404), "nothing was done of what did not come whole");
        Assert.That(cluster.Process(0).HasExited, Is.False, cluster.Process(0).Output);
    }

    private static async Task UntilAsync(ProcessCluster cluster, Func<Func<string, long>, bool> condition, string what) => await ProcessCluster.EventuallyAsync(
        async () =>
        {
            Assert.That(cluster.Process(0).HasExited, Is.False, cluster.Process(0).Output);
            return condition(await MetricsAsync(cluster));
        },
        what);

    private static async Task<Func<string, long>> MetricsAsync(ProcessCluster cluster)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(20) };
        var lines = (await http.GetStringAsync(new Uri($"http://127.0.0.1:{cluster.ClientPortOf(0)}/metrics"))).Split('\n');
        return name => lines.SingleOrDefault(line => line.StartsWith(name + " ", StringComparison.Ordinal)) is { } line
            ? long.Parse(line[(name.Length + 1)..], CultureInfo.InvariantCulture)
            : 0;
    }

    /// <summary>Connections that send, and do not read.</summary>
    private sealed class Strangers(int port) : IDisposable
    {
        private readonly List<Socket> _sockets = [];

        public void Send(string head, int bodyBytes = 0)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { SendTimeout = 20_000 };
            _sockets.Add(socket);
            try
            {
                socket.Connect("127.0.0.1", port);
                socket.Send(Encoding.ASCII.GetBytes(head));
                var body = new byte[64 * 1024];
                for (var left = bodyBytes; left > 0; left -= body.Length)
                {
                    socket.Send(body.AsSpan(0, Math.Min(left, body.Length)));
                }
            }
            catch (SocketException)
            {
                // Refused and closed on: that is an answer too.
            }
        }

        /// <summary>Sends over the newest connection until the other side takes no more of it.</summary>
        /// <param name="patience">How long it may take nothing.</param>
        public void Push(ReadOnlySpan<byte> bytes, TimeSpan patience)
        {
            try
            {
                _sockets[^1].Blocking = false;
                while (!bytes.IsEmpty && _sockets[^1].Poll(patience, SelectMode.SelectWrite))
                {
                    bytes = bytes[_sockets[^1].Send(bytes)..];
                }
            }
            catch (SocketException)
            {
                // Closed on us, or full just now.
            }
        }

        public void Dispose() => _sockets.ForEach(socket => socket.Dispose());
    }
}
