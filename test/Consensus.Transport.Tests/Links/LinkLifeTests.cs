using Consensus.Primitives;
using Consensus.Transport.Handshake;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Links;

/// <summary>How links come, go and come again, and what is told of it (rules 6 and 7).</summary>
public sealed class LinkLifeTests
{
    [Test]
    public void A_process_that_ends_is_told_as_down_and_then_gone_once()
    {
        using var a = new TestMember("a");
        var b = new TestMember("b");
        TestMember.Link(a, b);
        b.Dispose();
        a.Events.WaitFor<GoneEvent>();
        // The next process of that member: only its LinkUp may follow, however often the dial was refused meanwhile.
        using var next = new TestMember("b", boot: 2, port: b.Listener.EndPoint.Port);
        next.Transport.SetPeers([a.Endpoint]);
        a.Events.WaitFor(new UpEvent(b.Id, 2));
        Assert.That(
            a.Events.All,
            Is.EqualTo(new PeerEvent[] { new UpEvent(b.Id, 1), new DownEvent(b.Id), new GoneEvent(b.Id), new UpEvent(b.Id, 2) }));
    }

    [Test]
    public void A_link_that_closes_while_the_peer_listens_is_only_down()
    {
        using var a = new TestMember("a");
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        var (first, hello) = peer.Accept(boot: 9);
        Assert.That((hello.Purpose, hello.Wanted, hello.Identity.Name), Is.EqualTo((Purpose.Link, "b", "a")));
        a.Events.WaitFor<UpEvent>();
        first.Dispose();
        var (second, _) = peer.Accept(boot: 9);
        using (second)
        {
            a.Events.WaitFor<UpEvent>(2);
        }
        var member = peer.Identity.Member;
        Assert.That(
            a.Events.All.Take(3),
            Is.EqualTo(new PeerEvent[] { new UpEvent(member, 9), new DownEvent(member), new UpEvent(member, 9) }));
    }

    [Test]
    public void A_process_that_dies_during_the_redial_is_still_told_as_gone()
    {
        using var a = new TestMember("a");
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        var (link, _) = peer.Accept();
        a.Events.WaitFor<UpEvent>();
        link.Dispose();
        // It still accepts the redial and answers, but closes at once: then its port closes too.
        var (redial, _) = peer.Accept(new Welcome(peer.OnWire(), []));
        redial.Dispose();
        peer.Dispose();
        a.Events.WaitFor<GoneEvent>();
        Assert.That(a.Events.All[^1], Is.EqualTo(new GoneEvent(peer.Identity.Member)));
        Assert.That(a.Events.All[^2], Is.EqualTo(new DownEvent(peer.Identity.Member)));
    }

    [Test]
    public void A_process_that_dies_during_the_redial_is_told_as_gone_though_it_may_be_elsewhere_too()
    {
        using var peer = new RawPeer("b");
        using var a = new TestMember("a", with: options => options with
        {
            Whereabouts = new Dictionary<MemberId, string> { [peer.Identity.Member] = "127.0.0.1:1" },
        });
        a.Transport.SetPeers([peer.Endpoint]);
        var (link, _) = peer.Accept();
        a.Events.WaitFor<UpEvent>();
        link.Dispose();
        // Its port still takes the redial; then that is reset, and nobody listens there any more, nor where the operator said.
        Assert.That(peer.IsDialled(), Is.True);
        peer.Dispose();
        a.Events.WaitFor<GoneEvent>();
    }

    [Test]
    public void A_peer_that_was_never_linked_is_never_told_as_gone()
    {
        var b = new TestMember("b");
        b.Dispose();
        using var a = new TestMember("a");
        a.Transport.SetPeers([b.Endpoint]);
        using var later = new TestMember("b", boot: 2, port: b.Listener.EndPoint.Port);
        later.Transport.SetPeers([a.Endpoint]);
        a.Events.WaitFor<UpEvent>();
        Assert.That(a.Events.All, Is.EqualTo(new[] { new UpEvent(b.Id, 2) }));
    }

    [Test]
    public void A_peer_that_is_still_starting_is_asked_again_until_it_is_ready()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        a.Transport.SetPeers([b.Endpoint]);
        using var peer = new RawPeer("c");
        a.Transport.SetPeers([b.Endpoint, peer.Endpoint]);
        for (var i = 0; i < 3; i++)
        {
            peer.Accept(new Refusal(RefusalCode.NotReady, "Still starting.", ClusterId.None, "c")).Socket.Dispose();
        }
        using var socket = peer.Accept().Socket;
        a.Events.WaitFor(new UpEvent(peer.Identity.Member, 9));
        b.Transport.SetPeers([a.Endpoint]);
        a.Events.WaitFor(new UpEvent(b.Id, 1));
        Assert.That(a.Events.All.OfType<RefusedEvent>(), Is.Empty);
    }

    [Test]
    public void A_member_that_its_cluster_refuses_is_told_so()
    {
        using var a = new TestMember("a");
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        using var socket = peer.Accept(new Refusal(RefusalCode.DirectoryReplaced, "Another directory.", Identities.Cluster, "b")).Socket;
        a.Events.WaitFor<RefusedEvent>();
        Assert.That(a.Events.All, Is.EqualTo(new[] { new RefusedEvent(peer.Identity.Member, "Another directory.") }));
    }

    [Test]
    public void A_member_that_was_removed_is_told_so_when_it_dials()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        a.Transport.SetRemoved([b.Id]);
        a.Transport.SetPeers([]);
        b.Transport.SetPeers([a.Endpoint]);
        b.Events.WaitFor(new RemovedEvent(a.Id));
        Assert.That(b.Events.All.OfType<UpEvent>(), Is.Empty);
        Assert.That(a.Events.All, Is.Empty);
    }

    [Test]
    public void Another_cluster_cannot_tell_a_member_that_it_was_removed()
    {
        using var a = new TestMember("a");
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        using var socket = peer.Accept(new Refusal(RefusalCode.Removed, "Gone.", new ClusterId(78), "b")).Socket;
        Patience.Until(() => a.Log.Any(line => line.Contains("refuses a link: Gone.")), "it is said");
        Assert.That(a.Events.All, Is.Empty);
    }

    [Test]
    public void Another_clusters_process_at_a_peers_address_gets_no_link_and_stops_nobody()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        using var foreign = new TestMember("b", cluster: new ClusterId(78));
        using var otherToken = new TestMember("b", token: "other");
        foreign.Transport.SetPeers([a.Endpoint]);
        otherToken.Transport.SetPeers([a.Endpoint]);
        foreach (var stranger in new[] { foreign, otherToken })
        {
            a.Transport.SetPeers([stranger.Endpoint]);
            Patience.Until(() => a.Log.Any(line => line.Contains(stranger.Endpoint.Address)), "a says what is wrong");
            Patience.Until(() => stranger.Log.Any(line => line.Contains(a.Endpoint.Address)), "so does the stranger");
        }
        a.Transport.SetPeers([b.Endpoint]);
        b.Transport.SetPeers([a.Endpoint]);
        a.Events.WaitFor(new UpEvent(b.Id, 1));
        Assert.That(a.Events.All, Has.Count.EqualTo(1));
        Assert.That(foreign.Events.All, Is.Empty);
        Assert.That(otherToken.Events.All, Is.Empty);
    }

    [Test]
    public void Another_member_at_a_peers_address_gets_no_link()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        using var c = new TestMember("c");
        b.Transport.SetPeers([a.Endpoint, c.Endpoint]);
        a.Transport.SetPeers([c.Endpoint with { Address = b.Endpoint.Address }]);
        Patience.Until(() => a.Log.Any(line => line.Contains("answers at this address")), "a says what is wrong");
        Assert.That(a.Events.Of(c.Id), Is.Empty);
    }

    [Test]
    public void An_impostor_that_answers_with_the_wrong_incarnation_gets_no_link()
    {
        using var a = new TestMember("a");
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        var impostor = Identities.OnWire(Identities.Formed("b", incarnation: 66));
        using var socket = peer.Accept(new Welcome(impostor, [])).Socket;
        Assert.That(RawPeer.IsClosedByPeer(socket), Is.True);
        Patience.Until(() => a.Log.Any(line => line.Contains("is not b of this cluster")), "a says what is wrong");
        Assert.That(a.Events.All, Is.Empty);
    }

    [Test]
    public void A_peer_that_is_removed_loses_its_links_both_ways_and_no_other_does()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        using var c = new TestMember("c");
        TestMember.Link(a, b, c);
        a.Transport.SetRemoved([b.Id]);
        a.SendNow(b.Id, [1]);
        b.Events.WaitForFrames(1);
        Assert.That(b.Events.All.OfType<RemovedEvent>(), Is.Empty, "as long as it is a peer it is told by the log");
        a.Transport.SetPeers([c.Endpoint]);
        a.Events.WaitFor(new DownEvent(b.Id));
        b.Events.WaitFor(new DownEvent(a.Id));
        b.Events.WaitFor(new RemovedEvent(a.Id));
        Assert.That(a.Transport.Send(b.Id, [1]), Is.False);
        Assert.That(a.Events.Of(b.Id), Is.EqualTo(new PeerEvent[] { new UpEvent(b.Id, 1), new DownEvent(b.Id) }));
        Assert.That(a.Events.Of(c.Id), Is.EqualTo(new[] { new UpEvent(c.Id, 1) }), "the other link was left alone");
    }

    [Test]
    public void A_changed_address_is_dialled_instead_and_nobody_is_told_as_gone()
    {
        using var a = new TestMember("a");
        using var first = new RawPeer("b");
        using var second = new RawPeer("b");
        a.Transport.SetPeers([first.Endpoint]);
        using var old = first.Accept(boot: 1).Socket;
        a.Events.WaitFor<UpEvent>();
        first.Dispose();
        a.Transport.SetPeers([second.Endpoint]);
        using var moved = second.Accept(boot: 2).Socket;
        a.Events.WaitFor<UpEvent>(2);
        Assert.That(RawPeer.IsClosedByPeer(old), Is.True);
        var member = first.Identity.Member;
        Assert.That(a.Events.All, Is.EqualTo(new PeerEvent[] { new UpEvent(member, 1), new DownEvent(member), new UpEvent(member, 2) }));
    }

    [Test]
    public void Peers_set_again_unchanged_keep_their_links()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        for (var i = 0; i < 10; i++)
        {
            a.Transport.SetPeers([a.Endpoint, b.Endpoint]);
        }
        a.SendNow(b.Id, [1]);
        b.Events.WaitForFrames(1);
        Assert.That(a.Events.All, Has.Count.EqualTo(1));
    }

    [Test]
    public void A_process_seen_anew_ends_the_link_to_its_dead_predecessor()
    {
        using var a = new TestMember("a");
        using var peer = new RawPeer("b");
        a.Transport.SetPeers([peer.Endpoint]);
        // The predecessor's machine vanished without a word: its connection stays open.
        using var dead = peer.Accept(boot: 1).Socket;
        a.Events.WaitFor(new UpEvent(peer.Identity.Member, 1));
        using var incoming = RawPeer.DialLink(a, peer.OnWire(boot: 2));
        using var fresh = peer.Accept(boot: 2).Socket;
        a.Events.WaitFor(new UpEvent(peer.Identity.Member, 2));
        Assert.That(RawPeer.IsClosedByPeer(dead), Is.True);
    }

    [Test]
    public void Ending_does_not_wait_for_a_peer_that_never_answers()
    {
        using var silent = new RawPeer("b");
        var a = new TestMember("a", with: options => options with { HandshakeTimeout = TimeSpan.FromHours(1) });
        a.Transport.SetPeers([silent.Endpoint]);
        Assert.That(silent.IsDialled(), Is.True);
        Assert.That(Task.Run(a.Dispose).Wait(Patience.Limit), Is.True);
    }

    [Test]
    public void Members_start_and_end_again_and_again_without_a_thread_left_behind()
    {
        using var a = new TestMember("a");
        var port = 0;
        for (var boot = 1; boot <= 10; boot++)
        {
            using var b = new TestMember("b", boot: boot, port: port);
            port = b.Listener.EndPoint.Port;
            b.Transport.SetPeers([a.Endpoint]);
            a.Transport.SetPeers([b.Endpoint]);
            a.Events.WaitFor(new UpEvent(b.Id, boot));
            b.Events.WaitFor(new UpEvent(a.Id, 1));
        }
        Patience.Until(() => a.Listener.ConnectionCount == 0, "all connections of the ended processes are closed");
    }
}
