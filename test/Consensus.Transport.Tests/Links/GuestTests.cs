using System.Net.Sockets;
using Consensus.Node.Ports;
using Consensus.Transport.Framing;
using Consensus.Transport.Links;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Links;

/// <summary>Members of the same cluster that one side's configuration does not know (Raft §6).</summary>
public sealed class GuestTests
{
    [Test]
    public void A_stranger_of_the_cluster_is_heard_and_can_be_answered()
    {
        using var joiner = new TestMember("n4");
        using var leader = new TestMember("n1");
        joiner.Transport.SetPeers([]);
        leader.Transport.SetPeers([joiner.Endpoint]);
        leader.Events.WaitFor(new UpEvent(joiner.Id, 1));
        leader.SendNow(joiner.Id, [1]);
        joiner.Events.WaitForFrames(1);
        joiner.Events.WaitFor(new UpEvent(leader.Id, 1));
        joiner.SendNow(leader.Id, [2]);
        leader.Events.WaitForFrames(1);
        Assert.That(joiner.Events.FramesFrom(leader.Id).Single(), Is.EqualTo(new byte[] { 1 }));
        Assert.That(leader.Events.FramesFrom(joiner.Id).Single(), Is.EqualTo(new byte[] { 2 }));
    }

    [Test]
    public void A_guests_link_ends_when_its_own_does()
    {
        using var a = new TestMember("a");
        var guest = new TestMember("b");
        a.Transport.SetPeers([]);
        guest.Transport.SetPeers([a.Endpoint]);
        a.Events.WaitFor(new UpEvent(guest.Id, 1));
        guest.Dispose();
        a.Events.WaitFor(new DownEvent(guest.Id));
        Patience.Until(() => !a.Transport.Send(guest.Id, [1]), "there is no link any more");
    }

    [Test]
    public void A_guest_that_becomes_a_peer_keeps_its_link()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        a.Transport.SetPeers([]);
        b.Transport.SetPeers([a.Endpoint]);
        a.Events.WaitFor(new UpEvent(b.Id, 1));
        a.Transport.SetPeers([b.Endpoint]);
        a.SendNow(b.Id, [1]);
        b.Events.WaitForFrames(1);
        Assert.That(a.Events.All, Has.Count.EqualTo(1));
    }

    [Test]
    public void A_peer_that_is_left_out_but_not_removed_comes_back_as_a_guest()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        a.Transport.SetPeers([]);
        a.Events.WaitFor(new DownEvent(b.Id));
        // It may take more than one dial until both sides have done with the link that was.
        Patience.Until(() => a.Transport.Send(b.Id, [1]), "there is a link again");
        a.Transport.Flush();
        a.Events.WaitFor(new UpEvent(b.Id, 1), 2);
    }

    [Test]
    public void A_guest_that_was_removed_loses_its_link_and_is_told()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        a.Transport.SetPeers([]);
        b.Transport.SetPeers([a.Endpoint]);
        a.Events.WaitFor(new UpEvent(b.Id, 1));
        a.Transport.SetRemoved([b.Id]);
        b.Events.WaitFor(new RemovedEvent(a.Id));
        a.Events.WaitFor(new DownEvent(b.Id));
        Assert.That(a.Transport.Send(b.Id, [1]), Is.False);
    }

    [Test]
    public void A_snapshot_of_a_stranger_is_taken()
    {
        using var joiner = new TestMember("n4");
        using var leader = new TestMember("n1");
        joiner.Transport.SetPeers([]);
        leader.Transport.SetPeers([joiner.Endpoint]);
        leader.Events.WaitFor(new UpEvent(joiner.Id, 1));
        var arrival = new Arrival();
        joiner.Events.OnSnapshot = (_, _, _) => arrival;
        leader.Transport.SendSnapshot(joiner.Id, new byte[] { 1 }, new MemoryStream([1, 2, 3]));
        leader.Events.WaitFor(new SnapshotSentEvent(joiner.Id, true));
        Assert.That(arrival.Bytes, Is.EqualTo(new byte[] { 1, 2, 3 }));
    }

    [Test]
    public void Guests_are_bounded_and_who_leaves_makes_room()
    {
        using var a = new TestMember("a");
        a.Transport.SetPeers([]);
        var guests = Enumerable.Range(0, LinkSet.MaxGuests).Select(i => Dial(a, i)).ToList();
        try
        {
            Patience.Until(() => a.Listener.ConnectionCount == LinkSet.MaxGuests, "all stand");
            foreach (var guest in guests)
            {
                guest.Send(RawPeer.Frame(FrameFormat.LinkMagic, [7]));
            }
            a.Events.WaitForFrames(LinkSet.MaxGuests);
            using (var tooMany = Dial(a, LinkSet.MaxGuests))
            {
                Assert.That(RawPeer.IsClosedByPeer(tooMany), Is.True);
            }
            guests[0].Dispose();
            Patience.Until(() => a.Listener.ConnectionCount == LinkSet.MaxGuests - 1, "one left");
            using var next = Dial(a, LinkSet.MaxGuests + 1);
            next.Send(RawPeer.Frame(FrameFormat.LinkMagic, [8]));
            a.Events.WaitForFrames(LinkSet.MaxGuests + 1);
        }
        finally
        {
            guests.ForEach(guest => guest.Dispose());
        }
    }

    private static Socket Dial(TestMember to, int number) => RawPeer.DialLink(to, Identities.OnWire(Identities.Formed($"g{number}")));

    private sealed class Arrival : ISnapshotArrival
    {
        private readonly MemoryStream _taken = new();

        public byte[] Bytes => _taken.ToArray();

        public long TakenBytes => 0;

        public SnapshotRejection? Write(ReadOnlySpan<byte> chunk)
        {
            _taken.Write(chunk);
            return null;
        }

        public SnapshotRejection? Complete() => null;

        public void Dispose()
        {
            // Its bytes are looked at later.
        }
    }
}
