using System.Net;
using System.Net.Sockets;
using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Transport.Dialing;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;

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
        var deadline = new Deadline(TimeProvider.System, Patience.Limit);
        Assert.That(HandshakeChannel.Receive(socket, deadline, out var hello), Is.EqualTo(IoResult.Done));
        HandshakeChannel.Send(socket, reply ?? new Welcome(OnWire(boot), []), deadline);
        return (socket, (Hello)hello!);
    }

    /// <summary>True once somebody has connected; nobody answers it.</summary>
    public bool IsDialled() => _listener.Poll(Patience.Limit, SelectMode.SelectRead);

    /// <summary>Somebody has connected by now.</summary>
    public bool WasDialled => _listener.Poll(TimeSpan.Zero, SelectMode.SelectRead);

    public void Dispose() => _listener.Dispose();

    public static DialOutcome Dial(IPEndPoint to, Hello hello) =>
        new PeerDialer(Patience.Limit, Patience.Limit, TimeProvider.System).Dial(to.ToString(), hello, CancellationToken.None);

    /// <summary>A welcomed link from <paramref name="from"/> to a member, to write any bytes into.</summary>
    public static Socket DialLink(TestMember to, PeerIdentity from, Purpose purpose = Purpose.Link)
    {
        var outcome = Dial(to.Listener.EndPoint, Identities.HelloTo(to.Identity.Name, from, purpose));
        Assert.That(outcome.Status, Is.EqualTo(DialStatus.Welcomed), outcome.Detail);
        outcome.Socket!.Blocking = true;
        return outcome.Socket;
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
