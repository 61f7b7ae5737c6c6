using System.Net;
using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Security.Certificates;
using Consensus.Transport.Formation;
using Consensus.Transport.Joining;
using Consensus.Transport.Listening;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Tls;

/// <summary>Everything that members do on their peer connections, in mutual TLS.</summary>
public sealed class TlsClusterTests
{
    private const string Token = "c-test";
    private TestCertificates _domain = null!;

    [SetUp]
    public void Begin() => _domain = new TestCertificates();

    [TearDown]
    public void End() => _domain.Dispose();

    [Test]
    public void Three_members_form_a_cluster_link_and_move_a_snapshot()
    {
        var starters = new[] { "n1", "n2", "n3" }.Select(name => new Starter(name, TestTls.Of(_domain, name))).ToList();
        InitialPeer[] list = [.. starters.Select(starter => new InitialPeer(starter.Name, starter.Listener.EndPoint.ToString()))];
        var results = starters.Select(starter => starter.Form(list)).ToList().Select(Patience.Result).ToList();
        Assert.That(results.Select(result => result.Cluster).Distinct().Count(), Is.EqualTo(1));
        var events = new List<RecordingEvents>();
        var transports = new List<PeerTransport>();
        for (var i = 0; i < starters.Count; i++)
        {
            events.Add(new RecordingEvents());
            transports.Add(starters[i].Start(results[i], events[i]));
        }
        try
        {
            for (var i = 0; i < starters.Count; i++)
            {
                var others = results.Where((_, other) => other != i).ToList();
                others.ForEach(other => events[i].WaitFor(new UpEvent(other.Member, 1)));
            }
            var content = Enumerable.Range(0, 3_000_000).Select(n => (byte)(n * 31 >> 4)).ToArray();
            using var arrival = new Arrival();
            events[1].OnSnapshot = (_, _, _) => arrival;
            transports[0].SendSnapshot(results[1].Member, new byte[] { 1 }, new MemoryStream(content));
            events[0].WaitFor(new SnapshotSentEvent(results[1].Member, true));
            Assert.That(arrival.Taken, Is.EqualTo(content));
            Assert.That(Patience.Result(Joining(list, "n4").RunAsync(CancellationToken.None)), Is.EqualTo(results[0].Cluster));
        }
        finally
        {
            transports.ForEach(transport => transport.Dispose());
        }
    }

    [Test]
    public void A_snapshot_that_is_refused_in_the_middle_is_told_so()
    {
        using var a = new TestMember("a", tls: TestTls.Of(_domain, "a"));
        using var b = new TestMember("b", tls: TestTls.Of(_domain, "b"));
        TestMember.Link(a, b);
        using var arrival = new Arrival { Room = 200_000 };
        b.Events.OnSnapshot = (_, _, _) => arrival;
        a.Transport.SendSnapshot(b.Id, Array.Empty<byte>(), new MemoryStream(new byte[30_000_000]));
        a.Events.WaitFor(new SnapshotSentEvent(b.Id, false));
        Assert.That(a.Events.Outcomes.Single().Rejection?.Reason, Is.EqualTo(SnapshotRefusal.NoRoom));
    }

    [Test]
    public void A_snapshot_ends_when_its_receiver_is_believed_no_more()
    {
        using var later = new TestCertificates();
        var tls = TestTls.Of(_domain, "a");
        using var a = new TestMember("a", tls: tls);
        using var b = new TestMember("b", tls: TestTls.Of(_domain, "b"));
        TestMember.Link(a, b);
        using var arrival = new Arrival { OnWrite = () => tls.Change(Bundle.Load(later.Member("a"), "a")) };
        b.Events.OnSnapshot = (_, _, _) => arrival;
        a.Transport.SendSnapshot(b.Id, Array.Empty<byte>(), new MemoryStream(new byte[50_000_000]));
        a.Events.WaitFor(new SnapshotSentEvent(b.Id, false));
        Assert.That(arrival.IsComplete, Is.False);
    }

    [Test]
    public void A_snapshot_ends_when_its_sender_is_believed_no_more()
    {
        using var later = new TestCertificates();
        var tls = TestTls.Of(_domain, "b");
        using var a = new TestMember("a", tls: TestTls.Of(_domain, "a"));
        using var b = new TestMember("b", tls: tls);
        TestMember.Link(a, b);
        using var arrival = new Arrival { OnWrite = () => tls.Change(Bundle.Load(later.Member("b"), "b")) };
        b.Events.OnSnapshot = (_, _, _) => arrival;
        a.Transport.SendSnapshot(b.Id, Array.Empty<byte>(), new MemoryStream(new byte[1_000_000]));
        a.Events.WaitFor(new SnapshotSentEvent(b.Id, false));
        Assert.That(arrival.Taken, Has.Length.LessThan(1_000_000));
    }

    private ClusterJoin Joining(IReadOnlyList<InitialPeer> list, string name) => new(new JoinOptions
    {
        Identity = new DirectoryIdentity(name, 4, ClusterIdentity.TokenDigest(Token), ClusterId.None, MemberId.None),
        Boot = 5,
        AdvertisedAddress = "127.0.0.1:9",
        Addresses = [.. list.Select(peer => peer.PeerAddress)],
        Tls = TestTls.Of(_domain, name),
        DialTimeout = Patience.Limit,
        HandshakeTimeout = Patience.Limit,
    });

    /// <summary>A member's process at its first start.</summary>
    private sealed class Starter(string name, TestTls tls)
    {
        public string Name => name;

        public PeerListener Listener { get; } = PeerListener.Start(
            new IPEndPoint(IPAddress.Loopback, FreePorts.Next()), new PeerListenerOptions { Tls = tls });

        public Task<FormationResult> Form(IReadOnlyList<InitialPeer> list) => new ClusterFormation(Listener, new FormationOptions
        {
            Name = name,
            Incarnation = name[1],
            Token = Token,
            Boot = 1,
            InitialCluster = list,
            Tls = tls,
        }).RunAsync(CancellationToken.None);

        public PeerTransport Start(FormationResult result, RecordingEvents events)
        {
            var identity = new DirectoryIdentity(name, name[1], ClusterIdentity.TokenDigest(Token), result.Cluster, result.Member);
            var options = new PeerTransportOptions
            {
                Identity = identity,
                Boot = 1,
                AdvertisedAddress = Listener.EndPoint.ToString(),
                Tls = tls,
            };
            var transport = new PeerTransport(Listener, options, events);
            transport.SetPeers([.. result.Members.Select(member => new PeerEndpoint(member.Id, member.Name, member.PeerAddress))]);
            return transport;
        }
    }

    private sealed class Arrival : ISnapshotArrival
    {
        private readonly MemoryStream _taken = new();
        private volatile bool _isComplete;

        public int Room { get; init; } = int.MaxValue;

        public Action OnWrite { get; init; } = () => { };

        public bool IsComplete => _isComplete;

        public long TakenBytes => 0;

        public byte[] Taken
        {
            get
            {
                lock (_taken)
                {
                    return _taken.ToArray();
                }
            }
        }

        public SnapshotRejection? Write(ReadOnlySpan<byte> chunk)
        {
            lock (_taken)
            {
                _taken.Write(chunk);
            }
            OnWrite();
            return _taken.Length > Room ? new SnapshotRejection(SnapshotRefusal.NoRoom, "its disk is full") : null;
        }

        public SnapshotRejection? Complete()
        {
            _isComplete = true;
            return null;
        }

        public void Dispose()
        {
            // What was taken stays, to be looked at.
        }
    }
}
