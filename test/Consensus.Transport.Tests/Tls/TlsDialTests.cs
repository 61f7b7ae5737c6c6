using System.Net;
using Consensus.Security.Certificates;
using Consensus.Transport.Dialing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Listening;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Tls;

/// <summary>Why a handshake failed is told in words, on both sides, and who failed it is believed in nothing.</summary>
public sealed class TlsDialTests
{
    private static readonly Hello Meet = Identities.HelloTo("n2", Identities.Unformed("n1"), Purpose.Meet);
    private readonly System.Collections.Concurrent.ConcurrentQueue<string> _log = new();
    private TestCertificates _domain = null!;

    [SetUp]
    public void Begin() => _domain = new TestCertificates();

    [TearDown]
    public void End()
    {
        _domain.Dispose();
        _log.Clear();
    }

    [TestCase(nameof(Flaw.Expired), "it expired on")]
    [TestCase(nameof(Flaw.NotYetValid), "it is not valid before")]
    [TestCase(nameof(Flaw.OtherAuthority), "it is of a CA that is not known here")]
    [TestCase(nameof(Flaw.ClientOnly), "it is not for a server (extended key usage)")]
    [TestCase(nameof(Flaw.NoUsage), "it does not say what it is for (extended key usage)")]
    [TestCase(nameof(Flaw.DamagedUsage), "its certificate is not believed: it cannot be read")]
    [TestCase(nameof(Flaw.TwoUris), "it has 2 URI names where one is wanted")]
    [TestCase(nameof(Flaw.NoUri), "its certificate names nobody")]
    [TestCase(nameof(Flaw.OtherDomain), "its certificate is of the domain c-test-other, and this member's of c-test")]
    public void A_dialler_says_what_is_wrong_with_the_one_who_answers(string flaw, string words)
    {
        using var listener = Listen(new TestTls(_domain.Wrong(Enum.Parse<Flaw>(flaw), CertificateRole.Member, "n2").BundleText));
        AssertNotBelieved(listener, words);
    }

    [TestCase(nameof(Flaw.Expired), "it expired on")]
    [TestCase(nameof(Flaw.OtherAuthority), "it is of a CA that is not known here")]
    [TestCase(nameof(Flaw.ServerOnly), "it is not for a client (extended key usage)")]
    public void An_acceptor_says_what_is_wrong_with_the_one_who_dials_and_the_dialler_whose_log_to_read(string flaw, string words)
    {
        using var listener = Listen(TestTls.Of(_domain, "n2"));
        var outcome = RawPeer.Dial(
            listener.EndPoint, Meet, new TestTls(_domain.Wrong(Enum.Parse<Flaw>(flaw), CertificateRole.Member, "n1").BundleText));
        Assert.That(outcome.Status, Is.EqualTo(DialStatus.Broken), outcome.Detail);
        Assert.That(outcome.Detail, Does.Contain("it does not believe this member's certificate, and then its log says why"));
        Patience.Until(() => _log.Any(line => line.Contains(words)), "the acceptor says it");
    }

    [Test]
    public void Another_member_than_the_wanted_one_is_not_told_Hello()
    {
        using var listener = Listen(TestTls.Of(_domain, "n3"));
        AssertNotBelieved(listener, "its certificate is that of n3, and n2 is wanted");
    }

    [Test]
    public void A_joiner_takes_any_member_but_no_client()
    {
        using var any = Listen(TestTls.Of(_domain, "n3"));
        var join = Identities.HelloTo("", Identities.Unformed("n1"), Purpose.Join);
        var answered = RawPeer.Dial(any.EndPoint, join, TestTls.Of(_domain, "n1"));
        Assert.That(answered.Reply, Is.TypeOf<Refusal>(), answered.Detail);
        using var client = Listen(new TestTls(_domain.Wrong(Flaw.NoUri, CertificateRole.Member, "n3").BundleText));
        Assert.That(RawPeer.Dial(client.EndPoint, join, TestTls.Of(_domain, "n1")).Status, Is.EqualTo(DialStatus.NotBelieved));
    }

    [Test]
    public void Who_answers_under_another_name_than_his_certificates_is_not_believed()
    {
        using var listener = Listen(TestTls.Of(_domain, "n2"));
        listener.Use(new Liar());
        AssertNotBelieved(listener, "n3 presented the certificate of n2");
    }

    [Test]
    public void A_peer_without_tls_is_told_apart_from_a_stranger()
    {
        using var listener = Listen(null);
        var outcome = RawPeer.Dial(listener.EndPoint, Meet, TestTls.Of(_domain, "n1"));
        Assert.That(outcome.Status, Is.EqualTo(DialStatus.Broken));
        Assert.That(outcome.Detail, Does.Contain("it closed without a word of TLS, as one that was started without --tls"));
        Patience.Until(() => _log.Any(line => line.Contains("but of TLS, which this member was started without")), "so does the peer");
    }

    [Test]
    public void A_peer_that_says_nothing_in_TLS_is_given_up_in_time()
    {
        using var silent = new RawPeer("n2");
        var dialer = new PeerDialer(Patience.Limit, TimeSpan.FromMilliseconds(100), TimeProvider.System, TestTls.Of(_domain, "n1"));
        var outcome = dialer.Dial(silent.Endpoint.Address, Meet, CancellationToken.None);
        Assert.That((outcome.Status, outcome.Detail), Is.EqualTo((DialStatus.TimedOut, "no end of the TLS handshake in time")));
    }

    [Test]
    public void A_dialler_without_tls_is_refused_before_its_Hello_is_read()
    {
        using var listener = Listen(TestTls.Of(_domain, "n2"));
        Assert.That(RawPeer.Dial(listener.EndPoint, Meet).Status, Is.EqualTo(DialStatus.Broken));
        Patience.Until(() => _log.Any(line => line.Contains("it does not speak TLS, as one that was started without --tls")), "it is said");
    }

    private PeerListener Listen(TestTls? tls) => PeerListener.Start(
        new IPEndPoint(IPAddress.Loopback, FreePorts.Next()),
        new PeerListenerOptions { Tls = tls, Log = (_, message) => _log.Enqueue(message) });

    private void AssertNotBelieved(PeerListener listener, string words)
    {
        var outcome = RawPeer.Dial(listener.EndPoint, Meet, TestTls.Of(_domain, "n1"));
        Assert.That((outcome.Status, outcome.Reply), Is.EqualTo((DialStatus.NotBelieved, (HandshakeReply?)null)), outcome.Detail);
        Assert.That(outcome.Detail, Does.Contain(words));
    }

    /// <summary>Answers as n3, whoever it is.</summary>
    private sealed class Liar : IConnectionPolicy
    {
        public HandshakeReply Judge(Hello hello) => new Refusal(RefusalCode.Removed, "n1 was removed.", Identities.Cluster, "n3");

        public void Serve(Hello hello, AcceptedConnection connection)
        {
            // Nobody was welcomed.
        }
    }
}
