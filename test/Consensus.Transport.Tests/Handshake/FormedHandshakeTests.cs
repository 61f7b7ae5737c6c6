using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Handshake;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Handshake;

/// <summary>Rule 7, case by case, as the member n1 of a cluster n1, n2, n3 judges.</summary>
public sealed class FormedHandshakeTests
{
    private static readonly DirectoryIdentity N1 = Identities.Formed("n1");
    private static readonly DirectoryIdentity N2 = Identities.Formed("n2");
    private static readonly DirectoryIdentity N3 = Identities.Formed("n3");
    private static readonly Dictionary<MemberId, PeerEndpoint> Peers = new[] { N2, N3 }
        .ToDictionary(identity => identity.Member, identity => Identities.EndpointOf(identity, "127.0.0.1:1"));
    private static readonly HashSet<MemberId> Nobody = [];
    private static readonly DirectoryIdentity Gone = Identities.Formed("n9");
    private static readonly FormedHandshake Handshake = new(Identities.OnWire(N1), Peers, new HashSet<MemberId> { Gone.Member });

    [TestCase(1)]
    [TestCase(2)]
    public void A_member_of_the_cluster_is_welcome(int purpose) =>
        Assert.That(Judge(Identities.OnWire(N2), purpose: (Purpose)purpose), Is.TypeOf<Welcome>());

    [Test]
    public void Another_token_is_refused() =>
        AssertRefused(Identities.OnWire(Identities.Formed("n2", token: "other")), RefusalCode.TokenMismatch);

    [Test]
    public void A_member_of_another_cluster_is_refused() =>
        AssertRefused(Identities.OnWire(Identities.Formed("n2", cluster: new ClusterId(78))), RefusalCode.ClusterMismatch);

    [TestCase("n4", 1)]
    [TestCase("n2", 2)]
    public void A_formed_member_that_is_not_known_is_let_in_because_our_configuration_may_be_the_older_one(string name, long incarnation) =>
        Assert.That(Judge(Identities.OnWire(Identities.Formed(name, incarnation))), Is.TypeOf<Welcome>());

    [TestCase(1)]
    [TestCase(2)]
    public void A_removed_member_is_refused_and_told_so(int purpose)
    {
        var refusal = AssertRefused(Identities.OnWire(Gone), RefusalCode.Removed, purpose: (Purpose)purpose);
        Assert.That(refusal.Sentence, Does.StartWith($"n9 was removed from cluster {Identities.Cluster}"));
        Assert.That(refusal.Sentence, Does.Contain("start consensusd --name n9 with the addresses that it had and --join"));
        Assert.That(refusal.IsTransient, Is.False);
    }

    [Test]
    public void A_wiped_member_that_wants_to_meet_is_refused_as_replaced()
    {
        var refusal = AssertRefused(Identities.Unformed("n2", incarnation: 2), RefusalCode.DirectoryReplaced, purpose: Purpose.Meet);
        Assert.That(refusal.Sentence, Does.Contain("data directory of n2 was replaced"));
    }

    [Test]
    public void A_wiped_member_that_wants_a_link_is_refused_as_replaced() =>
        AssertRefused(Identities.Unformed("n2", incarnation: 2), RefusalCode.DirectoryReplaced);

    [Test]
    public void A_name_that_the_cluster_does_not_know_is_refused() =>
        AssertRefused(Identities.Unformed("n4"), RefusalCode.UnknownMember, purpose: Purpose.Meet);

    [Test]
    public void A_member_id_of_somebody_else_is_refused() =>
        AssertRefused(Identities.OnWire(N2 with { Member = N3.Member }), RefusalCode.Inconsistent);

    [Test]
    public void One_who_wants_another_member_is_refused() =>
        AssertRefused(Identities.OnWire(N2), RefusalCode.WrongName, wanted: "n3");

    [Test]
    public void One_with_this_members_own_name_is_refused() =>
        AssertRefused(Identities.OnWire(N1), RefusalCode.WrongName);

    [Test]
    public void An_initial_member_that_is_still_forming_is_met_and_told_the_members()
    {
        var welcome = (Welcome)Judge(Identities.Unformed("n3"), purpose: Purpose.Meet);
        Assert.That(welcome.Identity.Cluster, Is.EqualTo(Identities.Cluster));
        Assert.That(welcome.Known, Is.EquivalentTo(new[]
        {
            new KnownMember("n1", N1.Member), new KnownMember("n2", N2.Member), new KnownMember("n3", N3.Member),
        }));
    }

    [Test]
    public void An_initial_member_that_is_still_forming_has_no_link_yet() =>
        AssertRefused(Identities.Unformed("n3"), RefusalCode.NotReady);

    [Test]
    public void Before_the_peers_are_known_everyone_of_the_cluster_shall_try_again()
    {
        var early = new FormedHandshake(Identities.OnWire(N1), null, Nobody);
        var reply = (Refusal)early.Judge(Identities.HelloTo("n1", Identities.OnWire(N2)));
        Assert.That((reply.Code, reply.IsTransient), Is.EqualTo((RefusalCode.NotReady, true)));
    }

    [Test]
    public void Only_the_own_cluster_can_tell_a_member_to_stop()
    {
        Assert.That(Handshake.MustStop(new Refusal(RefusalCode.DirectoryReplaced, "", Identities.Cluster, "n2")), Is.True);
        Assert.That(Handshake.MustStop(new Refusal(RefusalCode.Removed, "", Identities.Cluster, "n2")), Is.True);
        Assert.That(Handshake.MustStop(new Refusal(RefusalCode.DirectoryReplaced, "", new ClusterId(78), "n2")), Is.False);
        Assert.That(Handshake.MustStop(new Refusal(RefusalCode.Removed, "", new ClusterId(78), "n2")), Is.False);
        Assert.That(Handshake.MustStop(new Refusal(RefusalCode.ClusterMismatch, "", new ClusterId(78), "n2")), Is.False);
        Assert.That(Handshake.MustStop(new Refusal(RefusalCode.TokenMismatch, "", new ClusterId(78), "n2")), Is.False);
        Assert.That(Handshake.MustStop(new Refusal(RefusalCode.UnknownMember, "", Identities.Cluster, "n2")), Is.False);
    }

    [Test]
    public void A_dialler_takes_only_the_peer_that_it_meant()
    {
        var meant = Peers[N2.Member];
        Assert.That(Handshake.Mistaken(new Welcome(Identities.OnWire(N2), []), meant), Is.Null);
        PeerIdentity[] wrong =
        [
            Identities.OnWire(N3),
            Identities.OnWire(Identities.Formed("n2", incarnation: 2)),
            Identities.OnWire(Identities.Formed("n2", token: "other")),
            Identities.OnWire(Identities.Formed("n2", cluster: new ClusterId(78))),
            Identities.OnWire(N2 with { Incarnation = 2 }),
            Identities.Unformed("n2"),
        ];
        foreach (var identity in wrong)
        {
            Assert.That(Handshake.Mistaken(new Welcome(identity, []), meant), Is.Not.Null, identity.ToString());
        }
    }

    private static HandshakeReply Judge(PeerIdentity from, string wanted = "n1", Purpose purpose = Purpose.Link) =>
        Handshake.Judge(Identities.HelloTo(wanted, from, purpose));

    private static Refusal AssertRefused(PeerIdentity from, RefusalCode code, string wanted = "n1", Purpose purpose = Purpose.Link)
    {
        var refusal = (Refusal)Judge(from, wanted, purpose);
        Assert.That(refusal.Code, Is.EqualTo(code));
        Assert.That((refusal.Cluster, refusal.Name), Is.EqualTo((Identities.Cluster, "n1")));
        return refusal;
    }
}
