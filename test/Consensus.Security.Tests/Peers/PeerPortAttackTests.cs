using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Consensus.Security.Certificates;
using Consensus.Transport.Dialing;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Tests.Support;

namespace Consensus.Security.Tests.Peers;

/// <summary>
/// Who reaches a member's peer port with another certificate than a member's, or with none: the attacks of issue 16, by their rows.
/// </summary>
public sealed class PeerPortAttackTests
{
    private static readonly byte[] Hello = HandshakeChannel.Encode(Identities.HelloTo("n1", Identities.OnWire(Identities.Formed("n2"))));
    private TestCertificates _domain = null!;
    private TestMember _member = null!;

    [SetUp]
    public void Begin()
    {
        _domain = new TestCertificates();
        _member = new TestMember("n1", tls: TestTls.Of(_domain, "n1"));
        _member.Transport.SetPeers([Identities.EndpointOf(Identities.Formed("n2"), "127.0.0.1:1")]);
    }

    [TearDown]
    public void End()
    {
        _member.Dispose();
        _domain.Dispose();
        Assert.That(_member.Fatal, Is.Empty);
    }

    [Test]
    public void Row_31_addresses_in_a_certificate_are_never_dialled([Values] bool isOfAStranger)
    {
        using var tempting = new TcpListener(IPAddress.Loopback, 0);
        tempting.Start();
        Flaw? flaw = isOfAStranger ? Flaw.OtherAuthority : null;
        var made = _domain.WithAddresses(new Uri($"http://{tempting.LocalEndpoint}/"), CertificateRole.Member, "n2", flaw);
        var outcome = Dial("n2", new TestTls(made.BundleText));
        Assert.That(outcome.Status, Is.EqualTo(flaw is null ? DialStatus.Welcomed : DialStatus.Broken), outcome.Detail);
        outcome.Connection?.Dispose();
        using var answering = new TestMember("n2", tls: new TestTls(made.BundleText));
        answering.Transport.SetPeers([_member.Endpoint]);
        _member.Transport.SetPeers([answering.Endpoint]);
        Patience.Until(() => flaw is null ? _member.Events.All.Count > 0 : Logged("no link to n2"), "n1 has judged it too");
        Assert.That(tempting.Pending(), Is.False);
    }

    [Test]
    public void Row_34_an_older_TLS_ends_in_its_handshake() =>
        Assert.That(
            () => TestTls.Connect(_member.Listener.EndPoint, Bundle.Load(_domain.Member("n2"), "n2"), SslProtocols.Tls12),
            Throws.InstanceOf<AuthenticationException>().Or.InstanceOf<IOException>());

    [Test]
    public void Row_34_plain_text_at_the_TLS_port_is_closed_unread([Values] bool isHello)
    {
        using var socket = Connect(_member.Listener.EndPoint);
        SocketIo.Send(socket, isHello ? Hello : "GET / HTTP/1.1\r\nHost: n1\r\n\r\n"u8, Patience.Limit);
        Assert.That(RawPeer.IsClosedByPeer(socket), Is.True);
        Patience.Until(() => Logged("it does not speak TLS"), "it is said");
        AssertNothingWasRead();
    }

    [Test]
    public void Row_34_TLS_at_the_plain_port_is_closed()
    {
        using var plain = new TestMember("n3");
        Assert.That(
            () => TestTls.Connect(plain.Listener.EndPoint, Bundle.Load(_domain.Member("n2"), "n2")),
            Throws.InstanceOf<AuthenticationException>().Or.InstanceOf<IOException>());
        AssertAnswers(plain, null);
    }

    [Test]
    public void Row_35_a_clients_certificate_ends_in_the_handshake_and_nothing_is_parsed()
    {
        AssertEndsUnread(Bundle.Load(_domain.Client("billing"), "billing"));
        Patience.Until(() => Logged("its certificate is that of the client billing, and only members speak here"), "it is said");
    }

    [Test]
    public void Row_35_no_certificate_ends_in_the_handshake() => AssertEndsUnread(null);

    [Test]
    public void Row_36_the_certificate_of_n3_does_not_say_Hello_as_n2()
    {
        var outcome = Dial("n2", TestTls.Of(_domain, "n3"));
        Assert.That(outcome.Status, Is.EqualTo(DialStatus.Refused));
        var refusal = (Refusal)outcome.Reply!;
        Assert.That((refusal.Code, refusal.Sentence), Is.EqualTo((RefusalCode.CertificateMismatch, "n2 presented the certificate of n3.")));
        Assert.That(refusal.IsTransient, Is.False);
        Assert.That(Dial("n4", TestTls.Of(_domain, "n3"), Purpose.Join).Status, Is.EqualTo(DialStatus.Refused));
        var replaced = Identities.HelloTo("", Identities.OnWire(Identities.Formed("n2", incarnation: 2)), Purpose.Join);
        Assert.That(RawPeer.Dial(_member.Listener.EndPoint, replaced, TestTls.Of(_domain, "n3")).Status, Is.EqualTo(DialStatus.Refused));
        Assert.That(_member.Transport.Joiners, Is.Empty, "what it says of itself is noted nowhere");
    }

    [TestCase(nameof(Flaw.OtherDomain))]
    [TestCase(nameof(Flaw.NoUri))]
    [TestCase(nameof(Flaw.TwoUris))]
    [TestCase(nameof(Flaw.BrokenUri))]
    [TestCase(nameof(Flaw.OtherAuthority))]
    [TestCase(nameof(Flaw.Expired))]
    [TestCase(nameof(Flaw.NotYetValid))]
    [TestCase(nameof(Flaw.ServerOnly))]
    [TestCase(nameof(Flaw.AnyUsage))]
    [TestCase(nameof(Flaw.DamagedUsage))]
    public void Row_36_a_members_certificate_with_a_flaw_ends_in_the_handshake(string flaw) =>
        AssertEndsUnread(Bundle.Read(_domain.Wrong(Enum.Parse<Flaw>(flaw), CertificateRole.Member, "n2").BundleText, "n2", "n2"));

    [Test]
    public void Row_37_a_stranger_at_the_address_of_n2_stops_nobody(
        [Values((int)RefusalCode.Removed, (int)RefusalCode.DirectoryReplaced)] int code, [Values] bool isMember)
    {
        using var another = new TestCertificates();
        using var stranger = new RawPeer("n2");
        var shown = isMember ? TestTls.Of(_domain, "n3") : TestTls.Of(another, "n2");
        var refusal = new Refusal((RefusalCode)code, "n1 was removed.", Identities.Cluster, "n2");
        _member.Transport.SetPeers([stranger.Endpoint]);
        for (var i = 0; i < 2; i++)
        {
            Assert.That(stranger.HearsHello(shown), Is.False, "so it has nothing to answer");
        }
        Patience.Until(() => Logged("no link to n2"), "it is said");
        Assert.That(_member.Events.All, Is.Empty);
        // The same words of n2 itself are heard.
        stranger.Accept(TestTls.Of(_domain, "n2"), refusal).Connection.Dispose();
        Patience.Until(() => _member.Events.All.Count > 0, "n1 is told to stop");
    }

    [Test]
    public void Row_37_a_stranger_who_speaks_plain_text_stops_nobody()
    {
        using var stranger = new TcpListener(IPAddress.Loopback, 0);
        stranger.Start();
        _member.Transport.SetPeers([Identities.EndpointOf(Identities.Formed("n2"), stranger.LocalEndpoint.ToString()!)]);
        var removed = HandshakeChannel.Encode(new Refusal(RefusalCode.Removed, "n1 was removed.", Identities.Cluster, "n2"));
        for (var i = 0; i < 2; i++)
        {
            using var socket = stranger.AcceptSocket();
            SocketIo.Send(socket, removed, Patience.Limit);
            Assert.That(RawPeer.IsClosedByPeer(socket), Is.True);
        }
        Patience.Until(() => Logged("it does not speak TLS"), "it is said");
        Assert.That(_member.Events.All, Is.Empty);
    }

    [Test]
    public void Row_38_a_removed_members_certificate_links_joins_and_sends_nothing()
    {
        _member.Transport.SetRemoved([Identities.Formed("n2").Member]);
        _member.Transport.SetPeers([]);
        foreach (var purpose in new[] { Purpose.Link, Purpose.Snapshot, Purpose.Join })
        {
            var outcome = Dial("n2", TestTls.Of(_domain, "n2"), purpose);
            Assert.That((outcome.Reply as Refusal)?.Code, Is.EqualTo(RefusalCode.Removed), purpose.ToString());
        }
        Assert.That(_member.Events.All, Is.Empty);
    }

    private bool Logged(string words) => _member.Log.Any(line => line.Contains(words));

    private DialOutcome Dial(string name, TestTls tls, Purpose purpose = Purpose.Link)
    {
        var wanted = purpose == Purpose.Join ? "" : "n1";
        var hello = Identities.HelloTo(wanted, Identities.OnWire(Identities.Formed(name)), purpose);
        return RawPeer.Dial(_member.Listener.EndPoint, hello, tls);
    }

    /// <summary>In TLS 1.3 the stranger's side is over before his certificate is judged: he can write, and nobody reads it.</summary>
    private void AssertEndsUnread(Bundle? shown)
    {
        try
        {
            using var stream = TestTls.Connect(_member.Listener.EndPoint, shown);
            stream.Write("not a Hello, whoever parses it"u8);
            Assert.That(stream.Read(new byte[1]), Is.Zero, "an answer");
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            // As good as an end.
        }
        Patience.Until(() => _member.Log.Any(line => line.Contains("was refused")), "it is said");
        AssertNothingWasRead();
    }

    /// <summary>Whoever reads a Hello says so when there is none.</summary>
    private void AssertNothingWasRead()
    {
        Assert.That(Logged("Hello"), Is.False);
        Assert.That(_member.Log.Where(line => line.Contains("handshake") && !line.Contains("the TLS handshake failed")), Is.Empty);
        Assert.That(_member.Events.All, Is.Empty);
        AssertAnswers(_member, TestTls.Of(_domain, "n2"));
    }

    private static void AssertAnswers(TestMember member, TestTls? tls)
    {
        var hello = Identities.HelloTo(member.Identity.Name, Identities.OnWire(Identities.Formed("n2")));
        var outcome = RawPeer.Dial(member.Listener.EndPoint, hello, tls);
        Assert.That(outcome.Reply, Is.Not.Null, outcome.Detail);
        outcome.Connection?.Dispose();
    }

    private static Socket Connect(IPEndPoint to)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(to);
        return socket;
    }
}
