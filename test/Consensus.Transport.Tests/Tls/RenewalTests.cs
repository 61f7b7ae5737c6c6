using System.Buffers.Binary;
using System.Net.Sockets;
using Consensus.Node.Formation;
using Consensus.Security.Certificates;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Links;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Tls;

/// <summary>A link of TLS goes on over another connection, and nobody but the keys knows.</summary>
public sealed class RenewalTests
{
    private TestCertificates _domain = null!;

    [SetUp]
    public void Begin() => _domain = new TestCertificates();

    [TearDown]
    public void End() => _domain.Dispose();

    [Test]
    public void A_link_is_renewed_under_traffic_and_no_frame_is_lost_or_overtakes_another()
    {
        var accepted = 0;
        using var a = Renewing("a", new RenewalLimits { After = TimeSpan.FromMilliseconds(100), Quiet = TimeSpan.Zero });
        using var b = new TestMember("b", tls: TestTls.Of(_domain, "b"), listening: options => options with { Accept = Counted });
        TestMember.Link(a, b);
        var (sent, arrived) = (0, 0);
        b.Events.OnFrame = (_, _) => Interlocked.Increment(ref arrived);
        Patience.Until(
            () =>
            {
                // Never so much at once that the link's bound would drop some.
                for (var i = 0; i < 50 && sent - Volatile.Read(ref arrived) < 1000; i++)
                {
                    Assert.That(a.Transport.Send(b.Id, Numbered(sent, sent % 97 == 0 ? 100_000 : 100)), Is.True);
                    sent++;
                }
                a.Transport.Flush();
                return Volatile.Read(ref accepted) > 3;
            },
            "it is renewed three times");
        b.Events.WaitForFrames(sent);
        Assert.That(b.Events.FramesFrom(a.Id).Select(NumberOf), Is.EqualTo(Enumerable.Range(0, sent)));
        Assert.That(a.Events.All, Is.EqualTo(new PeerEvent[] { new UpEvent(b.Id, 1) }), "nobody is told");

        Socket Counted(Socket listener)
        {
            var socket = listener.Accept();
            Interlocked.Increment(ref accepted);
            return socket;
        }
    }

    [Test]
    public void Another_bundle_renews_the_link_and_the_frames_go_on_where_the_one_before_ended()
    {
        var tls = TestTls.Of(_domain, "a");
        using var a = Renewing("a", new RenewalLimits { Spread = TimeSpan.Zero }, tls);
        using var peer = new RawPeer("b");
        using var old = Accepted(a, peer);
        a.SendNow(peer.Identity.Member, Numbered(1, 100));
        tls.Change(Bundle.Load(_domain.Member("a"), "a"));
        var (next, hello) = peer.Accept(TestTls.Of(_domain, "b"));
        using (next)
        {
            Assert.That(hello.Renews, Is.True);
            var bytes = ReadToEnd(old);
            Assert.That(bytes, Is.EqualTo(RawPeer.Frame(FrameFormat.LinkMagic, Numbered(1, 100))));
            SayThatArrived(old, bytes.Length);
            a.SendNow(peer.Identity.Member, Numbered(2, 100));
            AssertFrameArrives(next, 2);
            Assert.That(a.Events.All, Has.Count.EqualTo(1), "the link stood all the time");
        }
    }

    [Test]
    public void A_peer_that_does_not_say_that_all_arrived_is_told_as_a_link_that_broke_and_stands_again([Values] bool saysLess)
    {
        var tls = TestTls.Of(_domain, "a");
        using var a = Renewing("a", new RenewalLimits { Spread = TimeSpan.Zero }, tls);
        using var peer = new RawPeer("b");
        using var old = Accepted(a, peer);
        var member = peer.Identity.Member;
        a.SendNow(member, Numbered(1, 100));
        tls.Change(Bundle.Load(_domain.Member("a"), "a"));
        var (next, _) = peer.Accept(TestTls.Of(_domain, "b"));
        using (next)
        {
            if (saysLess)
            {
                SayThatArrived(old, ReadToEnd(old).Length - 1);
            }
            else
            {
                old.Dispose();
            }
            a.Events.WaitFor<UpEvent>(2);
            PeerEvent[] told = [new UpEvent(member, 9), new DownEvent(member), new UpEvent(member, 9)];
            Assert.That(a.Events.All, Is.EqualTo(told));
            a.SendNow(member, Numbered(2, 100));
            AssertFrameArrives(next, 2);
        }
    }

    [Test]
    public void A_link_that_cannot_be_renewed_goes_on_as_it_is()
    {
        var tls = TestTls.Of(_domain, "a");
        using var a = Renewing("a", new RenewalLimits { Spread = TimeSpan.Zero }, tls);
        using var peer = new RawPeer("b");
        using var old = Accepted(a, peer);
        tls.Change(Bundle.Load(_domain.Member("a"), "a"));
        var refusal = new Refusal(RefusalCode.NotReady, "b is still starting.", Identities.Cluster, "b");
        peer.Accept(TestTls.Of(_domain, "b"), refusal).Connection.Dispose();
        Patience.Until(() => a.Log.Any(line => line.Contains("goes on as it is")), "it is said");
        a.SendNow(peer.Identity.Member, Numbered(1, 100));
        AssertFrameArrives(old, 1);
        Assert.That(a.Events.All, Has.Count.EqualTo(1));
    }

    [Test]
    public void A_link_that_cannot_be_renewed_ends_before_its_key_has_sealed_more_than_it_may()
    {
        using var a = Renewing("a", new RenewalLimits { Records = 20, Retry = TimeSpan.FromDays(1) });
        using var peer = new RawPeer("b");
        using var old = Accepted(a, peer);
        var refusal = new Refusal(RefusalCode.NotReady, "b is still starting.", Identities.Cluster, "b");
        var sent = 0;
        var refusing = Task.Run(() => peer.Accept(TestTls.Of(_domain, "b"), refusal).Connection.Dispose());
        Patience.Until(() => SendUnless(refusing.IsCompleted && sent >= 25), "a renewal is refused");
        Assert.That(a.Events.All, Has.Count.EqualTo(1), "it goes on as it is");
        Patience.Until(() => SendUnless(a.Events.All.Contains(new DownEvent(peer.Identity.Member))), "it ends");
        Assert.That(a.Log, Has.Some.Contains("its key has sealed as many records as one may, and it could not be renewed"));
        using var again = peer.Accept(TestTls.Of(_domain, "b")).Connection;
        a.Events.WaitFor<UpEvent>(2);

        bool SendUnless(bool isOver)
        {
            // As many as are due, and then as many as are too many; a link that is down takes none.
            if (!isOver && (sent < 25 || refusing.IsCompleted) && a.Transport.Send(peer.Identity.Member, Numbered(sent, 100)))
            {
                a.Transport.Flush();
                sent++;
            }
            return isOver;
        }
    }

    [Test]
    public void A_link_is_renewed_when_nothing_waits_for_the_network_or_a_minute_later()
    {
        var clock = new ManualClock();
        var link = new LinkRenewal(new RenewalLimits(), TestTls.Of(_domain, "a"), clock, 1);
        link.Begin();
        Assert.That(link.IsDue(1, 0, 1 << 23, queuedBytes: 1), Is.False);
        Assert.That(link.IsDue(1, 0, 1 << 23, queuedBytes: 0), Is.True);
        clock.Advance(TimeSpan.FromSeconds(59));
        Assert.That(link.IsDue(1, 0, 1 << 23, queuedBytes: 1), Is.False);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.That(link.IsDue(1, 0, 1 << 23, queuedBytes: 1), Is.True);
        link.Begin();
        Assert.That(link.IsDue(1, 0, 1 << 23, queuedBytes: 1), Is.False, "the next connection has a minute of its own");
    }

    [Test]
    public void A_renewal_that_its_dialler_gives_up_leaves_the_link_as_it_is()
    {
        using var b = new TestMember("b", tls: TestTls.Of(_domain, "b"));
        var a = Identities.Formed("a");
        b.Transport.SetPeers([Identities.EndpointOf(a, "127.0.0.1:1")]);
        using var old = Dialled(b, a);
        for (var frame = 1; frame <= 3; frame++)
        {
            Assert.That(old.Send(RawPeer.Frame(FrameFormat.LinkMagic, [1]), Patience.Limit), Is.EqualTo(IoResult.Done));
            b.Events.WaitForFrames(frame);
            Dialled(b, a, renews: true).Dispose();
            Patience.Until(() => b.Listener.ConnectionCount == 1, "only the link is left");
        }
        b.Transport.SetRemoved([a.Member]);
        b.Transport.SetPeers([]);
        Assert.That(RawPeer.IsClosedByPeer(old.Socket), Is.True, "it can still be ended");
    }

    [Test]
    public void A_guest_whose_link_is_renewed_keeps_the_link_back_to_it()
    {
        using var peer = new RawPeer("a");
        using var b = new TestMember("b", tls: TestTls.Of(_domain, "b"));
        b.Transport.SetPeers([]);
        using var old = Dialled(b, peer);
        using var back = peer.Accept(TestTls.Of(_domain, "a")).Connection;
        b.Events.WaitFor<UpEvent>();
        using var next = Dialled(b, peer, renews: true);
        old.Dispose();
        Assert.That(next.Send(RawPeer.Frame(FrameFormat.LinkMagic, [1]), Patience.Limit), Is.EqualTo(IoResult.Done));
        b.Events.WaitForFrames(1);
        Assert.That(b.Events.All, Has.Count.EqualTo(1), "it stood all the time");
        next.Dispose();
        b.Events.WaitFor<DownEvent>();
    }

    [Test]
    public void Another_process_that_answers_a_renewal_ends_the_link_to_the_one_before()
    {
        var tls = TestTls.Of(_domain, "a");
        using var a = Renewing("a", new RenewalLimits { Spread = TimeSpan.Zero }, tls);
        using var peer = new RawPeer("b");
        using var old = Accepted(a, peer);
        tls.Change(Bundle.Load(_domain.Member("a"), "a"));
        using var renewal = peer.Accept(TestTls.Of(_domain, "b"), boot: 10).Connection;
        using var again = peer.Accept(TestTls.Of(_domain, "b"), boot: 10).Connection;
        a.Events.WaitFor(new UpEvent(peer.Identity.Member, 10));
        Assert.That(a.Events.All, Has.Member(new DownEvent(peer.Identity.Member)));
    }

    [Test]
    public void A_member_that_is_told_in_a_renewal_that_it_was_removed_hears_it()
    {
        var tls = TestTls.Of(_domain, "a");
        using var a = Renewing("a", new RenewalLimits { Spread = TimeSpan.Zero }, tls);
        using var peer = new RawPeer("b");
        using var old = Accepted(a, peer);
        tls.Change(Bundle.Load(_domain.Member("a"), "a"));
        var refusal = new Refusal(RefusalCode.Removed, "a was removed.", Identities.Cluster, "b");
        peer.Accept(TestTls.Of(_domain, "b"), refusal).Connection.Dispose();
        a.Events.WaitFor(new RemovedEvent(peer.Identity.Member));
    }

    [Test]
    public void Who_answers_a_renewal_as_one_of_another_cluster_ends_the_link()
    {
        var tls = TestTls.Of(_domain, "a");
        using var a = Renewing("a", new RenewalLimits { Spread = TimeSpan.Zero }, tls);
        using var peer = new RawPeer("b");
        using var old = Accepted(a, peer);
        tls.Change(Bundle.Load(_domain.Member("a"), "a"));
        var mistaken = new Welcome(peer.OnWire(boot: 9) with { Cluster = new Consensus.Primitives.ClusterId(5) }, []);
        using var renewal = peer.Accept(TestTls.Of(_domain, "b"), mistaken).Connection;
        a.Events.WaitFor(new DownEvent(peer.Identity.Member));
    }

    [Test]
    public void A_member_that_is_removed_in_the_middle_of_a_renewal_is_heard_no_more()
    {
        using var b = new TestMember("b", tls: TestTls.Of(_domain, "b"));
        var a = Identities.Formed("a");
        b.Transport.SetPeers([Identities.EndpointOf(a, "127.0.0.1:1")]);
        using var old = Dialled(b, a);
        Assert.That(old.Send(RawPeer.Frame(FrameFormat.LinkMagic, [1]), Patience.Limit), Is.EqualTo(IoResult.Done));
        b.Events.WaitForFrames(1);
        using var next = Dialled(b, a, renews: true);
        b.Transport.SetRemoved([a.Member]);
        b.Transport.SetPeers([]);
        Assert.That(RawPeer.IsClosedByPeer(next.Socket), Is.True);
        Assert.That(RawPeer.IsClosedByPeer(old.Socket), Is.True);
        Patience.Until(() => b.Listener.ConnectionCount == 0, "both are let go");
        Assert.That(b.Events.FramesFrom(a.Member), Has.Count.EqualTo(1));
    }

    [Test]
    public void A_member_that_stops_in_the_middle_of_a_renewal_ends()
    {
        var tls = TestTls.Of(_domain, "a");
        using var a = Renewing("a", new RenewalLimits { Spread = TimeSpan.Zero, Switch = TimeSpan.FromDays(1) }, tls);
        using var peer = new RawPeer("b");
        using var old = Accepted(a, peer);
        tls.Change(Bundle.Load(_domain.Member("a"), "a"));
        using var next = peer.Accept(TestTls.Of(_domain, "b")).Connection;
        Assert.That(ReadToEnd(old), Is.Empty, "it waits for the last word now");
        var stop = Task.Run(a.Dispose);
        Assert.That(stop.Wait(Patience.Limit), Is.True);
    }

    [Test]
    public void All_members_see_a_new_bundle_at_once_and_their_links_are_renewed_one_after_the_other()
    {
        var clock = new ManualClock();
        var tls = TestTls.Of(_domain, "a");
        var links = Enumerable.Range(1, 200).Select(seed => new LinkRenewal(new RenewalLimits(), tls, clock, (ulong)seed)).ToList();
        links.ForEach(link => link.Begin());
        Assert.That(Due(), Is.Zero);
        tls.Change(tls.Current.Peer);
        Assert.That(Due(), Is.LessThan(10));
        clock.Advance(TimeSpan.FromSeconds(15));
        Assert.That(Due(), Is.InRange(60, 140));
        clock.Advance(TimeSpan.FromSeconds(15));
        Assert.That(Due(), Is.EqualTo(200));

        int Due() => links.Count(link => link.IsDue(1, 0, 0, 0));
    }

    [Test]
    public void A_link_is_due_after_a_day_64_gibibytes_or_8_388_608_records_and_after_an_attempt_in_vain_a_little_later()
    {
        var clock = new ManualClock();
        var link = new LinkRenewal(new RenewalLimits(), TestTls.Of(_domain, "a"), clock, 1);
        link.Begin();
        Assert.That(link.IsDue(1, (64L << 30) - 1, (1 << 23) - 1, 0), Is.False);
        Assert.That(link.IsDue(1, 64L << 30, 0, 0), Is.True);
        Assert.That(link.IsDue(1, 0, 1 << 23, 0), Is.True);
        clock.Advance(TimeSpan.FromHours(21));
        Assert.That(link.IsDue(1, 0, 0, 0), Is.False);
        clock.Advance(TimeSpan.FromHours(3));
        Assert.That(link.IsDue(1, 0, 0, 0), Is.True);
        link.Failed();
        Assert.That(link.IsDue(1, 0, 0, 0), Is.False);
        clock.Advance(TimeSpan.FromSeconds(30));
        Assert.That(link.IsDue(1, 0, 0, 0), Is.True);
        link.Begin();
        Assert.That(link.IsDue(1, 0, 0, 0), Is.False);
    }

    private TestMember Renewing(string name, RenewalLimits limits, TestTls? tls = null) =>
        new(name, tls: tls ?? TestTls.Of(_domain, name), with: options => options with { Renewal = limits });

    /// <summary>The link of a member to a peer that the test plays.</summary>
    private PeerConnection Accepted(TestMember a, RawPeer peer)
    {
        a.Transport.SetPeers([peer.Endpoint]);
        var connection = peer.Accept(TestTls.Of(_domain, "b")).Connection;
        a.Events.WaitFor<UpEvent>();
        return connection;
    }

    private PeerConnection Dialled(TestMember to, DirectoryIdentity from, bool renews = false)
    {
        var hello = Identities.HelloTo(to.Identity.Name, Identities.OnWire(from)) with { Renews = renews };
        var outcome = RawPeer.Dial(to.Listener.EndPoint, hello, TestTls.Of(_domain, from.Name));
        Assert.That(outcome.Reply, Is.TypeOf<Welcome>(), outcome.Detail);
        return outcome.Connection!;
    }

    /// <summary>As the peer itself does, which can be dialled back.</summary>
    private PeerConnection Dialled(TestMember to, RawPeer from, bool renews = false)
    {
        var hello = Identities.HelloTo(to.Identity.Name, from.OnWire(boot: 9)) with { Renews = renews };
        var outcome = RawPeer.Dial(to.Listener.EndPoint, hello, TestTls.Of(_domain, from.Identity.Name));
        Assert.That(outcome.Reply, Is.TypeOf<Welcome>(), outcome.Detail);
        return outcome.Connection!;
    }

    private static byte[] ReadToEnd(PeerConnection connection)
    {
        var all = new List<byte>();
        var one = new byte[1];
        while (connection.Receive(one, Patience.Limit) == IoResult.Done)
        {
            all.Add(one[0]);
        }
        return [.. all];
    }

    private static void SayThatArrived(PeerConnection connection, long bytes)
    {
        var word = new byte[IncomingLink.LastWordBytes];
        BinaryPrimitives.WriteInt64LittleEndian(word, bytes);
        Assert.That(connection.Send(word, Patience.Limit), Is.EqualTo(IoResult.Done));
    }

    private static void AssertFrameArrives(PeerConnection connection, int number)
    {
        var frame = new byte[FrameFormat.HeaderSize + 100];
        Assert.That(connection.Receive(frame, Patience.Limit), Is.EqualTo(IoResult.Done));
        Assert.That(frame, Is.EqualTo(RawPeer.Frame(FrameFormat.LinkMagic, Numbered(number, 100))));
    }

    private static byte[] Numbered(int number, int size)
    {
        var frame = new byte[size];
        BinaryPrimitives.WriteInt32LittleEndian(frame, number);
        return frame;
    }

    private static int NumberOf(byte[] frame) => BinaryPrimitives.ReadInt32LittleEndian(frame);
}
