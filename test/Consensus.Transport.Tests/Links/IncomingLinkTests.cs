using System.Net.Sockets;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Transport.Framing;
using Consensus.Transport.Links;
using Consensus.Transport.Listening;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Links;

/// <summary>What the node is told of one read's bytes: their whole frames, and then, once, that these were all.</summary>
public sealed class IncomingLinkTests
{
    private static readonly MemberId From = new(7);
    private static readonly byte[] One = RawPeer.Frame(FrameFormat.LinkMagic, [1]);
    private static readonly byte[] Two = RawPeer.Frame(FrameFormat.LinkMagic, [2, 2]);

    private Socket _socket = null!;
    private AcceptedConnection _connection = null!;
    private RecordingEvents _events = null!;
    private ReceiveBuffer _buffer = null!;

    [SetUp]
    public void Begin()
    {
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _connection = new AcceptedConnection(_socket, remote: null);
        _events = new RecordingEvents();
        _buffer = new ReceiveBuffer(1 << 20);
    }

    [TearDown]
    public void End() => _socket.Dispose();

    [Test]
    public void Frames_that_were_read_together_are_told_in_order_and_that_they_are_all_once()
    {
        Assert.That(Tell([.. One, .. Two, .. One]), Is.True);
        Assert.That(Frames, Is.EqualTo(new byte[][] { [1], [2, 2], [1] }));
        Assert.That(_events.Together, Is.EqualTo(new[] { 3 }));
    }

    [Test]
    public void Frame_that_is_not_whole_is_of_the_read_that_ends_it()
    {
        Assert.That(Tell([.. One, .. Two[..^1]]), Is.True);
        Assert.That(_events.Together, Is.EqualTo(new[] { 1 }));
        Assert.That(Tell([Two[^1], .. One]), Is.True);
        Assert.That(Frames, Is.EqualTo(new byte[][] { [1], [2, 2], [1] }));
        Assert.That(_events.Together, Is.EqualTo(new[] { 1, 3 }));
    }

    [Test]
    public void Frames_before_a_damaged_one_are_not_left_lying([Values(0, 7, 8, 12)] int damagedByte)
    {
        var damaged = Two.ToArray();
        damaged[damagedByte] ^= 0x80;
        Assert.That(() => Tell([.. One, .. damaged, .. One]), Throws.TypeOf<WireFormatException>(), "the link closes");
        Assert.That(Frames, Is.EqualTo(new byte[][] { [1] }));
        Assert.That(_events.Together, Is.EqualTo(new[] { 1 }));
    }

    [Test]
    public void Frames_before_one_that_the_node_cannot_read_are_not_left_lying()
    {
        _events.OnFrame = (_, frame) =>
        {
            if (frame.Length == 2)
            {
                throw new WireFormatException("the node cannot read it");
            }
        };
        Assert.That(() => Tell([.. One, .. Two, .. One]), Throws.TypeOf<WireFormatException>());
        Assert.That(Frames, Is.EqualTo(new byte[][] { [1] }));
        Assert.That(_events.Together, Is.EqualTo(new[] { 1 }));
    }

    [Test]
    public void Nothing_is_told_once_a_newer_link_took_over_and_what_was_told_before_is_not_left_lying()
    {
        _events.OnFrame = (_, _) => _connection.Abort();
        Assert.That(Tell([.. One, .. Two]), Is.False);
        Assert.That(Frames, Is.EqualTo(new byte[][] { [1] }));
        Assert.That(_events.Together, Is.EqualTo(new[] { 1 }));
    }

    private IReadOnlyList<byte[]> Frames => _events.FramesFrom(From);

    private bool Tell(byte[] read)
    {
        read.CopyTo(_buffer.Free);
        _buffer.Added(read.Length);
        return IncomingLink.Tell(From, _buffer, _connection, _events);
    }
}
