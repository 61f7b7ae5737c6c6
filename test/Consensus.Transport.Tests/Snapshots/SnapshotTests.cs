using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Net;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Snapshots;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Snapshots;

public sealed class SnapshotTests
{
    [TestCase(0)]
    [TestCase(1)]
    [TestCase(SnapshotParts.ChunkBytes)]
    [TestCase((5 * 1024 * 1024) + 17)]
    public void A_snapshot_arrives_whole_and_is_told_as_sent_only_after_it_is_complete(int length)
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        var arrival = new Arrival();
        byte[]? header = null;
        MemberId from = default;
        long announced = -1;
        b.Events.OnSnapshot = (sender, bytes, count) =>
        {
            (from, header, announced) = (sender, bytes, count);
            return arrival;
        };
        arrival.OnComplete = () => Assert.That(a.Events.All.OfType<SnapshotSentEvent>(), Is.Empty);
        var content = new Content(Bytes(length));
        a.Transport.SendSnapshot(b.Id, new byte[] { 1, 2, 3 }, content);
        a.Events.WaitFor(new SnapshotSentEvent(b.Id, true));
        Assert.That((from, announced), Is.EqualTo((a.Id, (long)length)));
        Assert.That(header, Is.EqualTo(new byte[] { 1, 2, 3 }));
        Assert.That(arrival.Taken.AsSpan().SequenceEqual(Bytes(length)), Is.True);
        Assert.That(arrival.IsComplete, Is.True);
        Eventually.Holds(() => arrival.IsDisposed && content.IsDisposed, "both ends are released");
    }

    [Test]
    public void A_snapshot_that_the_receiver_does_not_want_is_not_sent()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        var content = new Content(Bytes(1000));
        a.Transport.SendSnapshot(b.Id, Array.Empty<byte>(), content);
        a.Events.WaitFor(new SnapshotSentEvent(b.Id, false));
        Assert.That(content.IsDisposed, Is.True);
    }

    [Test]
    public async Task A_part_that_declares_much_and_sends_little_takes_little_memory()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var sender = new TcpClient();
        await sender.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var receiver = await listener.AcceptSocketAsync();
        var frame = RawPeer.Frame(FrameFormat.SnapshotMagic, Bytes(SnapshotParts.MaxPartBytes));
        var buffer = new byte[1024];

        await sender.GetStream().WriteAsync(frame);
        Assert.That(SnapshotParts.Receive(receiver, ref buffer, SnapshotParts.MaxPartBytes, TimeSpan.FromSeconds(20))!.Value.ToArray(), Is.EqualTo(Bytes(SnapshotParts.MaxPartBytes)));

        buffer = new byte[1024];
        await sender.GetStream().WriteAsync(frame.AsMemory(0, 5000));
        sender.Close();
        Assert.That(SnapshotParts.Receive(receiver, ref buffer, SnapshotParts.MaxPartBytes, TimeSpan.FromSeconds(20)), Is.Null);
        Assert.That(buffer, Has.Length.LessThanOrEqualTo(4 * 5000));
    }

    [Test]
    public void Frames_flow_while_a_snapshot_waits_for_a_slow_receiver()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        using var gate = new ManualResetEventSlim();
        using var begun = new ManualResetEventSlim();
        var arrival = new Arrival
        {
            OnWrite = () =>
            {
                begun.Set();
                gate.Wait(Eventually.Deadline);
            },
        };
        b.Events.OnSnapshot = (_, _, _) => arrival;
        a.Transport.SendSnapshot(b.Id, Array.Empty<byte>(), new Content(Bytes(20 * 1024 * 1024)));
        Assert.That(begun.Wait(Eventually.Deadline), Is.True);
        for (var i = 1; i <= 100; i++)
        {
            a.SendNow(b.Id, [(byte)i]);
            b.Events.WaitForFrames(i);
        }
        Assert.That(a.Events.All.OfType<SnapshotSentEvent>(), Is.Empty);
        gate.Set();
        a.Events.WaitFor(new SnapshotSentEvent(b.Id, true));
        Assert.That(arrival.Taken, Has.Length.EqualTo(20 * 1024 * 1024));
    }

    [Test]
    public void A_second_snapshot_to_the_same_member_fails_and_leaves_the_first_alone()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        using var gate = new ManualResetEventSlim();
        using var begun = new ManualResetEventSlim();
        var arrival = new Arrival
        {
            OnWrite = () =>
            {
                begun.Set();
                gate.Wait(Eventually.Deadline);
            },
        };
        b.Events.OnSnapshot = (_, _, _) => arrival;
        var ends = new ConcurrentQueue<(byte Header, bool Success)>();
        a.Events.OnSnapshotSent = (header, success) => ends.Enqueue((header[0], success));
        a.Transport.SendSnapshot(b.Id, new byte[] { 1 }, new Content(Bytes(100)));
        Assert.That(begun.Wait(Eventually.Deadline), Is.True);
        var second = new Content(Bytes(100));
        a.Transport.SendSnapshot(b.Id, new byte[] { 2 }, second);
        a.Events.WaitFor(new SnapshotSentEvent(b.Id, false));
        Assert.That(second.IsDisposed, Is.True);
        gate.Set();
        a.Events.WaitFor(new SnapshotSentEvent(b.Id, true));
        Assert.That(arrival.IsComplete, Is.True);
        Assert.That(ends, Is.EqualTo(new[] { ((byte)2, false), ((byte)1, true) }), "each end says of which transfer it is");
    }

    [Test]
    public void A_sender_that_breaks_off_leaves_nothing_complete()
    {
        using var a = new TestMember("a");
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        var arrival = new Arrival();
        a.Events.OnSnapshot = (_, _, _) => arrival;
        using (var socket = RawPeer.DialLink(a, Identities.OnWire(peer.Identity), Purpose.Snapshot))
        {
            socket.Send(SnapshotParts.Start([1], 100_000));
            socket.Send(RawPeer.Frame(FrameFormat.SnapshotMagic, Bytes(50_000)));
            Eventually.Holds(() => arrival.Taken.Length == 50_000, "the first half arrives");
        }
        Eventually.Holds(() => arrival.IsDisposed, "the arrival is disposed");
        Assert.That(arrival.IsComplete, Is.False);
    }

    [Test]
    public void A_receiver_that_breaks_off_is_told_once_as_not_sent()
    {
        using var a = new TestMember("a");
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        using var link = peer.Accept().Socket;
        a.Events.WaitFor<UpEvent>();
        var content = new Content(Bytes(50 * 1024 * 1024));
        a.Transport.SendSnapshot(peer.Identity.Member, Array.Empty<byte>(), content);
        var (socket, hello) = peer.Accept();
        Assert.That(hello.Purpose, Is.EqualTo(Purpose.Snapshot));
        Assert.That(SocketIo.Receive(socket, new byte[100_000], Eventually.Deadline), Is.EqualTo(IoResult.Done));
        socket.Dispose();
        a.Events.WaitFor(new SnapshotSentEvent(peer.Identity.Member, false));
        Assert.That(content.IsDisposed, Is.True);
        a.Dispose();
        Assert.That(a.Events.All.OfType<SnapshotSentEvent>().Count(), Is.EqualTo(1));
    }

    [Test]
    public void Damaged_snapshots_are_never_completed()
    {
        var content = Bytes(1000);
        var start = SnapshotParts.Start([1], content.Length);
        var part = RawPeer.Frame(FrameFormat.SnapshotMagic, content);
        var damagedPart = part.ToArray();
        damagedPart[500] ^= 1;
        (string What, byte[] Wire)[] damaged =
        [
            ("a wrong CRC of the whole", [.. start, .. part, .. SnapshotParts.End(Crc32C.Of(content) ^ 1)]),
            ("a wrong CRC of a part", [.. start, .. damagedPart, .. SnapshotParts.End(Crc32C.Of(content))]),
            ("more than announced", [.. SnapshotParts.Start([1], 999), .. part, .. SnapshotParts.End(Crc32C.Of(content))]),
            ("less than announced", [.. SnapshotParts.Start([1], 1001), .. part, .. SnapshotParts.End(Crc32C.Of(content))]),
            ("a negative length", [.. SnapshotParts.Start([1], -1), .. part]),
            ("empty parts without end", [.. start, .. RawPeer.Frame(FrameFormat.SnapshotMagic, [])]),
            ("no snapshot", "GET / HTTP/1.1\r\n\r\n"u8.ToArray()),
        ];
        using var a = new TestMember("a");
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        foreach (var (what, wire) in damaged)
        {
            var arrival = new Arrival();
            a.Events.OnSnapshot = (_, _, _) => arrival;
            using var socket = RawPeer.DialLink(a, Identities.OnWire(peer.Identity), Purpose.Snapshot);
            socket.Send(wire);
            socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            Assert.That(RawPeer.IsClosedByPeer(socket), Is.True, what);
            Assert.That(arrival.IsComplete, Is.False, what);
        }
    }

    [Test]
    public void A_transfer_without_progress_fails()
    {
        using var a = new TestMember("a", with: options => options with { SnapshotStall = TimeSpan.FromMilliseconds(200) });
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        using var link = peer.Accept().Socket;
        a.Transport.SendSnapshot(peer.Identity.Member, Array.Empty<byte>(), new Content(Bytes(50 * 1024 * 1024)));
        using var silent = peer.Accept().Socket;
        a.Events.WaitFor(new SnapshotSentEvent(peer.Identity.Member, false));

        var arrivals = new ConcurrentQueue<Arrival>();
        a.Events.OnSnapshot = (_, _, _) =>
        {
            var arrival = new Arrival();
            arrivals.Enqueue(arrival);
            return arrival;
        };
        // One that is too slow even to begin is given up before anything arrives; then another one tries.
        while (arrivals.IsEmpty)
        {
            using var sender = RawPeer.DialLink(a, Identities.OnWire(peer.Identity), Purpose.Snapshot);
            SocketIo.Send(sender, SnapshotParts.Start([1], 1000), Eventually.Deadline);
            Assert.That(RawPeer.IsClosedByPeer(sender), Is.True, "the receiver gives up");
        }
        var begun = arrivals.Single();
        Eventually.Holds(() => begun.IsDisposed, "what arrived is given up too");
        Assert.That(begun.IsComplete, Is.False);
    }

    [Test]
    public void A_member_that_is_no_peer_or_does_not_answer_gets_no_snapshot()
    {
        using var a = new TestMember("a");
        var content = new Content(Bytes(10));
        a.Transport.SendSnapshot(new MemberId(5), Array.Empty<byte>(), content);
        a.Events.WaitFor(new SnapshotSentEvent(new MemberId(5), false));
        Assert.That(content.IsDisposed, Is.True);

        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        peer.Dispose();
        a.Transport.SendSnapshot(peer.Identity.Member, Array.Empty<byte>(), new Content(Bytes(10)));
        a.Events.WaitFor(new SnapshotSentEvent(peer.Identity.Member, false));
    }

    [Test]
    public void A_file_that_cannot_be_read_fails_the_transfer()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        var arrival = new Arrival();
        b.Events.OnSnapshot = (_, _, _) => arrival;
        a.Transport.SendSnapshot(b.Id, Array.Empty<byte>(), new Content(Bytes(200_000)) { FailAfter = 100_000 });
        a.Events.WaitFor(new SnapshotSentEvent(b.Id, false));
        Eventually.Holds(() => arrival.IsDisposed, "the arrival is disposed");
        Assert.That(arrival.IsComplete, Is.False);
    }

    [Test]
    public void Disposing_in_the_middle_ends_it_as_not_sent_once()
    {
        var a = new TestMember("a");
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        using var link = peer.Accept().Socket;
        var content = new Content(Bytes(50 * 1024 * 1024));
        a.Transport.SendSnapshot(peer.Identity.Member, Array.Empty<byte>(), content);
        using var stuck = peer.Accept().Socket;
        a.Dispose();
        Assert.That(a.Events.All.OfType<SnapshotSentEvent>(), Is.EqualTo(new[] { new SnapshotSentEvent(peer.Identity.Member, false) }));
        Assert.That(content.IsDisposed, Is.True);
    }

    private static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private sealed class Arrival : ISnapshotArrival
    {
        private readonly MemoryStream _taken = new();
        private volatile bool _isComplete;
        private volatile bool _isDisposed;

        public Action OnWrite { get; set; } = () => { };

        public Action OnComplete { get; set; } = () => { };

        public bool IsComplete => _isComplete;

        public bool IsDisposed => _isDisposed;

        public byte[] Taken
        {
            get
            {
                lock (_taken)
                {
                    return _taken.ToArray();
                }
            }
        }

        public void Write(ReadOnlySpan<byte> chunk)
        {
            OnWrite();
            lock (_taken)
            {
                _taken.Write(chunk);
            }
        }

        public void Complete()
        {
            OnComplete();
            _isComplete = true;
        }

        public void Dispose() => _isDisposed = true;
    }

    private sealed class Content(byte[] bytes) : MemoryStream(bytes)
    {
        private volatile bool _isDisposed;

        public bool IsDisposed => _isDisposed;

        public long FailAfter { get; init; } = long.MaxValue;

        public override int Read(Span<byte> buffer) => Position < FailAfter ? base.Read(buffer) : throw new IOException("bad sector");

        protected override void Dispose(bool disposing)
        {
            _isDisposed = true;
            base.Dispose(disposing);
        }
    }
}
