using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Handshake;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Handshake;

/// <summary>The purpose JOIN, case by case, as the member n1 of a cluster n1, n2 judges; n9 was removed.</summary>
public sealed class JoinHandshakeTests
{
    private static readonly DirectoryIdentity N1 = Identities.Formed("n1");
    private static readonly DirectoryIdentity N2 = Identities.Formed("n2");
    private static readonly DirectoryIdentity Gone = Identities.Formed("n9");
    private static readonly FormedHandshake Handshake = JudgeWith(Identities.EndpointOf(N2, "127.0.0.1:2"));

    [Test]
    public void A_joiner_is_told_the_cluster_and_where_all_members_are()
    {
        var welcome = (Welcome)Judge(Identities.Unformed("n4"));
        Assert.That(welcome.Identity.Cluster, Is.EqualTo(Identities.Cluster));
        Assert.That(welcome.Known, Is.EquivalentTo(new[]
        {
            new KnownMember("n1", N1.Member, "127.0.0.1:1"), new KnownMember("n2", N2.Member, "127.0.0.1:2"),
        }));
    }

    [Test]
    public void A_joiner_that_knows_the_cluster_already_is_welcome_again() =>
        Assert.That(Judge(Identities.OnWire(Identities.Formed("n4"))), Is.TypeOf<Welcome>());

    [Test]
    public void A_joiner_that_was_added_meanwhile_is_welcome() =>
        Assert.That(Judge(Identities.Unformed("n2")), Is.TypeOf<Welcome>());

    [TestCase("n1")]
    [TestCase("n2")]
    public void A_name_that_another_data_directory_has_is_refused_with_what_to_do(string name)
    {
        var refusal = AssertRefused(Identities.Unformed(name, incarnation: 2), RefusalCode.DirectoryReplaced);
        Assert.That(refusal.Sentence, Does.Contain($"has a member {name} with another data directory").And.Contain($"(consensusctl members remove {name}) and then start consensusd --name {name} again"));
        AssertRefused(Identities.OnWire(Identities.Formed(name, incarnation: 2)), RefusalCode.DirectoryReplaced);
    }

    [Test]
    public void A_joiner_that_was_removed_is_told_so_formed_or_not()
    {
        AssertRefused(Identities.OnWire(Gone), RefusalCode.Removed);
        AssertRefused(Identities.Unformed("n9"), RefusalCode.Removed);
    }

    [Test]
    public void A_removed_name_comes_back_with_another_data_directory() =>
        Assert.That(Judge(Identities.Unformed("n9", incarnation: 2)), Is.TypeOf<Welcome>());

    [Test]
    public void A_name_is_free_as_soon_as_its_member_is_removed_though_that_one_is_a_peer_for_a_little_longer()
    {
        var kept = JudgeWith(Identities.EndpointOf(N2, "127.0.0.1:2"), Identities.EndpointOf(Gone, "127.0.0.1:9"));
        var welcome = kept.Judge(Identities.HelloTo("", Identities.Unformed("n9", incarnation: 2), Purpose.Join)) as Welcome;
        Assert.That(welcome?.Known.Select(member => member.Name), Is.EqualTo(new[] { "n1", "n2" }));
    }

    [Test]
    public void Another_token_is_refused() =>
        AssertRefused(Identities.Unformed("n4", token: "other"), RefusalCode.TokenMismatch);

    [Test]
    public void A_process_of_another_cluster_is_refused() =>
        AssertRefused(Identities.OnWire(Identities.Formed("n4", cluster: new ClusterId(78))), RefusalCode.ClusterMismatch);

    [Test]
    public void A_member_id_of_somebody_else_is_refused() =>
        AssertRefused(Identities.OnWire(Identities.Formed("n4") with { Member = N2.Member }), RefusalCode.Inconsistent);

    [TestCase("")]
    [TestCase("here")]
    [TestCase("127.0.0.1:0")]
    [TestCase("a b:1")]
    public void An_address_that_nobody_could_dial_is_refused(string address) =>
        AssertRefused(Identities.Unformed("n4") with { Address = address }, RefusalCode.Inconsistent);

    [Test]
    public void An_address_that_is_too_long_for_a_host_is_refused() =>
        AssertRefused(Identities.Unformed("n4") with { Address = new string('h', 256) + ":65535" }, RefusalCode.Inconsistent);

    [Test]
    public void A_member_that_dials_itself_is_refused() =>
        AssertRefused(Identities.OnWire(N1), RefusalCode.WrongName);

    [Test]
    public void Before_the_peers_are_known_a_joiner_shall_try_again()
    {
        var early = new FormedHandshake(Identities.OnWire(N1), null, new HashSet<MemberId>());
        var reply = (Refusal)early.Judge(Identities.HelloTo("", Identities.Unformed("n4"), Purpose.Join));
        Assert.That((reply.Code, reply.IsTransient), Is.EqualTo((RefusalCode.NotReady, true)));
    }

    [Test]
    public void The_answer_fits_its_frame_whatever_the_names_and_addresses()
    {
        var host = new string('h', 250);
        var peers = Enumerable.Range(0, 40).Select(i => Identities.EndpointOf(Identities.Formed($"{i:00}" + new string('n', 61)), $"{host}:{10_000 + i}"));
        var welcome = (Welcome)JudgeWith([.. peers]).Judge(Identities.HelloTo("", Identities.Unformed("n4"), Purpose.Join));
        Assert.That(() => HandshakeChannel.Encode(welcome), Throws.Nothing);
        Assert.That(welcome.Known.Count(member => member.Address.Length > 0), Is.GreaterThanOrEqualTo(3));
    }

    private static FormedHandshake JudgeWith(params PeerEndpoint[] peers) =>
        new(Identities.OnWire(N1), peers.ToDictionary(peer => peer.Member), new HashSet<MemberId> { Gone.Member });

    private static HandshakeReply Judge(PeerIdentity from) => Handshake.Judge(Identities.HelloTo("", from, Purpose.Join));

    private static Refusal AssertRefused(PeerIdentity from, RefusalCode code)
    {
        var refusal = (Refusal)Judge(from);
        Assert.That(refusal.Code, Is.EqualTo(code));
        Assert.That((refusal.Cluster, refusal.Name), Is.EqualTo((Identities.Cluster, "n1")));
        return refusal;
    }
}
