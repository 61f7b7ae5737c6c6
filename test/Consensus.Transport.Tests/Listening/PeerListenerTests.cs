using System.Net;
using System.Net.Sockets;
using Consensus.Primitives;
using Consensus.Transport.Dialing;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Listening;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Listening;

public sealed class PeerListenerTests
{
    private static readonly Hello Meet = Identities.HelloTo("n1", Identities.Unformed("n2"), Purpose.Meet);

    [Test]
    public void Before_it_knows_its_member_everyone_shall_try_again()
    {
        using var listener = Start(new PeerListenerOptions());
        var outcome = RawPeer.Dial(listener.EndPoint, Meet);
        Assert.That(outcome.Reply, Is.TypeOf<Refusal>());
        Assert.That(((Refusal)outcome.Reply!).IsTransient, Is.True);
    }

    [Test]
    public void Strangers_bytes_close_their_connection_and_nothing_else()
    {
        using var listener = Start(new PeerListenerOptions());
        var random = new DeterministicRandom(1);
        byte[][] strangers =
        [
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(),
            [.. Enumerable.Range(0, 100_000).Select(_ => (byte)random.Next(256))],
            RawPeer.Frame(FrameFormat.LinkMagic, [1, 2, 3]),
            RawPeer.Frame(FrameFormat.HandshakeMagic, [1, 2, 3]),
            RawPeer.Frame(FrameFormat.HandshakeMagic, []),
            [.. BitConverter.GetBytes(FrameFormat.HandshakeMagic), 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0],
            [.. BitConverter.GetBytes(FrameFormat.HandshakeMagic), 0x01, 0x10, 0, 0, 0, 0, 0, 0],
            WithFlippedCrc(HandshakeChannel.Encode(Meet)),
            HandshakeChannel.Encode(new Welcome(Identities.Unformed("n2"), [])),
            HandshakeChannel.Encode(new Refusal(RefusalCode.NotReady, "", ClusterId.None, "n2")),
        ];
        foreach (var bytes in strangers)
        {
            using var socket = Connect(listener);
            SocketIo.Send(socket, bytes, Patience.Limit);
            Assert.That(RawPeer.IsClosedByPeer(socket), Is.True);
        }
        AssertStillAnswers(listener);
    }

    [Test]
    public void A_hello_cut_at_any_byte_is_only_a_closed_connection()
    {
        using var listener = Start(new PeerListenerOptions());
        var hello = HandshakeChannel.Encode(Meet);
        for (var length = 0; length < hello.Length; length++)
        {
            using var socket = Connect(listener);
            SocketIo.Send(socket, hello.AsSpan(0, length), Patience.Limit);
            socket.Shutdown(SocketShutdown.Send);
            Assert.That(RawPeer.IsClosedByPeer(socket), Is.True);
        }
        AssertStillAnswers(listener);
    }

    [Test]
    public void One_who_says_hello_too_slowly_is_closed()
    {
        using var listener = Start(new PeerListenerOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(300) });
        var hello = HandshakeChannel.Encode(Meet);
        using var silent = Connect(listener);
        using var slow = Connect(listener);
        var closed = false;
        // A byte now and then must not win more time. The socket itself is the clock: each wait ends early when it is closed.
        for (var i = 0; i < hello.Length && !closed; i++)
        {
            closed = SocketIo.Send(slow, hello.AsSpan(i, 1), Patience.Limit) != IoResult.Done
                || SocketIo.Receive(slow, new byte[1], TimeSpan.FromMilliseconds(50)) == IoResult.Closed;
        }
        Assert.That(closed, Is.True);
        Assert.That(RawPeer.IsClosedByPeer(silent), Is.True);
    }

    [Test]
    public void Silent_strangers_are_bounded_and_do_not_keep_a_member_out()
    {
        using var listener = Start(new PeerListenerOptions(MaxUnwelcomed: 4) { HandshakeTimeout = TimeSpan.FromMinutes(5) });
        var strangers = new List<Socket>();
        try
        {
            for (var i = 0; i < 60; i++)
            {
                strangers.Add(Connect(listener));
                Assert.That(listener.ConnectionCount, Is.LessThanOrEqualTo(4));
            }
            AssertStillAnswers(listener);
            Assert.That(RawPeer.IsClosedByPeer(strangers[0]), Is.True);
            Assert.That(listener.ConnectionCount, Is.LessThanOrEqualTo(4));
        }
        finally
        {
            strangers.ForEach(socket => socket.Dispose());
        }
    }

    [Test]
    public void Closing_it_closes_what_is_half_way_and_frees_the_port()
    {
        var listener = Start(new PeerListenerOptions { HandshakeTimeout = TimeSpan.FromMinutes(5) });
        var endPoint = listener.EndPoint;
        using var half = Connect(listener);
        Patience.Until(() => listener.ConnectionCount == 1, "the connection is accepted");
        listener.Dispose();
        Assert.That(RawPeer.IsClosedByPeer(half), Is.True);
        Assert.That(listener.ConnectionCount, Is.Zero);
        Assert.That(RawPeer.Dial(endPoint, Meet).Status, Is.EqualTo(DialStatus.HostRefused));
        using var again = PeerListener.Start(endPoint);
        Assert.That(again.EndPoint, Is.EqualTo(endPoint));
    }

    [Test]
    public void A_port_in_use_is_an_error_at_once()
    {
        using var first = Start(new PeerListenerOptions());
        Assert.That(() => PeerListener.Start(first.EndPoint), Throws.InstanceOf<SocketException>());
    }

    [Test]
    public void A_process_without_a_file_descriptor_left_says_so_and_accepts_again_when_it_has_one()
    {
        var failures = 3;
        var log = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var fatal = new System.Collections.Concurrent.ConcurrentQueue<string>();
        using var listener = Start(new PeerListenerOptions
        {
            Log = (_, message) => log.Enqueue(message),
            Fatal = (what, _) => fatal.Enqueue(what),
            Accept = socket => failures-- > 0 ? throw new SocketException((int)SocketError.TooManyOpenSockets) : socket.Accept(),
        });
        AssertStillAnswers(listener);
        Assert.That(log, Has.Some.Contains("accepting a peer connection failed"));
        Assert.That(fatal, Is.Empty);
    }

    [Test]
    public void A_process_without_a_file_descriptor_left_dials_nobody_and_goes_on()
    {
        var dialer = new PeerDialer(Patience.Limit, Patience.Limit, TimeProvider.System)
        {
            Open = _ => throw new SocketException((int)SocketError.TooManyOpenSockets),
        };
        var outcome = dialer.Dial("127.0.0.1:1", Meet, CancellationToken.None);
        Assert.That(outcome.Status, Is.EqualTo(DialStatus.Exhausted));
        Assert.That(outcome.Detail, Is.Not.Empty);
    }

    private static PeerListener Start(PeerListenerOptions options) => PeerListener.Start(new IPEndPoint(IPAddress.Loopback, FreePorts.Next()), options);

    private static Socket Connect(PeerListener listener)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(listener.EndPoint);
        return socket;
    }

    private static byte[] WithFlippedCrc(byte[] frame)
    {
        frame[8] ^= 1;
        return frame;
    }

    private static void AssertStillAnswers(PeerListener listener) =>
        Assert.That(RawPeer.Dial(listener.EndPoint, Meet).Status, Is.EqualTo(DialStatus.Refused));
}
