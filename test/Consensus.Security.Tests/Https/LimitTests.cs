using System.Net;
using Consensus.Security.Tests.Https.Support;
using Consensus.Server.Tls;

namespace Consensus.Security.Tests.Https;

/// <summary>What a stranger may take of the server.</summary>
internal sealed class LimitTests : HttpsTest
{
    /// <summary>The first half of the first message of a handshake.</summary>
    private static readonly byte[] HalfHello = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 0, 0, 0];

    [Test]
    public void Row_40_A_connection_that_says_nothing_or_half_a_word_is_cut_off()
    {
        using var silent = new TlsHttp(Port);
        using var half = new TlsHttp(Port);
        half.Send(HalfHello);
        Patience.Until(() => Tls.Handshakes is { Pending: 2, UnderWay: 1 }, "both are there, and one of them shakes hands");
        Clock.Advance(Handshakes.Limit - TimeSpan.FromTicks(1));
        Assert.That(Tls.Handshakes.Failed, Is.Zero);
        Clock.Advance(TimeSpan.FromTicks(1));
        Assert.That((silent.IsEnded(), half.IsEnded()), Is.EqualTo((true, true)));
        Patience.Until(() => Tls.Handshakes is { Failed: 2, Pending: 0 }, "nothing is left of them");
    }

    [Test]
    public void Row_40_Who_shakes_hands_and_asks_nothing_is_cut_off()
    {
        using var stranger = TlsHttp.Open(Port, null);
        using var known = TlsHttp.Open(Port, Billing);
        using var asking = TlsHttp.Open(Port, Billing);
        Assert.That(asking.Ask("GET", "/v1/status").Status, Is.EqualTo(200));
        Clock.Advance(Handshakes.SilenceLimit);
        Assert.That((stranger.IsEnded(), known.IsEnded()), Is.EqualTo((true, true)));
        Assert.That(asking.Ask("GET", "/v1/status").Status, Is.EqualTo(200), "who has asked may be silent");
    }

    [Test]
    public void Row_40_Handshakes_of_one_address_that_come_to_no_end_keep_nobody_else_waiting_and_its_own_only_for_their_time()
    {
        var halves = Enumerable.Range(0, Handshakes.MostOfOneAddress).Select(_ => new TlsHttp(Port, "127.0.0.2")).ToList();
        halves.ForEach(half => half.Send(HalfHello));
        Patience.Until(() => Tls.Handshakes.UnderWay == Handshakes.MostOfOneAddress, "all of them are under way");
        using var other = TlsHttp.Open(Port, Billing, from: "127.0.0.3");
        Assert.That(other.Ask("GET", "/v1/status").Status, Is.EqualTo(200));
        using var same = new TlsHttp(Port, "127.0.0.2");
        var options = TlsHttp.OptionsFor(Billing);
        var shaking = Task.Factory.StartNew(
            () => same.Handshake(options), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Patience.Until(() => Tls.Handshakes.Pending == Handshakes.MostOfOneAddress + 1, "one more is there");
        Assert.That((shaking.IsCompleted, Tls.Handshakes.UnderWay), Is.EqualTo((false, Handshakes.MostOfOneAddress)));
        halves[0].Dispose();
        Patience.Until(() => shaking.IsCompleted, "it has its turn");
        Assert.That(same.Ask("GET", "/v1/status").Status, Is.EqualTo(200));
        halves.ForEach(half => half.Dispose());
        Patience.Until(() => Tls.Handshakes.Pending == 0, "nothing is left of them");
    }

    [Test]
    public void Row_40_A_pool_of_connections_that_is_opened_at_once_gets_all_of_them()
    {
        var pool = new TlsHttp[64];
        Parallel.For(0, pool.Length, new ParallelOptions { MaxDegreeOfParallelism = 32 }, i => pool[i] = TlsHttp.Open(Port, Billing));
        foreach (var connection in pool)
        {
            Assert.That(connection.Ask("GET", "/v1/status").Status, Is.EqualTo(200));
            connection.Dispose();
        }
        Assert.That((Tls.Handshakes.Done, Tls.Handshakes.Failed), Is.EqualTo((64L, 0L)));
    }

    [Test]
    public void Row_40_Hundreds_of_connections_that_say_nothing_are_gone_after_their_time_and_the_next_one_is_served()
    {
        var silent = Enumerable.Range(0, 300).Select(i => new TlsHttp(Port, $"127.0.1.{1 + (i % 200)}")).ToList();
        for (var i = 0; i < silent.Count; i += 2)
        {
            silent[i].Send(HalfHello);
        }
        Patience.Until(() => Tls.Handshakes.Pending == silent.Count, "all of them are there");
        using var known = TlsHttp.Open(Port, Billing);
        Assert.That(known.Ask("GET", "/v1/status").Status, Is.EqualTo(200));
        Clock.Advance(Handshakes.Limit);
        Patience.Until(() => Tls.Handshakes is { Pending: 0, UnderWay: 0 }, "nothing is left of them");
        Assert.That(known.Ask("GET", "/v1/status").Status, Is.EqualTo(200));
        silent.ForEach(connection => connection.Dispose());
    }

    [Test]
    public async Task Row_40_Streams_that_are_begun_and_reset_at_once_leave_the_others_served()
    {
        using var connection = TlsHttp.Open(Port, Billing, alpn: "h2");
        connection.Send(Server.Tests.Support.Http2Frames.Opening);
        try
        {
            for (var stream = 1; stream < 4_000; stream += 2)
            {
                connection.Send(Server.Tests.Support.Http2Frames.Get(stream, "/v1/kv/a", scheme: "https"));
                connection.Send(Server.Tests.Support.Http2Frames.Reset(stream));
            }
        }
        catch (IOException)
        {
            // The server has had enough of it.
        }
        using var answer = await Library(Client("orders"), HttpVersion.Version20).GetAsync(new Uri("/v1/status", UriKind.Relative));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_connection_ends_between_two_requests_when_it_is_a_day_old()
    {
        using var connection = TlsHttp.Open(Port, Billing);
        Assert.That(connection.Ask("GET", "/v1/status").Headers.ContainsKey("Connection"), Is.False);
        var client = Library(Billing, HttpVersion.Version20);
        using var before = await client.GetAsync(new Uri("/v1/status", UriKind.Relative));
        Clock.Advance(CallerConnection.LongestLife);
        var last = connection.Ask("GET", "/v1/status");
        Assert.That((last.Status, last.Headers["Connection"], connection.IsEnded()), Is.EqualTo((200, "close", true)));
        using var after = await client.GetAsync(new Uri("/v1/status", UriKind.Relative));
        Assert.That((int)before.StatusCode, Is.EqualTo(200));
        Assert.That((int)after.StatusCode, Is.EqualTo(200), "what is under way is answered");
        await Patience.UntilAsync(() => Tls.Connections == 0, "both are over");
    }
}
