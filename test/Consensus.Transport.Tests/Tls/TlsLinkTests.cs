using System.Buffers.Binary;
using Consensus.Security.Certificates;
using Consensus.Transport.Dialing;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Tls;

/// <summary>What holds for a plain link holds in TLS too, and a link lasts only as long as its certificates are believed.</summary>
public sealed class TlsLinkTests
{
    private TestCertificates _domain = null!;

    [SetUp]
    public void Begin() => _domain = new TestCertificates();

    [TearDown]
    public void End() => _domain.Dispose();

    [Test]
    public void Frames_of_all_sizes_arrive_whole_and_in_order_in_both_directions()
    {
        using var a = Member("a");
        using var b = Member("b");
        TestMember.Link(a, b);
        int[] sizes = [0, 1, 100, 16_371, 16_372, 16_373, 65_535, 65_536, 200_000, 3_000_000, 7];
        foreach (var (from, to) in new[] { (a, b), (b, a) })
        {
            for (var i = 0; i < sizes.Length; i++)
            {
                Assert.That(from.Transport.Send(to.Id, Filled(sizes[i], (byte)i)), Is.True);
                if (i % 2 == 0)
                {
                    from.Transport.Flush();
                }
            }
            from.Transport.Flush();
            to.Events.WaitForFrames(sizes.Length);
            Assert.That(to.Events.FramesFrom(from.Id).Select(frame => frame.Length), Is.EqualTo(sizes));
            for (var i = 0; i < sizes.Length; i++)
            {
                Assert.That(to.Events.FramesFrom(from.Id)[i].AsSpan().IndexOfAnyExcept((byte)i), Is.EqualTo(-1), $"frame {i}");
            }
        }
    }

    [Test]
    public void Nothing_of_a_frame_is_readable_on_the_wire()
    {
        using var peer = new RawPeer("b");
        using var a = Member("a");
        a.Transport.SetPeers([peer.Endpoint]);
        var (connection, _) = peer.Accept(TestTls.Of(_domain, "b"));
        using (connection)
        {
            a.Events.WaitFor<UpEvent>();
            a.SendNow(peer.Identity.Member, Filled(1000, (byte)'x'));
            var wire = new byte[1000];
            Assert.That(SocketIo.Receive(connection.Socket, wire, Patience.Limit), Is.EqualTo(IoResult.Done));
            Assert.That(wire[0], Is.EqualTo(0x17), "a record of application data");
            Assert.That(wire.AsSpan().IndexOf("xxxx"u8), Is.EqualTo(-1));
        }
    }

    [Test]
    public void A_peer_that_does_not_read_costs_bounded_memory_and_never_a_wait_and_what_was_taken_arrives_in_order()
    {
        const int Bound = 1024 * 1024;
        using var a = Member("a", with: options => options with { MaxQueuedBytesPerLink = Bound });
        using var peer = new RawPeer("b", receiveBufferBytes: 32 * 1024);
        a.Transport.SetPeers([peer.Endpoint]);
        var (connection, _) = peer.Accept(TestTls.Of(_domain, "b"));
        using (connection)
        {
            a.Events.WaitFor<UpEvent>();
            var taken = 0;
            // Nobody reads yet: were one of these calls to wait for the network, this would never end.
            while (Send())
            {
                Assert.That(taken, Is.LessThan(100_000), "the bound was never reached");
            }
            ReadNumbered(connection, 0, taken);
            Patience.Until(Send, "there is room again");
            ReadNumbered(connection, taken - 1, 1);
            Assert.That(a.Events.All, Has.Count.EqualTo(1), "the link stood all the time");

            bool Send()
            {
                var ok = a.Transport.Send(peer.Identity.Member, Numbered(taken, 10_000));
                a.Transport.Flush();
                taken += ok ? 1 : 0;
                return ok;
            }
        }
    }

    [Test]
    public void A_process_that_ends_is_told_as_down_and_then_gone()
    {
        using var a = Member("a");
        var b = Member("b");
        TestMember.Link(a, b);
        b.Dispose();
        a.Events.WaitFor<GoneEvent>();
        Assert.That(a.Events.All, Is.EqualTo(new PeerEvent[] { new UpEvent(b.Id, 1), new DownEvent(b.Id), new GoneEvent(b.Id) }));
    }

    [Test]
    public void An_acceptor_ends_the_link_of_one_whose_CA_is_believed_no_more()
    {
        using var later = new TestCertificates();
        var tls = TestTls.Of(_domain, "b");
        using var b = new TestMember("b", tls: tls);
        using var dialler = DialLink(b, "a");
        Patience.Until(() => b.Listener.ConnectionCount == 1, "the link stands");
        tls.Change(Bundle.Load(later.Member("b"), "b"));
        Assert.That(RawPeer.IsClosedByPeer(dialler.Socket), Is.True);
        Patience.Until(() => b.Log.Any(line => line.Contains("it is of a CA that is not known here")), "it is said");
    }

    [Test]
    public void A_dialler_ends_its_link_to_one_whose_CA_is_believed_no_more()
    {
        using var later = new TestCertificates();
        var tls = TestTls.Of(_domain, "a");
        using var a = new TestMember("a", tls: tls);
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        var (connection, _) = peer.Accept(TestTls.Of(_domain, "b"));
        using (connection)
        {
            a.Events.WaitFor<UpEvent>();
            tls.Change(Bundle.Load(later.Member("a"), "a"));
            a.Events.WaitFor<DownEvent>();
            Assert.That(RawPeer.IsClosedByPeer(connection.Socket), Is.True);
            Patience.Until(() => a.Log.Any(line => line.Contains("ends: its certificate is not believed")), "it is said");
        }
    }

    [Test]
    public void A_certificate_that_ends_while_its_link_stands_ends_only_new_handshakes()
    {
        var time = new ShiftedTime();
        var tls = TestTls.Of(_domain, "b", time);
        using var b = new TestMember("b", tls: tls);
        b.Transport.SetPeers([Identities.EndpointOf(Identities.Formed("a"), "127.0.0.1:1")]);
        using var dialler = DialLink(b, "a");
        Send(1);
        time.Shift(TimeSpan.FromDays(365 * 6));
        tls.Change(tls.Current.Peer);
        // By the second it was judged again before a byte was read.
        Send(2);
        Send(3);
        var late = RawPeer.Dial(b.Listener.EndPoint, HelloTo("b", "a"), TestTls.Of(_domain, "a"));
        Assert.That(late.Reply, Is.Null);
        Patience.Until(() => b.Log.Any(line => line.Contains("it expired on")), "it is said");

        void Send(int count)
        {
            Assert.That(dialler.Send(RawPeer.Frame(FrameFormat.LinkMagic, [1]), Patience.Limit), Is.EqualTo(IoResult.Done));
            b.Events.WaitForFrames(count);
        }
    }

    private TestMember Member(string name, Func<PeerTransportOptions, PeerTransportOptions>? with = null) =>
        new(name, with: with, tls: TestTls.Of(_domain, name));

    private static Hello HelloTo(string wanted, string from) => Identities.HelloTo(wanted, Identities.OnWire(Identities.Formed(from)));

    /// <summary>A welcomed link, to write any bytes into.</summary>
    private PeerConnection DialLink(TestMember to, string from)
    {
        to.Transport.SetPeers([Identities.EndpointOf(Identities.Formed(from), "127.0.0.1:1")]);
        var outcome = RawPeer.Dial(to.Listener.EndPoint, HelloTo(to.Identity.Name, from), TestTls.Of(_domain, from));
        Assert.That(outcome.Status, Is.EqualTo(DialStatus.Welcomed), outcome.Detail);
        return outcome.Connection!;
    }

    private static byte[] Filled(int size, byte with)
    {
        var frame = new byte[size];
        frame.AsSpan().Fill(with);
        return frame;
    }

    private static byte[] Numbered(int number, int size)
    {
        var frame = new byte[size];
        BinaryPrimitives.WriteInt32LittleEndian(frame, number);
        return frame;
    }

    private static void ReadNumbered(PeerConnection connection, int first, int count)
    {
        var frame = new byte[FrameFormat.HeaderSize + 10_000];
        for (var i = first; i < first + count; i++)
        {
            Assert.That(connection.Receive(frame, Patience.Limit), Is.EqualTo(IoResult.Done));
            Assert.That(BinaryPrimitives.ReadInt32LittleEndian(frame.AsSpan(FrameFormat.HeaderSize)), Is.EqualTo(i));
        }
    }
}
