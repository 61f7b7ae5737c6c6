using System.Buffers.Binary;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Transport.Framing;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Links;

/// <summary>What a link promises while it stands.</summary>
public sealed class LinkTests
{
    [Test]
    public void Members_link_both_ways_and_learn_each_others_process()
    {
        using var a = new TestMember("a", boot: 11);
        using var b = new TestMember("b", boot: 22);
        TestMember.Link(a, b);
        Assert.That(a.Events.All, Is.EqualTo(new[] { new UpEvent(b.Id, 22) }));
        Assert.That(b.Events.All, Is.EqualTo(new[] { new UpEvent(a.Id, 11) }));
    }

    [Test]
    public void Frames_arrive_in_order_and_none_is_lost_while_the_link_stands()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        using var c = new TestMember("c");
        TestMember[] members = [a, b, c];
        TestMember.Link(members);
        const int FrameCount = 20_000;
        var senders = members.Select(from => new Thread(() => SendNumbered(from, [.. members.Where(m => m != from)], FrameCount))).ToList();
        senders.ForEach(thread => thread.Start());
        senders.ForEach(thread => thread.Join());
        foreach (var to in members)
        {
            to.Events.WaitForFrames(2 * FrameCount);
            foreach (var from in members.Where(m => m != to))
            {
                var got = to.Events.FramesFrom(from.Id);
                Assert.That(got.Select(NumberOf), Is.EqualTo(Enumerable.Range(0, FrameCount)));
                Assert.That(got.All(frame => frame.AsSpan().SequenceEqual(Numbered(NumberOf(frame)))), Is.True);
            }
            Assert.That(to.Events.All, Has.Count.EqualTo(2), "every link stood all the time");
        }
    }

    [Test]
    public void The_largest_and_the_empty_frame_arrive()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        var largest = new byte[8 * 1024 * 1024];
        new Random(1).NextBytes(largest);
        a.SendNow(b.Id, largest);
        a.SendNow(b.Id, []);
        b.Events.WaitForFrames(2);
        var got = b.Events.FramesFrom(a.Id);
        Assert.That(got[0].AsSpan().SequenceEqual(largest), Is.True);
        Assert.That(got[1], Is.Empty);
    }

    [Test]
    public void Frames_leave_only_with_a_flush_in_one_write()
    {
        using var a = new TestMember("a");
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        var (socket, _) = peer.Accept();
        using (socket)
        {
            a.Events.WaitFor<UpEvent>();
            Assert.That(a.Transport.Send(peer.Identity.Member, [1]), Is.True);
            Assert.That(a.Transport.Send(peer.Identity.Member, [2]), Is.True);
            Assert.That(socket.Available, Is.Zero);
            a.Transport.Flush();
            byte[] expected = [.. RawPeer.Frame(FrameFormat.LinkMagic, [1]), .. RawPeer.Frame(FrameFormat.LinkMagic, [2])];
            var got = new byte[expected.Length];
            Assert.That(SocketIo.Receive(socket, got, Patience.Limit), Is.EqualTo(IoResult.Done));
            Assert.That(got, Is.EqualTo(expected));
        }
    }

    [Test]
    public void A_peer_that_does_not_read_costs_bounded_memory_and_what_was_taken_still_arrives_in_order()
    {
        const int Bound = 1024 * 1024;
        using var a = new TestMember("a", with: options => options with { MaxQueuedBytesPerLink = Bound });
        using var peer = new RawPeer("b", receiveBufferBytes: 32 * 1024);
        a.Transport.SetPeers([peer.Endpoint]);
        var (socket, _) = peer.Accept();
        using (socket)
        {
            a.Events.WaitFor<UpEvent>();
            var frame = new byte[10_000];
            var taken = 0;
            // The kernel's buffers take some megabytes before ours fill up.
            while (Send())
            {
                Assert.That(taken, Is.LessThan(100_000), "the bound was never reached");
            }
            for (var i = 0; i < 100; i++)
            {
                a.Transport.Flush();
            }
            ReadNumbered(socket, taken);
            Patience.Until(Send, "there is room again");
            ReadNumbered(socket, 1, first: taken - 1);
            Assert.That(a.Events.All, Has.Count.EqualTo(1), "the link stood all the time");

            bool Send()
            {
                BinaryPrimitives.WriteInt32LittleEndian(frame, taken);
                var ok = a.Transport.Send(peer.Identity.Member, frame);
                a.Transport.Flush();
                taken += ok ? 1 : 0;
                return ok;
            }
        }
    }

    [Test]
    public void Urgent_frames_go_before_the_megabytes_that_wait_for_the_same_link()
    {
        using var a = new TestMember("a", with: options => options with { MaxQueuedBytesPerLink = 64 << 20 });
        using var peer = new RawPeer("b", receiveBufferBytes: 32 * 1024);
        a.Transport.SetPeers([peer.Endpoint]);
        var (socket, _) = peer.Accept();
        using (socket)
        {
            a.Events.WaitFor<UpEvent>();
            const int Large = 1_500_000, LargeCount = 12;
            for (var i = 0; i < LargeCount; i++)
            {
                Assert.That(a.Transport.Send(peer.Identity.Member, Marked(Large, i)), Is.True);
            }
            a.Transport.Flush();
            for (var i = 0; i < 3; i++)
            {
                Assert.That(a.Transport.Send(peer.Identity.Member, Marked(100, 1000 + i), isUrgent: true), Is.True);
                Assert.That(a.Transport.Send(peer.Identity.Member, Marked(Large, LargeCount + i)), Is.True);
                a.Transport.Flush();
            }
            List<int> order = [];
            while (order.Count < LargeCount + 6)
            {
                order.Add(ReadMarked(socket));
            }
            Assert.That(order.Where(mark => mark < 1000), Is.Ordered, "what is not urgent keeps its order");
            Assert.That(order.Where(mark => mark >= 1000), Is.EqualTo(new[] { 1000, 1001, 1002 }), "and so does what is");
            // What the kernel holds for a peer that reads slowly is bounded, and so is what of the queue is begun.
            Assert.That(order.IndexOf(1002), Is.LessThan(LargeCount / 2));
        }
    }

    [Test]
    public void The_last_tenth_of_a_link_is_kept_for_urgent_frames()
    {
        const int Bound = 1024 * 1024;
        using var a = new TestMember("a", with: options => options with { MaxQueuedBytesPerLink = Bound });
        using var peer = new RawPeer("b", receiveBufferBytes: 32 * 1024);
        a.Transport.SetPeers([peer.Endpoint]);
        var (socket, _) = peer.Accept();
        using (socket)
        {
            a.Events.WaitFor<UpEvent>();
            while (Send(isUrgent: false))
            {
            }
            var urgent = 0;
            while (Send(isUrgent: true))
            {
                urgent++;
            }
            // Segments of 64 KiB are held whole.
            Assert.That(urgent, Is.InRange(6, 20));
            Assert.That(a.Transport.QueuedBytes.Held, Is.InRange(Bound - 65_536, Bound));
            Assert.That(a.Transport.QueuedBytes.Limit, Is.EqualTo(Bound));

            bool Send(bool isUrgent)
            {
                var ok = a.Transport.Send(peer.Identity.Member, new byte[10_000], isUrgent);
                a.Transport.Flush();
                return ok;
            }
        }
    }

    [Test]
    public void Sending_allocates_nothing_per_frame()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        var frame = new byte[200];
        long allocated = 0;
        for (var turn = 1; turn <= 300; turn++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 10; i++)
            {
                a.Transport.Send(b.Id, frame);
            }
            a.Transport.Flush();
            // The first turns compile the code.
            allocated += turn > 100 ? GC.GetAllocatedBytesForCurrentThread() - before : 0;
            b.Events.WaitForFrames(10 * turn);
        }
        Assert.That(allocated, Is.LessThan(2000), "in 2000 frames");
    }

    [Test]
    public void Without_a_link_nothing_is_sent()
    {
        using var a = new TestMember("a");
        Assert.That(a.Transport.Send(new MemberId(5), [1]), Is.False);
        a.Transport.Flush();
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        Assert.That(a.Transport.Send(peer.Identity.Member, [1]), Is.False);
    }

    [Test]
    public void A_frame_that_the_node_cannot_read_closes_the_link_and_a_new_one_follows()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        b.Events.OnFrame = (_, frame) =>
        {
            if (frame.Length == 1)
            {
                throw new WireFormatException("not for us");
            }
        };
        a.SendNow(b.Id, [1]);
        a.Events.WaitFor<UpEvent>(2);
        a.SendNow(b.Id, [1, 2]);
        b.Events.WaitForFrames(1);
        Assert.That(a.Events.All, Is.EqualTo(new PeerEvent[] { new UpEvent(b.Id, 1), new DownEvent(b.Id), new UpEvent(b.Id, 1) }));
        Assert.That(b.Events.FramesFrom(a.Id).Single(), Is.EqualTo(new byte[] { 1, 2 }));
    }

    [Test]
    public void Damaged_frames_close_the_link_and_the_member_goes_on()
    {
        using var a = new TestMember("a");
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        var identity = peer.OnWire();
        var random = new DeterministicRandom(4);
        var good = RawPeer.Frame(FrameFormat.LinkMagic, [1, 2, 3, 4, 5]);
        for (var round = 0; round < 100; round++)
        {
            using var socket = RawPeer.DialLink(a, identity);
            var bad = good.ToArray();
            bad[random.Next(bad.Length)] ^= (byte)(1 << (int)random.Next(8));
            socket.Send([.. good, .. bad]);
            socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            Assert.That(RawPeer.IsClosedByPeer(socket), Is.True);
        }
        using var last = RawPeer.DialLink(a, identity);
        last.Send(RawPeer.Frame(FrameFormat.LinkMagic, [9]));
        a.Events.WaitForFrames(101);
        var frames = a.Events.FramesFrom(peer.Identity.Member);
        Assert.That(frames.Take(100), Is.All.EqualTo(new byte[] { 1, 2, 3, 4, 5 }));
        Assert.That(frames[100], Is.EqualTo(new byte[] { 9 }));
    }

    [Test]
    public void A_newer_link_of_the_same_member_ends_the_older_one()
    {
        using var a = new TestMember("a");
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        using var older = RawPeer.DialLink(a, peer.OnWire(boot: 1));
        older.Send(RawPeer.Frame(FrameFormat.LinkMagic, [1]));
        a.Events.WaitForFrames(1);
        using var newer = RawPeer.DialLink(a, peer.OnWire(boot: 2));
        Assert.That(RawPeer.IsClosedByPeer(older), Is.True);
        newer.Send(RawPeer.Frame(FrameFormat.LinkMagic, [2]));
        a.Events.WaitForFrames(2);
        Assert.That(a.Events.FramesFrom(peer.Identity.Member), Is.EqualTo(new byte[][] { [1], [2] }));
    }

    [Test]
    public void Bytes_that_come_back_on_an_outgoing_link_close_it()
    {
        using var a = new TestMember("a");
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        var (socket, _) = peer.Accept();
        using (socket)
        {
            a.Events.WaitFor<UpEvent>();
            socket.Send([1]);
            a.Events.WaitFor<DownEvent>();
        }
    }

    [Test]
    public void After_dispose_nothing_is_sent_and_no_event_is_told()
    {
        var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        a.Dispose();
        var told = a.Events.All;
        Assert.That(a.Transport.Send(b.Id, [1]), Is.False);
        a.Transport.Flush();
        a.Transport.SetPeers([b.Endpoint]);
        b.Events.WaitFor<GoneEvent>();
        Assert.That(a.Events.All, Is.EqualTo(told));
        Assert.That(a.Listener.ConnectionCount, Is.Zero);
    }

    private static void SendNumbered(TestMember from, TestMember[] to, int count)
    {
        for (var i = 0; i < count; i++)
        {
            foreach (var peer in to)
            {
                var frame = Numbered(i);
                if (!Patience.Comes(() => from.Transport.Send(peer.Id, frame)))
                {
                    return;
                }
            }
            if (i % 7 == 0 || i == count - 1)
            {
                from.Transport.Flush();
            }
        }
    }

    private static byte[] Numbered(int number)
    {
        var frame = new byte[4 + (number * 31L % (number % 100 == 0 ? 30_000 : 300))];
        frame.AsSpan().Fill((byte)number);
        BinaryPrimitives.WriteInt32LittleEndian(frame, number);
        return frame;
    }

    private static int NumberOf(byte[] frame) => BinaryPrimitives.ReadInt32LittleEndian(frame);

    private static byte[] Marked(int size, int mark)
    {
        var frame = new byte[size];
        BinaryPrimitives.WriteInt32LittleEndian(frame, mark);
        return frame;
    }

    private static int ReadMarked(System.Net.Sockets.Socket socket)
    {
        var header = new byte[FrameFormat.HeaderSize];
        Assert.That(SocketIo.Receive(socket, header, Patience.Limit), Is.EqualTo(IoResult.Done));
        Assert.That(FrameFormat.TryReadHeader(header, FrameFormat.LinkMagic, int.MaxValue, out var length, out _), Is.True);
        var body = new byte[length];
        Assert.That(SocketIo.Receive(socket, body, Patience.Limit), Is.EqualTo(IoResult.Done));
        return BinaryPrimitives.ReadInt32LittleEndian(body);
    }

    private static void ReadNumbered(System.Net.Sockets.Socket socket, int count, int first = 0)
    {
        var frame = new byte[FrameFormat.HeaderSize + 10_000];
        for (var i = first; i < first + count; i++)
        {
            Assert.That(SocketIo.Receive(socket, frame, Patience.Limit), Is.EqualTo(IoResult.Done));
            Assert.That(BinaryPrimitives.ReadInt32LittleEndian(frame.AsSpan(FrameFormat.HeaderSize)), Is.EqualTo(i));
        }
    }
}
