using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Consensus.Fuzzing;
using Consensus.Security.Certificates;
using Consensus.Transport.Dialing;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Tests.Support;

namespace Consensus.Security.Tests.Peers;

/// <summary>
/// Who keeps a member's peer port busy, or breaks its bytes: members come through all the same, and memory stays what it was (rows 39 and
/// 51 of issue 16).
/// </summary>
public sealed class PeerPortFloodTests
{
    private static readonly byte[] ClientHello = RecordClientHello();
    private TestCertificates _domain = null!;

    [SetUp]
    public void Begin() => _domain = new TestCertificates();

    [TearDown]
    public void End() => _domain.Dispose();

    [TestCase(0)]
    [TestCase(100)]
    public void Row_39_ten_thousand_connections_that_say_nothing_or_half_a_ClientHello_keep_no_member_out(int saidBytes)
    {
        using var member = Member();
        var strangers = new Queue<Socket>();
        try
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            for (var i = 0; i < 10_000; i++)
            {
                strangers.Enqueue(Stranger(member, i % 2 == 0 ? "127.0.0.2" : "127.0.0.3"));
                SocketIo.Send(strangers.Last(), ClientHello.AsSpan(0, saidBytes), Patience.Limit);
                if (strangers.Count > 100)
                {
                    strangers.Dequeue().Dispose();
                }
                Assert.That(member.Listener.ConnectionCount, Is.LessThanOrEqualTo(17));
                if (i % 500 == 499)
                {
                    AssertMemberIsAnswered(member);
                }
            }
            Assert.That(GC.GetTotalMemory(forceFullCollection: true) - before, Is.LessThan(64 << 20));
        }
        finally
        {
            foreach (var socket in strangers)
            {
                socket.Dispose();
            }
        }
    }

    [Test]
    public void Row_39_a_byte_now_and_then_wins_no_time_within_TLS()
    {
        using var member = Member(TimeSpan.FromMilliseconds(300));
        using var slow = Stranger(member, "127.0.0.2");
        var closed = false;
        // The socket itself is the clock: each wait ends early when it is closed.
        for (var i = 0; i < ClientHello.Length - 1 && !closed; i++)
        {
            closed = SocketIo.Send(slow, ClientHello.AsSpan(i, 1), Patience.Limit) != IoResult.Done
                || SocketIo.Receive(slow, new byte[1], TimeSpan.FromMilliseconds(50)) == IoResult.Closed;
        }
        Assert.That(closed, Is.True);
    }

    [Test]
    public void Row_39_TLS_and_Hello_share_one_deadline()
    {
        using var member = Member(TimeSpan.FromMilliseconds(300));
        using var stream = TestTls.Connect(member.Listener.EndPoint, Bundle.Load(_domain.Member("n2"), "n2"));
        Assert.That(EndsOf(stream), Is.True, "a member that says nothing is closed too");
    }

    [Test]
    public void Row_39_a_length_of_four_gibibytes_costs_nothing([Values("record", "Hello", "frame")] string where)
    {
        // Bytes that are still to come are waited for, in a buffer that a record fills, and no longer than a handshake may take.
        using var member = Member(where == "record" ? TimeSpan.FromMilliseconds(300) : null);
        byte[] huge = where switch
        {
            "record" => [0x16, 3, 1, 0xFF, 0xFF, 1, 0xFF, 0xFF, 0xFF],
            "Hello" => [.. BitConverter.GetBytes(FrameFormat.HandshakeMagic), 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0],
            _ => [.. BitConverter.GetBytes(FrameFormat.LinkMagic), 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0],
        };
        if (where == "record")
        {
            using var socket = Stranger(member, "127.0.0.2");
            SocketIo.Send(socket, huge, Patience.Limit);
            Assert.That(RawPeer.IsClosedByPeer(socket), Is.True);
        }
        else if (where == "Hello")
        {
            using var stream = TestTls.Connect(member.Listener.EndPoint, Bundle.Load(_domain.Member("n2"), "n2"));
            stream.Write(huge);
            Assert.That(EndsOf(stream), Is.True);
        }
        else
        {
            using var link = Dialled(member);
            Assert.That(link.Send(huge, Patience.Limit), Is.EqualTo(IoResult.Done));
            Assert.That(RawPeer.IsClosedByPeer(link.Socket), Is.True);
        }
        AssertMemberIsAnswered(member);
    }

    [Test]
    public void Row_51_a_changed_ClientHello_ends_its_connection_and_nothing_else([Range(1, 3)] int seed)
    {
        using var member = Member();
        var random = Mutator.Random(seed);
        for (var round = Mutator.Rounds(150); round > 0; round--)
        {
            using var socket = Stranger(member, "127.0.0.2");
            SocketIo.Send(socket, Mutator.Change(ClientHello, random), Patience.Limit);
            socket.Shutdown(SocketShutdown.Send);
            Assert.That(RawPeer.IsClosedByPeer(socket), Is.True);
        }
        AssertMemberIsAnswered(member);
    }

    [Test]
    public void Row_51_a_changed_Hello_of_a_member_in_TLS_ends_its_connection_and_nothing_else([Range(1, 3)] int seed)
    {
        using var member = Member();
        var random = Mutator.Random(seed);
        var hello = HandshakeChannel.Encode(HelloOf("n2"));
        var bundle = Bundle.Load(_domain.Member("n2"), "n2");
        for (var round = Mutator.Rounds(60); round > 0; round--)
        {
            using var stream = TestTls.Connect(member.Listener.EndPoint, bundle);
            // As it is, or with a length and a CRC that fit what it became.
            var changed = random.Chance(1, 2)
                ? Mutator.Change(hello, random)
                : RawPeer.Frame(FrameFormat.HandshakeMagic, Mutator.Change(hello.AsSpan(FrameFormat.HeaderSize), random));
            stream.Write(changed);
            stream.ShutdownAsync().GetAwaiter().GetResult();
            Assert.That(EndsOf(stream), Is.True);
        }
        AssertMemberIsAnswered(member);
    }

    private TestMember Member(TimeSpan? handshakeWithin = null)
    {
        var within = handshakeWithin ?? Patience.Limit;
        var member = new TestMember(
            "n1", tls: TestTls.Of(_domain, "n1"), listening: options => options with { HandshakeTimeout = within });
        member.Transport.SetPeers([Identities.EndpointOf(Identities.Formed("n2"), "127.0.0.1:1")]);
        return member;
    }

    private static Hello HelloOf(string name) => Identities.HelloTo("n1", Identities.OnWire(Identities.Formed(name)));

    private PeerConnection Dialled(TestMember member)
    {
        var outcome = RawPeer.Dial(member.Listener.EndPoint, HelloOf("n2"), TestTls.Of(_domain, "n2"));
        Assert.That(outcome.Status, Is.EqualTo(DialStatus.Welcomed), outcome.Detail);
        return outcome.Connection!;
    }

    private void AssertMemberIsAnswered(TestMember member)
    {
        Dialled(member).Dispose();
        Assert.That(member.Fatal, Is.Empty);
    }

    private static bool EndsOf(SslStream stream)
    {
        try
        {
            var buffer = new byte[4096];
            while (stream.Read(buffer) > 0)
            {
                // A refusal, or a Welcome where the change was harmless.
            }
            return true;
        }
        catch (IOException e)
        {
            return e.InnerException is not SocketException { SocketErrorCode: SocketError.TimedOut };
        }
    }

    private static Socket Stranger(TestMember member, string from)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        socket.Connect(member.Listener.EndPoint);
        return socket;
    }

    /// <summary>What a client of this runtime begins with.</summary>
    private static byte[] RecordClientHello()
    {
        using var said = new MemoryStream();
        using var stream = new SslStream(new OneWay(said));
        try
        {
            stream.AuthenticateAsClient("n1");
        }
        catch (IOException)
        {
            // Nobody answers.
        }
        return said.ToArray();
    }

    /// <summary>Takes what is written, and has nothing to read.</summary>
    private sealed class OneWay(MemoryStream into) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush()
        {
            // Nothing is kept back.
        }

        public override int Read(byte[] buffer, int offset, int count) => 0;

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => into.Write(buffer, offset, count);
    }
}
