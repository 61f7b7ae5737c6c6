using System.Net;
using System.Net.Sockets;
using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Security.Generations;
using Consensus.Transport.Dialing;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Tls;

namespace Consensus.Transport.Tests.Support;

/// <summary>A peer played by the test, byte by byte: it accepts connections and answers handshakes when told to.</summary>
internal sealed class RawPeer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public RawPeer(string name, int receiveBufferBytes = 0)
    {
        Identity = Identities.Formed(name);
        if (receiveBufferBytes > 0)
        {
            _listener.ReceiveBufferSize = receiveBufferBytes;
        }
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(16);
    }

    public DirectoryIdentity Identity { get; }

    public PeerEndpoint Endpoint => Identities.EndpointOf(Identity, _listener.LocalEndPoint!.ToString()!);

    /// <summary>Who it is, and that it is here.</summary>
    public PeerIdentity OnWire(long boot = 5) => Identities.OnWire(Identity, boot, Endpoint.Address);

    /// <summary>Accepts the next connection, reads its Hello and answers; <paramref name="reply"/> null is a Welcome.</summary>
    public (Socket Socket, Hello Hello) Accept(HandshakeReply? reply = null, long boot = 9)
    {
        Assert.That(_listener.Poll(Patience.Limit, SelectMode.SelectRead), Is.True, "nobody dialled");
        var socket = _listener.Accept();
        socket.ReceiveTimeout = (int)Patience.Limit.TotalMilliseconds;
        return (socket, Answer(new PeerConnection(socket), reply, boot));
    }

    /// <summary>The same in TLS; what the dialler shows is believed as a member would.</summary>
    public (PeerConnection Connection, Hello Hello) Accept(ITlsSource tls, HandshakeReply? reply = null, long boot = 9)
    {
        Assert.That(_listener.Poll(Patience.Limit, SelectMode.SelectRead), Is.True, "nobody dialled");
        var connection = new PeerConnection(_listener.Accept());
        connection.Accept(tls, new Deadline(TimeProvider.System, Patience.Limit));
        return (connection, Answer(connection, reply, boot));
    }

    /// <summary>Accepts the next connection in TLS and says whether it brought a Hello. Nobody answers it.</summary>
    public bool HearsHello(ITlsSource tls)
    {
        Assert.That(_listener.Poll(Patience.Limit, SelectMode.SelectRead), Is.True, "nobody dialled");
        using var connection = new PeerConnection(_listener.Accept());
        var deadline = new Deadline(TimeProvider.System, Patience.Limit);
        try
        {
            connection.Accept(tls, deadline);
            return HandshakeChannel.Receive(connection, deadline, out _) == IoResult.Done;
        }
        catch (PeerTlsException)
        {
            return false;
        }
    }

    private Hello Answer(PeerConnection connection, HandshakeReply? reply, long boot)
    {
        var deadline = new Deadline(TimeProvider.System, Patience.Limit);
        Assert.That(HandshakeChannel.Receive(connection, deadline, out var hello), Is.EqualTo(IoResult.Done));
        HandshakeChannel.Send(connection, reply ?? new Welcome(OnWire(boot), []), deadline);
        return (Hello)hello!;
    }

    /// <summary>True once somebody has connected; nobody answers it.</summary>
    public bool IsDialled() => _listener.Poll(Patience.Limit, SelectMode.SelectRead);

    /// <summary>Somebody has connected by now.</summary>
    public bool WasDialled => _listener.Poll(TimeSpan.Zero, SelectMode.SelectRead);

    public void Dispose() => _listener.Dispose();

    public static DialOutcome Dial(IPEndPoint to, Hello hello, ITlsSource? tls = null) =>
        new PeerDialer(Patience.Limit, Patience.Limit, TimeProvider.System, tls).Dial(to.ToString(), hello, CancellationToken.None);

    /// <summary>A welcomed link from <paramref name="from"/> to a member, to write any bytes into.</summary>
    public static Socket DialLink(TestMember to, PeerIdentity from, Purpose purpose = Purpose.Link)
    {
        var outcome = Dial(to.Listener.EndPoint, Identities.HelloTo(to.Identity.Name, from, purpose));
        Assert.That(outcome.Status, Is.EqualTo(DialStatus.Welcomed), outcome.Detail);
        outcome.Connection!.Socket.Blocking = true;
        return outcome.Connection.Socket;
    }

    public static byte[] Frame(uint magic, byte[] body)
    {
        var frame = new byte[FrameFormat.HeaderSize + body.Length];
        FrameFormat.WriteHeader(frame, magic, body);
        body.CopyTo(frame, FrameFormat.HeaderSize);
        return frame;
    }

    /// <summary>True when the other side closes the connection, false when it is still open at the deadline. What it sends before is dropped.</summary>
    public static bool IsClosedByPeer(Socket socket)
    {
        var deadline = new Deadline(TimeProvider.System, Patience.Limit);
        var buffer = new byte[4096];
        while (!deadline.HasPassed)
        {
            if (SocketIo.Receive(socket, buffer, deadline) == IoResult.Closed)
            {
                return true;
            }
        }
        return false;
    }
}
