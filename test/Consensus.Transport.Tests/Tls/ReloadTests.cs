using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;
using Consensus.Transport.Links;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Tls;

/// <summary>The CA of a cluster is changed in three phases (<c>consensusctl cert renew --ca</c>) while its members go on.</summary>
public sealed class ReloadTests
{
    private static readonly TimeProvider Clock = TimeProvider.System;

    [Test]
    public void Another_CA_comes_in_three_phases_and_no_frame_is_lost()
    {
        using var old = new TestCertificates();
        using var next = new TestCertificates();
        using var a = new Reloaded("a", old);
        using var b = new Reloaded("b", old);
        TestMember.Link(a.Member, b.Member);
        var (oldOne, nextOne) = (old.Authority.Certificate, next.Authority.Certificate);
        Phase(old.Authority, [oldOne, nextOne]);
        Phase(next.Authority, [oldOne, nextOne]);
        Phase(next.Authority, [nextOne]);
        foreach (var (to, from) in new[] { (a, b), (b, a) })
        {
            to.Member.Events.WaitForFrames(from.Sent);
            Assert.That(
                to.Member.Events.FramesFrom(from.Member.Id).Select(frame => BinaryPrimitives.ReadInt32LittleEndian(frame)),
                Is.EqualTo(Enumerable.Range(0, from.Sent)));
            Assert.That(to.Member.Events.All, Has.Count.EqualTo(1), "the link stood all the time");
        }

        // All members have a phase before the next one begins, and their links are made anew in it.
        void Phase(CertificateAuthority issuer, X509Certificate2[] believed)
        {
            var (fromA, fromB) = (b.Accepted, a.Accepted);
            foreach (var member in new[] { a, b })
            {
                member.Read(issuer.IssueMember(member.Member.Identity.Name, [], Clock.GetUtcNow(), anchors: believed));
            }
            Patience.Until(
                () =>
                {
                    a.SendTo(b);
                    b.SendTo(a);
                    return b.HasOneSince(fromA) && a.HasOneSince(fromB);
                },
                "both links are renewed");
        }
    }

    /// <summary>A member whose bundle the test replaces.</summary>
    private sealed class Reloaded : IDisposable
    {
        private readonly TestTls _tls;
        private int _asked;
        private int _arrived;

        public Reloaded(string name, TestCertificates domain)
        {
            _tls = TestTls.Of(domain, name);
            Member = new TestMember(
                name,
                tls: _tls,
                with: options => options with { Renewal = new RenewalLimits { Spread = TimeSpan.Zero } },
                listening: options => options with { Accept = Counted });
            Member.Events.OnFrame = (_, _) => Interlocked.Increment(ref _arrived);
        }

        public TestMember Member { get; }

        public int Sent { get; private set; }

        /// <summary>Connections that were dialled here and have their place.</summary>
        public int Accepted => Volatile.Read(ref _asked) - 1;

        /// <summary>Another connection came, and the one before is gone.</summary>
        public bool HasOneSince(int accepted) => Accepted > accepted && Member.Listener.ConnectionCount == 1;

        public void Read(string bundle) => _tls.Change(Bundle.Read(bundle, "reloaded", "reloaded"));

        /// <summary>Some frames, never so many that the link's bound would drop one.</summary>
        public void SendTo(Reloaded other)
        {
            for (var i = 0; i < 20 && Sent - Volatile.Read(ref other._arrived) < 1000; i++)
            {
                var frame = new byte[100];
                BinaryPrimitives.WriteInt32LittleEndian(frame, Sent);
                Assert.That(Member.Transport.Send(other.Member.Id, frame), Is.True);
                Sent++;
            }
            Member.Transport.Flush();
        }

        public void Dispose() => Member.Dispose();

        private Socket Counted(Socket listener)
        {
            // Asked for the next one when the one before has its place.
            Interlocked.Increment(ref _asked);
            return listener.Accept();
        }
    }
}
