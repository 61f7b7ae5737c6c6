using System.Collections.Concurrent;
using System.Net;
using Consensus.Node.Formation;
using Consensus.Primitives;
using Consensus.Transport.Formation;
using Consensus.Transport.Handshake;
using Consensus.Transport.Joining;
using Consensus.Transport.Listening;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Joining;

/// <summary>Joining over real sockets.</summary>
public sealed class ClusterJoinTests
{
    private readonly ConcurrentBag<string> _log = [];

    [TearDown]
    public void Forget() => _log.Clear();

    private ClusterJoin Join(string name, string[] addresses, string token = Identities.Token, long incarnation = 1, bool waits = false) => new(new JoinOptions
    {
        WaitsForItsName = waits,
        Identity = new DirectoryIdentity(name, incarnation, ClusterIdentity.TokenDigest(token), ClusterId.None, MemberId.None),
        Boot = 5,
        AdvertisedAddress = "127.0.0.1:9",
        Addresses = addresses,
        Log = (_, message) => _log.Add(message),
        CallEvery = TimeSpan.FromMilliseconds(5),
        DialTimeout = Patience.Limit,
        HandshakeTimeout = Patience.Limit,
    });

    [Test]
    public void A_joiner_that_knows_one_member_learns_the_cluster_and_is_listed_by_all()
    {
        using var a = new TestMember("a");
        using var b = new TestMember("b");
        TestMember.Link(a, b);
        using var join = Join("n4", [a.Endpoint.Address]);
        Assert.That(Patience.Result(join.RunAsync(CancellationToken.None)), Is.EqualTo(Identities.Cluster));
        join.KeepCalling(Identities.Formed("n4"), () => true, () => { });
        Patience.Until(() => b.Transport.Joiners.Count == 1, "b comes to know it through a");
        foreach (var member in new[] { a, b })
        {
            var joiner = member.Transport.Joiners.Single();
            Assert.That((joiner.Member, joiner.Name, joiner.PeerAddress), Is.EqualTo((Identities.Formed("n4").Member, "n4", "127.0.0.1:9")));
        }
        Assert.That(a.Events.All.Concat(b.Events.All).Where(e => e.Peer == Identities.Formed("n4").Member), Is.Empty);
    }

    [Test]
    public void A_joiner_that_was_added_or_removed_is_not_listed_as_waiting()
    {
        using var a = new TestMember("a");
        a.Transport.SetPeers([]);
        var joiner = Identities.Formed("n4");
        Hear(a, joiner);
        Patience.Until(() => a.Transport.Joiners.Count == 1, "it is listed");
        a.Transport.SetPeers([Identities.EndpointOf(joiner, "127.0.0.1:9")]);
        Assert.That(a.Transport.Joiners, Is.Empty);
        a.Transport.SetPeers([]);
        Hear(a, joiner);
        Patience.Until(() => a.Transport.Joiners.Count == 1, "it is listed again");
        a.Transport.SetRemoved([joiner.Member]);
        Assert.That(a.Transport.Joiners, Is.Empty);
    }

    [Test]
    public void A_process_whose_name_is_taken_is_listed_as_waiting_so_that_it_is_found_when_the_name_is_free()
    {
        using var a = new TestMember("a");
        var old = Identities.Formed("n4");
        a.Transport.SetPeers([Identities.EndpointOf(old, "127.0.0.1:9")]);
        using var join = Join("n4", [a.Endpoint.Address], incarnation: 77, waits: true);
        var learned = join.RunAsync(CancellationToken.None);
        var now = ClusterIdentity.MemberIdOf("n4", 77);
        Patience.Until(() => a.Transport.Joiners.Select(joiner => (joiner.Name, joiner.Member)).SequenceEqual([("n4", now)]), "it is listed under its own id");
        Assert.That(learned.IsCompleted, Is.False);
        a.Transport.SetRemoved([old.Member]);
        a.Transport.SetPeers([]);
        Assert.That(a.Transport.Joiners.Select(joiner => joiner.Member), Is.EqualTo(new[] { now }), "at once, before its next call");
        Assert.That(Patience.Result(learned), Is.EqualTo(Identities.Cluster));
    }

    [Test]
    public void A_joiner_waits_for_a_member_to_come_up_and_says_for_whom()
    {
        var listener = PeerListener.Start(new IPEndPoint(IPAddress.Loopback, 0));
        var address = listener.EndPoint;
        listener.Dispose();
        using var join = Join("n4", [address.ToString()]);
        var learned = join.RunAsync(CancellationToken.None);
        Patience.Until(() => _log.Any(line => line == $"n4 waits for a member that answers: {address} (nobody listens there)"), "it says for whom it waits");
        using var late = new TestMember("a", port: address.Port);
        late.Transport.SetPeers([]);
        Assert.That(Patience.Result(learned), Is.EqualTo(Identities.Cluster));
    }

    [Test]
    public void Cluster_that_is_still_forming_lets_a_joiner_wait()
    {
        using var listener = PeerListener.Start(new IPEndPoint(IPAddress.Loopback, 0));
        _ = new ClusterFormation(listener, new FormationOptions
        {
            Name = "a",
            Incarnation = 1,
            Token = Identities.Token,
            Boot = 1,
            InitialCluster = [new InitialPeer("a", listener.EndPoint.ToString()), new InitialPeer("b", "127.0.0.1:1")],
        });
        var outcome = RawPeer.Dial(listener.EndPoint, Identities.HelloTo("", Identities.Unformed("n4"), Purpose.Join));
        Assert.That(outcome.Reply, Is.TypeOf<Refusal>().With.Property(nameof(Refusal.IsTransient)).True);
    }

    [Test]
    public void A_joiner_with_another_token_is_refused_with_a_sentence()
    {
        using var a = new TestMember("a");
        a.Transport.SetPeers([]);
        using var join = Join("n4", [a.Endpoint.Address], token: "other");
        var refused = Assert.Throws<FormationRefusedException>(() => Patience.Result(join.RunAsync(CancellationToken.None)));
        Assert.That(refused.Message, Does.Contain("--cluster-token"));
        Assert.That(a.Transport.Joiners, Is.Empty);
    }

    [Test]
    public void A_name_in_use_is_refused_only_when_it_is_said_twice()
    {
        using var member = new RawPeer("a");
        using var join = Join("n4", [member.Endpoint.Address]);
        var learned = join.RunAsync(CancellationToken.None);
        var taken = new Refusal(RefusalCode.DirectoryReplaced, "The name is in use.", Identities.Cluster, "a");
        member.Accept(taken).Socket.Dispose();
        var (second, hello) = member.Accept(taken);
        second.Dispose();
        Assert.That((hello.Purpose, hello.Identity.IsFormed, hello.Identity.Address), Is.EqualTo((Purpose.Join, false, "127.0.0.1:9")));
        var refused = Assert.Throws<FormationRefusedException>(() => Patience.Result(learned));
        Assert.That(refused.Message, Is.EqualTo("The name is in use."));
    }

    [Test]
    public void A_process_that_waits_for_its_name_says_once_how_it_is_freed_and_joins_when_it_is()
    {
        using var member = new RawPeer("a");
        using var join = Join("n4", [member.Endpoint.Address], waits: true);
        var learned = join.RunAsync(CancellationToken.None);
        for (var i = 0; i < 4; i++)
        {
            member.Accept(new Refusal(RefusalCode.DirectoryReplaced, "The name is in use.", Identities.Cluster, "a")).Socket.Dispose();
        }
        Assert.That(learned.IsCompleted, Is.False);
        member.Accept().Socket.Dispose();
        Assert.That(Patience.Result(learned), Is.EqualTo(Identities.Cluster));
        Assert.That(
            _log.Count(line => line.Contains("(consensusctl members remove n4) and then add this one (consensusctl members add n4)")), Is.EqualTo(1));
    }

    [Test]
    public void A_name_that_is_free_by_the_second_call_is_taken()
    {
        using var a = new RawPeer("a");
        using var join = Join("n4", [a.Endpoint.Address]);
        var learned = join.RunAsync(CancellationToken.None);
        a.Accept(new Refusal(RefusalCode.DirectoryReplaced, "The name is in use.", Identities.Cluster, "a")).Socket.Dispose();
        a.Accept().Socket.Dispose();
        Assert.That(Patience.Result(learned), Is.EqualTo(Identities.Cluster));
    }

    [Test]
    public void A_directory_that_was_removed_cannot_join()
    {
        using var a = new TestMember("a");
        a.Transport.SetRemoved([Identities.Formed("n4").Member]);
        a.Transport.SetPeers([]);
        using var join = Join("n4", [a.Endpoint.Address]);
        var removed = Assert.Throws<MemberRemovedException>(() => Patience.Result(join.RunAsync(CancellationToken.None)));
        Assert.That(removed.Message, Is.EqualTo(MemberRemovedException.Sentence("n4", Identities.Cluster)));
    }

    [Test]
    public void A_waiting_joiner_is_told_once_that_it_was_removed_and_calls_no_more()
    {
        using var a = new RawPeer("a");
        using var join = Join("n4", [a.Endpoint.Address]);
        var told = 0;
        join.KeepCalling(Identities.Formed("n4"), () => true, () => Interlocked.Increment(ref told));
        a.Accept(new Refusal(RefusalCode.Removed, "Gone.", new ClusterId(78), "a")).Socket.Dispose();
        a.Accept(new Refusal(RefusalCode.Removed, "Gone.", Identities.Cluster, "a")).Socket.Dispose();
        Patience.Until(() => Volatile.Read(ref told) > 0, "it is told");
        join.Dispose();
        Assert.That(told, Is.EqualTo(1));
        Assert.That(_log.Count(line => line.Contains("says that this process cannot be added: Gone.")), Is.EqualTo(1), "another cluster's word counts for nothing");
    }

    [Test]
    public void Whoever_refuses_a_waiting_joiner_is_called_again()
    {
        using var a = new RawPeer("a");
        using var join = Join("n4", [a.Endpoint.Address]);
        join.KeepCalling(Identities.Formed("n4"), () => true, () => Assert.Fail("it was not removed"));
        for (var i = 0; i < 3; i++)
        {
            a.Accept(new Refusal(RefusalCode.DirectoryReplaced, "The name is in use.", Identities.Cluster, "a")).Socket.Dispose();
        }
        var (socket, hello) = a.Accept();
        socket.Dispose();
        Assert.That(hello.Identity.IsFormed, Is.True);
        Assert.That(_log.Count(line => line.Contains("The name is in use.")), Is.EqualTo(1), "said once");
    }

    private static void Hear(TestMember member, DirectoryIdentity joiner)
    {
        var outcome = RawPeer.Dial(member.Listener.EndPoint, Identities.HelloTo("", Identities.OnWire(joiner), Purpose.Join));
        Assert.That(outcome.Reply, Is.TypeOf<Welcome>());
        outcome.Connection!.Dispose();
    }
}
