using System.Net;
using System.Net.Sockets;
using Consensus.Transport.Dialing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Listening;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Listening;

/// <summary>
/// Whose connection makes room when strangers come in crowds. All of 127.0.0.0/8 is this machine, so that there are several addresses to
/// come from.
/// </summary>
public sealed class SlotTests
{
    private static readonly Hello Meet = Identities.HelloTo("n1", Identities.Unformed("n2"), Purpose.Meet);
    private readonly List<Socket> _strangers = [];

    [TearDown]
    public void Close()
    {
        _strangers.ForEach(socket => socket.Dispose());
        _strangers.Clear();
    }

    [Test]
    public void One_address_has_eight_places_and_takes_no_other_addresss()
    {
        using var listener = Start();
        var other = Connect(listener, "127.0.0.3");
        for (var i = 0; i < 100; i++)
        {
            Connect(listener, "127.0.0.2");
        }
        Patience.Until(() => Accepted == 101, "all are accepted");
        Assert.That(listener.ConnectionCount, Is.EqualTo(9));
        // The first of its own address went, and not the older one of another.
        Assert.That(RawPeer.IsClosedByPeer(_strangers[1]), Is.True);
        Assert.That(IsOpen(other), Is.True);
        Assert.That(_strangers[^8..].All(IsOpen), Is.True);
    }

    [Test]
    public void A_crowd_of_several_addresses_makes_room_for_one_that_comes_alone()
    {
        using var listener = Start();
        for (var i = 0; i < 50; i++)
        {
            Connect(listener, "127.0.0.2");
            Connect(listener, "127.0.0.3");
        }
        Patience.Until(() => Accepted == 100, "all are accepted");
        Assert.That(listener.ConnectionCount, Is.EqualTo(16));
        var alone = Connect(listener, "127.0.0.4");
        for (var i = 0; i < 50; i++)
        {
            Connect(listener, "127.0.0.2");
            Connect(listener, "127.0.0.3");
        }
        Patience.Until(() => Accepted == 201, "all are accepted");
        Assert.That(listener.ConnectionCount, Is.EqualTo(16));
        Assert.That(IsOpen(alone), Is.True);
        Assert.That(RawPeer.Dial(listener.EndPoint, Meet).Status, Is.EqualTo(DialStatus.Refused), "a member is answered");
    }

    [Test]
    public void An_address_counts_as_one_however_it_is_written()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var mapped = new AcceptedConnection(socket, new IPEndPoint(IPAddress.Parse("::ffff:127.0.0.2"), 1));
        var plain = new AcceptedConnection(socket, new IPEndPoint(IPAddress.Parse("127.0.0.2"), 2));
        Assert.That(mapped.Address, Is.EqualTo(plain.Address));
    }

    private int _asked;

    private int Accepted => Volatile.Read(ref _asked) - 1;

    private PeerListener Start()
    {
        _asked = 0;
        return PeerListener.Start(
            new IPEndPoint(IPAddress.Loopback, FreePorts.Next()),
            new PeerListenerOptions { HandshakeTimeout = TimeSpan.FromMinutes(5), Accept = Counted });

        Socket Counted(Socket socket)
        {
            // Asked for the next one when the one before has its place.
            Interlocked.Increment(ref _asked);
            return socket.Accept();
        }
    }

    private Socket Connect(PeerListener listener, string from)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        socket.Connect(listener.EndPoint);
        _strangers.Add(socket);
        return socket;
    }

    private static bool IsOpen(Socket socket) => !socket.Poll(TimeSpan.Zero, SelectMode.SelectRead);
}
