using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Dialing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Links;

/// <summary>Members that come back at another address than the log knows (rule 7).</summary>
public sealed class MovedMemberTests
{
    [Test]
    public void A_member_that_comes_at_a_new_address_is_dialled_back_there_and_it_is_said_once()
    {
        using var a = new TestMember("a");
        var before = new TestMember("b");
        TestMember.Link(a, before);
        before.Dispose();
        using var b = new TestMember("b", boot: 2);
        b.Transport.SetPeers([a.Endpoint]);
        a.Events.WaitFor(new UpEvent(b.Id, 2));
        a.SendNow(b.Id, [1]);
        b.Events.WaitForFrames(1);
        // Then the log says so too.
        a.Transport.SetPeers([b.Endpoint]);
        a.SendNow(b.Id, [2]);
        b.Events.WaitForFrames(2);
        Assert.That(
            a.Log.Where(line => line.Contains("has moved")),
            Is.EqualTo(new[] { $"b has moved: it answers at {b.Endpoint.Address}, and no longer at {before.Endpoint.Address}" }));
    }

    [Test]
    public void A_member_goes_on_being_dialled_where_it_said_it_is_when_the_log_repeats_where_it_was()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        a.Transport.SetPeers([b.Endpoint with { Address = "127.0.0.1:1" }]);
        b.Transport.SetPeers([a.Endpoint]);
        a.Events.WaitFor(new UpEvent(b.Id, 1));
        b.Events.WaitFor(new UpEvent(a.Id, 1));
        b.SendNow(a.Id, [1]);
        a.Events.WaitForFrames(1);
        // An older announcement is applied here only now.
        a.Transport.SetPeers([b.Endpoint with { Address = "127.0.0.1:2" }]);
        a.SendNow(b.Id, [1]);
        b.Events.WaitForFrames(1);
        Assert.That(a.Events.All, Has.Count.EqualTo(1), "the link was left alone");
    }

    [Test]
    public void A_member_that_an_operator_says_to_be_elsewhere_is_dialled_there()
    {
        using var b = new TestMember("b");
        using var a = new TestMember("a", with: options => options with
        {
            Whereabouts = new Dictionary<MemberId, string> { [b.Id] = b.Endpoint.Address },
        });
        a.Transport.SetPeers([b.Endpoint with { Address = "127.0.0.1:1" }]);
        b.Transport.SetPeers([]);
        a.Events.WaitFor(new UpEvent(b.Id, 1));
    }

    [Test]
    public void Two_members_that_moved_find_each_other_by_a_third_that_did_not()
    {
        using var third = new TestMember("a");
        using var b = new TestMember("b");
        using var c = new TestMember("c");
        PeerEndpoint oldB = b.Endpoint with { Address = "127.0.0.1:1" }, oldC = c.Endpoint with { Address = "127.0.0.1:2" };
        third.Transport.SetPeers([oldB, oldC]);
        b.Transport.SetPeers([third.Endpoint, oldC]);
        c.Transport.SetPeers([third.Endpoint, oldB]);
        b.Events.WaitFor(new UpEvent(c.Id, 1));
        c.Events.WaitFor(new UpEvent(b.Id, 1));
    }

    [Test]
    public void A_process_that_only_claims_to_be_a_member_is_not_linked_where_it_says_and_the_member_is_found_again()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        using var elsewhere = new TestMember("x");
        elsewhere.Transport.SetPeers([]);
        TestMember.Link(a, b);
        // Whoever knows what b says of itself can claim to be b, but not answer as b at an address that is somebody else's.
        using var claim = RawPeer.DialLink(a, Identities.OnWire(b.Identity, boot: 66, address: elsewhere.Endpoint.Address));
        Assert.That(RawPeer.IsClosedByPeer(claim), Is.True, "b itself dials again, which ends it");
        Patience.Until(
            () =>
            {
                a.Transport.Send(b.Id, [1]);
                a.Transport.Flush();
                return b.Events.FramesFrom(a.Id).Count > 0;
            },
            "frames for b arrive at b");
        Assert.That(elsewhere.Events.FramesFrom(a.Id), Is.Empty);
        Assert.That(a.Log, Has.None.Contains("has moved"));
    }

    [TestCase(Identities.Token, 2, 77)]
    [TestCase("other", 1, 77)]
    [TestCase(Identities.Token, 1, 78)]
    public void A_stranger_cannot_have_a_member_dialled_elsewhere(string token, long incarnation, long cluster)
    {
        using var a = new TestMember("a");
        using var b = new RawPeer("b");
        using var trap = new RawPeer("b");
        a.Transport.SetPeers([b.Endpoint]);
        using var link = b.Accept().Socket;
        a.Events.WaitFor<UpEvent>();
        // It knows the member's id, which every list tells, and lacks what its directory holds, or the token, or it is of another cluster.
        var stranger = Identities.OnWire(Identities.Formed("b", incarnation, token, new ClusterId(cluster)), address: trap.Endpoint.Address) with { Member = b.Identity.Member };
        Assert.That(RawPeer.Dial(a.Listener.EndPoint, Identities.HelloTo("a", stranger)).Status, Is.EqualTo(DialStatus.Refused));
        link.Dispose();
        using var again = b.Accept().Socket;
        a.Events.WaitFor<UpEvent>(2);
        Assert.That(trap.WasDialled, Is.False);
    }

    [Test]
    public void An_address_that_nobody_can_dial_is_refused()
    {
        using var a = new TestMember("a");
        using var b = new RawPeer("b");
        a.Transport.SetPeers([b.Endpoint]);
        foreach (var address in new[] { "", "nowhere", "127.0.0.1:0", "a b:1", new string('x', 300) + ":1" })
        {
            var outcome = RawPeer.Dial(a.Listener.EndPoint, Identities.HelloTo("a", Identities.OnWire(b.Identity, address: address)));
            Assert.That((outcome.Reply as Refusal)?.Code, Is.EqualTo(RefusalCode.Inconsistent), address);
        }
    }

    [Test]
    public void A_member_that_does_not_answer_is_told_of_once_and_so_is_its_return()
    {
        using var a = new TestMember("a", with: options => options with { RedialLongest = TimeSpan.FromMilliseconds(20) });
        var before = new TestMember("b");
        before.Dispose();
        a.Transport.SetPeers([before.Endpoint]);
        Patience.Until(() => a.Log.Any(line => line.Contains($"b does not answer at {before.Endpoint.Address}")), "it is said");
        using var b = new TestMember("b", port: before.Listener.EndPoint.Port);
        b.Transport.SetPeers([a.Endpoint]);
        Patience.Until(() => a.Log.Any(line => line.Contains("b answers again at")), "its return is said");
        Assert.That(a.Log.Count(line => line.Contains("does not answer at")), Is.EqualTo(1));
    }

    [Test]
    public void A_move_is_said_however_much_is_said_of_others()
    {
        using var a = new TestMember("a", with: options => options with { RedialFirst = TimeSpan.FromMilliseconds(1), RedialLongest = TimeSpan.FromMilliseconds(1) });
        var before = new TestMember("b");
        var gone = new TestMember("c");
        before.Dispose();
        gone.Dispose();
        a.Transport.SetPeers([before.Endpoint, gone.Endpoint]);
        Patience.Until(() => a.Log.Count(line => line.StartsWith("no link to")) >= 10, "more is said of dials in vain than the log takes");
        using var b = new TestMember("b", boot: 2);
        b.Transport.SetPeers([a.Endpoint]);
        Patience.Until(() => a.Log.Any(line => line.StartsWith($"b has moved: it answers at {b.Endpoint.Address}")), "it is said");
    }
}
