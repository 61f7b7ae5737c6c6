using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Net;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
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
        Patience.Until(() => arrival.IsDisposed && content.IsDisposed, "both ends are released");
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
        using var receiver = new PeerConnection(await listener.AcceptSocketAsync());
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
                gate.Wait(Patience.Limit);
            },
        };
        b.Events.OnSnapshot = (_, _, _) => arrival;
        a.Transport.SendSnapshot(b.Id, Array.Empty<byte>(), new Content(Bytes(20 * 1024 * 1024)));
        Assert.That(begun.Wait(Patience.Limit), Is.True);
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
                gate.Wait(Patience.Limit);
            },
        };
        b.Events.OnSnapshot = (_, _, _) => arrival;
        var ends = new ConcurrentQueue<(byte Header, bool Success)>();
        a.Events.OnSnapshotSent = (header, success) => ends.Enqueue((header[0], success));
        a.Transport.SendSnapshot(b.Id, new byte[] { 1 }, new Content(Bytes(100)));
        Assert.That(begun.Wait(Patience.Limit), Is.True);
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
        using (var socket = RawPeer.DialLink(a, peer.OnWire(), Purpose.Snapshot))
        {
            socket.Send(SnapshotParts.Start([1], 100_000));
            socket.Send(RawPeer.Frame(FrameFormat.SnapshotMagic, Bytes(50_000)));
            Patience.Until(() => arrival.Taken.Length == 50_000, "the first half arrives");
        }
        Patience.Until(() => arrival.IsDisposed, "the arrival is disposed");
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
        socket.Send(SnapshotParts.Answer(new SnapshotAnswer.Go(0)));
        Assert.That(SocketIo.Receive(socket, new byte[100_000], Patience.Limit), Is.EqualTo(IoResult.Done));
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
            using var socket = RawPeer.DialLink(a, peer.OnWire(), Purpose.Snapshot);
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
        silent.Send(SnapshotParts.Answer(new SnapshotAnswer.Go(0)));
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
            using var sender = RawPeer.DialLink(a, peer.OnWire(), Purpose.Snapshot);
            SocketIo.Send(sender, SnapshotParts.Start([1], 1000), Patience.Limit);
            Assert.That(RawPeer.IsClosedByPeer(sender), Is.True, "the receiver gives up");
        }
        var begun = arrivals.Single();
        Patience.Until(() => begun.IsDisposed, "what arrived is given up too");
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
    public void A_bad_sector_in_the_file_fails_the_transfer_and_nothing_else_and_is_told_as_such()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        var arrival = new Arrival();
        b.Events.OnSnapshot = (_, _, _) => arrival;
        a.Transport.SendSnapshot(b.Id, Array.Empty<byte>(), new Content(Bytes(200_000)) { FailAfter = 100_000 });
        Patience.Until(() => a.Events.Outcomes.Count > 0 || !a.Fatal.IsEmpty, "the transfer ended");
        Assert.That(a.Fatal, Is.Empty);
        Assert.That(a.Events.Outcomes.Single().End, Is.EqualTo(SnapshotEnd.Unreadable));
        Assert.That(a.Log, Has.Some.Contains("Input/output error"));
        Patience.Until(() => arrival.IsDisposed, "the arrival is disposed");
        Assert.That(arrival.IsComplete, Is.False);
    }

    [Test]
    public void A_receiver_that_runs_out_of_room_on_the_way_says_so_to_the_sender()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        var arrival = new Arrival();
        arrival.OnChunk = () => arrival.Taken.Length < 1_000_000 ? null : new SnapshotRejection(SnapshotRefusal.NoRoom, "its disk is full");
        b.Events.OnSnapshot = (_, _, _) => arrival;
        a.Transport.SendSnapshot(b.Id, Array.Empty<byte>(), new Content(Bytes(50 * 1024 * 1024)));
        a.Events.WaitFor(new SnapshotSentEvent(b.Id, false));
        Assert.That(
            a.Events.Outcomes.Single(), Is.EqualTo(new SnapshotOutcome(SnapshotEnd.Refused, new SnapshotRejection(SnapshotRefusal.NoRoom, "its disk is full"))));
        Assert.That(a.Log, Has.Some.Contains("its disk is full"));
        Patience.Until(() => arrival.IsDisposed, "the arrival is disposed");
    }

    [Test]
    public void A_receiver_that_wants_nothing_of_it_is_sent_no_byte_and_its_reason_arrives()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        b.Events.Rejection = new SnapshotRejection(SnapshotRefusal.NotMember, "n1 is unknown here");
        var content = new Content(Bytes(1000));
        a.Transport.SendSnapshot(b.Id, Array.Empty<byte>(), content);
        a.Events.WaitFor(new SnapshotSentEvent(b.Id, false));
        Assert.That(a.Events.Outcomes.Single(), Is.EqualTo(new SnapshotOutcome(SnapshotEnd.Refused, b.Events.Rejection)));
        Assert.That(content.WasRead, Is.False);
    }

    [Test]
    public void A_file_of_which_a_part_is_there_goes_on_behind_it()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        var arrival = new Arrival { TakenBytes = 150_000 };
        b.Events.OnSnapshot = (_, _, _) => arrival;
        a.Transport.SendSnapshot(b.Id, Array.Empty<byte>(), new Content(Bytes(400_000)));
        a.Events.WaitFor(new SnapshotSentEvent(b.Id, true));
        Assert.That(arrival.Taken.AsSpan().SequenceEqual(Bytes(400_000).AsSpan(150_000)), Is.True);
    }

    [Test]
    public void What_a_thread_of_a_connection_did_not_expect_ends_the_process_with_a_sentence()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        b.Events.OnSnapshot = (_, _, _) => throw new StorageFailedException("cannot create /x: Input/output error");
        a.Transport.SendSnapshot(b.Id, Array.Empty<byte>(), new Content(Bytes(10)));
        Patience.Until(() => !b.Fatal.IsEmpty, "the process of the receiver ends");
        var (what, failure) = b.Fatal.Single();
        Assert.That(what, Does.Contain("peer connection"));
        Assert.That(failure, Is.TypeOf<StorageFailedException>());
        a.Events.WaitFor(new SnapshotSentEvent(b.Id, false));
    }

    [Test]
    public void An_answer_of_a_later_version_is_a_not_now()
    {
        byte[] Answer(long verdict, long reason)
        {
            var writer = new WireWriter();
            writer.Int64(1, verdict);
            writer.Int64(3, reason);
            writer.String(4, "what nobody\nknows yet");
            writer.Int64(99, 1);
            return writer.ToArray();
        }

        var expected = new SnapshotAnswer.No(new SnapshotRejection(SnapshotRefusal.NotNow, "what nobody knows yet"));
        Assert.That(SnapshotParts.ReadAnswer(Answer(3, 1_000)), Is.EqualTo(expected), "a reason");
        Assert.That(SnapshotParts.ReadAnswer(Answer(77, 1_000)), Is.EqualTo(expected), "a verdict");
        Assert.That(SnapshotParts.ReadAnswer([]), Is.TypeOf<SnapshotAnswer.No>(), "nothing at all");
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
        stuck.Send(SnapshotParts.Answer(new SnapshotAnswer.Go(0)));
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

        public Func<SnapshotRejection?> OnChunk { get; set; } = () => null;

        public long TakenBytes { get; init; }

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

        public SnapshotRejection? Write(ReadOnlySpan<byte> chunk)
        {
            OnWrite();
            lock (_taken)
            {
                _taken.Write(chunk);
            }
            return OnChunk();
        }

        public SnapshotRejection? Complete()
        {
            OnComplete();
            _isComplete = true;
            return null;
        }

        public void Dispose() => _isDisposed = true;
    }

    private sealed class Content(byte[] bytes) : MemoryStream(bytes)
    {
        private volatile bool _isDisposed;

        public bool IsDisposed => _isDisposed;

        public long FailAfter { get; init; } = long.MaxValue;

        public bool WasRead { get; private set; }

        /// <summary>Fails as the real disk does.</summary>
        public override int Read(Span<byte> buffer)
        {
            WasRead = true;
            return Position < FailAfter ? base.Read(buffer) : throw new StorageFailedException("cannot read /snap/x: Input/output error");
        }

        protected override void Dispose(bool disposing)
        {
            _isDisposed = true;
            base.Dispose(disposing);
        }
    }
}
