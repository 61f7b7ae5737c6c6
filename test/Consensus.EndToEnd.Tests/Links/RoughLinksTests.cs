using System.Net;
using System.Net.Sockets;
using Consensus.Chaos.Machines;

namespace Consensus.EndToEnd.Tests.Links;

/// <summary>What process chaos does to links is really done to them: TCP connections between two network namespaces.</summary>
[NonParallelizable]
public sealed class RoughLinksTests
{
    private Network _network = null!;

    [SetUp]
    public void MakeNetwork()
    {
        _network = new Network(2);
        if (_network.Rough is null)
        {
            _network.Dispose();
            Assert.Ignore("network namespaces or /dev/net/tun are not allowed here: skipped");
        }
    }

    [TearDown]
    public void RemoveNetwork() => _network.Dispose();

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_rough_link_carries_its_own_direction_only(bool forth)
    {
        var (from, to) = forth ? (0, 1) : (1, 0);
        using var connection = await ConnectAsync();
        _network.Roughen(from, to, new RoughLink { DelayMs = 1 });
        await EchoAsync(connection, 20);
        Assert.That(_network.Rough!.Carried, Is.GreaterThan(0));
        Assert.That((_network.Rough.CarriedFrom(from) > 0, _network.Rough.CarriedFrom(to) > 0), Is.EqualTo((true, false)));
    }

    [Test]
    public async Task A_lossy_link_that_reorders_and_doubles_changes_nothing_in_what_arrives()
    {
        using var connection = await ConnectAsync();
        _network.Roughen(0, 1, new RoughLink { LostPerMille = 100, JitterMs = 5, TwicePerMille = 100 });
        for (var i = 0; i < 100 && _network.Rough!.Lost == 0; i++)
        {
            await EchoAsync(connection, 20);
        }
        Assert.That(_network.Rough!.Lost, Is.GreaterThan(0));
    }

    [Test]
    public async Task A_narrow_link_loses_what_would_wait_too_long_and_delivers_all_in_the_end()
    {
        using var connection = await ConnectAsync();
        _network.Roughen(0, 1, new RoughLink { BytesPerSecond = 50_000 });
        var sending = connection.Client.SendAsync(new byte[100_000]);
        var received = 0;
        var buffer = new byte[65536];
        using var patience = Patience.Begin();
        while (received < 100_000)
        {
            received += await connection.Server.ReceiveAsync(buffer, patience.Token);
        }
        await sending;
        Assert.That(_network.Rough!.Lost, Is.GreaterThan(0), "more is sent at once than the link takes within a second");
    }

    [Test]
    public async Task A_link_that_resets_ends_connections_and_heals()
    {
        using (var connection = await ConnectAsync())
        {
            _network.Roughen(0, 1, new RoughLink { ResetPerMille = 1000 });
            await connection.Client.SendAsync(new byte[] { 1 });
            using var patience = Patience.Begin();
            var ended = await Assert.ThrowsAsync<SocketException>(async () => await connection.Server.ReceiveAsync(new byte[1], patience.Token));
            Assert.That(ended!.SocketErrorCode, Is.EqualTo(SocketError.ConnectionReset));
            _network.Smooth();
            ended = await Assert.ThrowsAsync<SocketException>(async () => await connection.Client.ReceiveAsync(new byte[1], patience.Token));
            Assert.That(ended!.SocketErrorCode, Is.EqualTo(SocketError.ConnectionReset), "the one who sent hears of it when the segment is sent again");
        }
        Assert.That(_network.Rough!.Resets, Is.GreaterThan(0));
        using var another = await ConnectAsync();
        await EchoAsync(another, 20);
    }

    [Test]
    public async Task A_cut_goes_before_a_rough_link()
    {
        using var connection = await ConnectAsync();
        using var listener = NamespaceSockets.Listen(_network.NameOf(1), _network.AddressOf(1));
        _network.Roughen(0, 1, new RoughLink { DelayMs = 1 });
        await EchoAsync(connection, 1);
        _network.Cut(0, 1);
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            using var socket = NamespaceSockets.Make(_network.NameOf(0));
            await socket.ConnectAsync(listener.LocalEndPoint!);
        });
        _network.Heal();
        await EchoAsync(connection, 1);
    }

    private static async Task EchoAsync(Connection connection, int times)
    {
        using var patience = Patience.Begin();
        var buffer = new byte[1];
        for (var i = 0; i < times; i++)
        {
            await connection.Client.SendAsync(new[] { (byte)i }, patience.Token);
            Assert.That(await connection.Server.ReceiveAsync(buffer, patience.Token), Is.EqualTo(1));
            await connection.Server.SendAsync(buffer, patience.Token);
            Assert.That(await connection.Client.ReceiveAsync(buffer, patience.Token), Is.EqualTo(1));
            Assert.That(buffer[0], Is.EqualTo((byte)i));
        }
    }

    /// <summary>From place 0 to place 1.</summary>
    private async Task<Connection> ConnectAsync()
    {
        using var patience = Patience.Begin();
        using var listener = NamespaceSockets.Listen(_network.NameOf(1), _network.AddressOf(1));
        var client = NamespaceSockets.Make(_network.NameOf(0));
        var accepted = listener.AcceptAsync(patience.Token);
        await client.ConnectAsync((IPEndPoint)listener.LocalEndPoint!, patience.Token);
        return new Connection(client, await accepted);
    }

    private sealed record Connection(Socket Client, Socket Server) : IDisposable
    {
        public void Dispose()
        {
            Client.Dispose();
            Server.Dispose();
        }
    }
}
