using Consensus.Security.Generations;
using Consensus.Transport.Dialing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Tests.Support;

namespace Consensus.Security.Tests.Peers;

/// <summary>Rows 36 to 38, beside: a member whose certificate the replicated state says is revoked.</summary>
public sealed class RevokedMemberTests
{
    private readonly List<byte[]> _revoked = [];
    private long _version;
    private TestCertificates _domain = null!;
    private TestTls _ownTls = null!;
    private TestTls _otherTls = null!;
    private TestMember _own = null!;
    private TestMember _other = null!;

    [SetUp]
    public void Begin()
    {
        _revoked.Clear();
        _version = 1;
        _domain = new TestCertificates();
        (_ownTls, _otherTls) = (TestTls.Of(_domain, "n1"), TestTls.Of(_domain, "n2"));
        _own = new TestMember("n1", tls: _ownTls);
        _other = new TestMember("n2", tls: _otherTls);
        // The other is behind: its state does not have the revocation, so what ends and fails does by n1 alone.
        _ownTls.Members.Follow(() => Volatile.Read(ref _version), IsRevoked);
    }

    [TearDown]
    public void End()
    {
        _own.Dispose();
        _other.Dispose();
        _domain.Dispose();
        Assert.That(_own.Fatal, Is.Empty);
    }

    [Test]
    public void Who_is_dialled_refuses_it_before_a_Hello_is_read()
    {
        _own.Transport.SetPeers([_other.Endpoint]);
        Revoke(_otherTls);
        foreach (var purpose in new[] { Purpose.Link, Purpose.Snapshot, Purpose.Join })
        {
            var hello = Identities.HelloTo(
                purpose == Purpose.Join ? "" : "n1", Identities.OnWire(Identities.Formed("n2")), purpose);
            var outcome = RawPeer.Dial(_own.Listener.EndPoint, hello, _otherTls);
            Assert.That((outcome.Status, outcome.Reply), Is.EqualTo((DialStatus.Broken, (HandshakeReply?)null)), outcome.Detail);
        }
        const string Words = "was refused: its certificate, of the member n2, is revoked: consensusctl cert renew n2";
        Patience.Until(() => Logged(Words), "it is said");
        Assert.That(_own.Transport.Joiners, Is.Empty);
        Assert.That(_own.Events.All, Is.Empty, "nobody is told to stop by it");
    }

    [Test]
    public void Who_dials_refuses_it_too_and_does_not_stop_by_what_it_says()
    {
        Revoke(_otherTls);
        using var revoked = new RawPeer("n2");
        _own.Transport.SetPeers([revoked.Endpoint]);
        for (var i = 0; i < 2; i++)
        {
            Assert.That(revoked.HearsHello(_otherTls), Is.False, "so it has nothing to answer");
        }
        Patience.Until(() => Logged("no link to n2"), "it is said");
        Assert.That(_own.Log.Any(static line => line.Contains("no link to n2") && line.Contains("is revoked")));
        Assert.That(_own.Events.All, Is.Empty);
    }

    [Test]
    public void Links_that_stand_end_when_it_is_revoked_and_stand_again_with_another_one()
    {
        TestMember.Link(_own, _other);
        Assert.That(_ownTls.Members.WhoShowed(FingerprintOf(_otherTls)), Is.EqualTo(new[] { "n2" }));
        Revoke(_otherTls);
        _own.Events.WaitFor(new DownEvent(_other.Id));
        _other.Events.WaitFor(new DownEvent(_own.Id));
        Patience.Until(() => Logged("the link to n2 at ") && Logged("is revoked"), "it is said");
        Patience.Until(() => Logged("the peer connection from") && Logged("was refused"), "it is said of what n2 dialled");
        Assert.That(_own.Events.All.OfType<UpEvent>().Count(), Is.EqualTo(1));

        _otherTls.Change(TestTls.Of(_domain, "n2").Current.Peer);
        Patience.Until(() => _own.Events.All.OfType<UpEvent>().Count() == 2, "another certificate of n2's is believed");
        Patience.Until(() => _other.Events.All.OfType<UpEvent>().Count() == 2, "and by whoever is dialled");
    }

    [Test]
    public void A_revocation_of_others_and_one_that_is_taken_back_leave_links_alone()
    {
        TestMember.Link(_own, _other);
        Revoke(TestTls.Of(_domain, "n3"));
        _other.SendNow(_own.Id, [1, 2, 3]);
        _own.Events.WaitForFrames(1);
        _revoked.Clear();
        Interlocked.Increment(ref _version);
        _other.SendNow(_own.Id, [4]);
        _own.Events.WaitForFrames(2);
        Assert.That(_own.Events.All.OfType<DownEvent>(), Is.Empty);
    }

    [Test]
    public void What_a_member_goes_by_is_what_it_shows_where_it_is_dialled()
    {
        _own.Transport.SetPeers([_other.Endpoint]);
        Patience.Until(() => Shows(_otherTls), "it was dialled");
        var old = TestTls.Of(_domain, "n2");
        var hello = Identities.HelloTo("n1", Identities.OnWire(Identities.Formed("n2")), Purpose.Link);
        RawPeer.Dial(_own.Listener.EndPoint, hello, old);
        Assert.That((Shows(_otherTls), Shows(old)), Is.EqualTo((true, false)), "who dials may be whoever has an old one of it");
    }

    private bool Shows(TestTls tls) => _ownTls.Members.WhoShowed(FingerprintOf(tls)).Contains("n2");

    private static byte[] FingerprintOf(TestTls tls) => MemberCertificates.FingerprintOf(tls.Current.Peer.Leaf);

    private bool IsRevoked(byte[] fingerprint)
    {
        lock (_revoked)
        {
            return _revoked.Exists(each => each.AsSpan().SequenceEqual(fingerprint));
        }
    }

    private void Revoke(TestTls tls)
    {
        lock (_revoked)
        {
            _revoked.Add(FingerprintOf(tls));
        }
        Interlocked.Increment(ref _version);
    }

    private bool Logged(string words) => _own.Log.Any(line => line.Contains(words));
}
