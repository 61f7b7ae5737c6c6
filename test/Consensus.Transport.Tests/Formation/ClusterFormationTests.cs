using System.Collections.Concurrent;
using System.Net;
using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Formation;
using Consensus.Transport.Handshake;
using Consensus.Transport.Listening;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Formation;

/// <summary>First starts over real sockets.</summary>
public sealed class ClusterFormationTests
{
    private readonly List<Starter> _started = [];

    [TearDown]
    public void EndAll()
    {
        _started.ForEach(starter => starter.Dispose());
        _started.Clear();
    }

    [Test]
    public void A_single_member_forms_at_once()
    {
        var a = NewCluster("a").Single();
        var result = Patience.Result(a.Start());
        Assert.That(result.Members.Single().Id, Is.EqualTo(result.Member));
    }

    [TestCase("abc")]
    [TestCase("acb")]
    [TestCase("bac")]
    [TestCase("bca")]
    [TestCase("cab")]
    [TestCase("cba")]
    public void Three_members_form_one_cluster_in_whatever_order_they_start(string order)
    {
        var members = NewCluster("abc").ToDictionary(member => member.Name);
        AssertOneCluster([.. order.Select(name => members[name.ToString()].Start())]);
    }

    [Test]
    public void Five_members_form_one_cluster()
    {
        var members = NewCluster("edcba");
        AssertOneCluster([.. members.Select(member => member.Start())]);
    }

    [Test]
    public void Members_whose_port_opens_late_are_met_then()
    {
        var members = NewCluster("ab");
        members[1].Close();
        var first = members[0].Start();
        members[0].WaitForLog("a has met nobody yet, and waits to meet b");
        members[1].Reopen();
        AssertOneCluster([first, members[1].Start()]);
    }

    [Test]
    public void Formed_members_serve_links_on_the_same_port_and_let_the_last_one_form()
    {
        var members = NewCluster("abc");
        var last = members[2];
        var earlier = members.Take(2).Select(member => member.Start()).ToList();
        // The last one is met, but its process ends before it can decide.
        var first = last.Start();
        earlier.ForEach(task => Patience.Result(task));
        last.Close();
        _ = first.ContinueWith(task => task.Exception, TaskScheduler.Default);
        using var a = members[0].BecomeFormed(earlier[0].Result);
        using var b = members[1].BecomeFormed(earlier[1].Result);
        a.WaitForUp(earlier[1].Result.Member);
        b.WaitForUp(earlier[0].Result.Member);
        last.Reopen();
        var result = Patience.Result(last.Start());
        Assert.That(result.Cluster, Is.EqualTo(earlier[0].Result.Cluster));
        using var c = last.BecomeFormed(result);
        c.WaitForUp(earlier[0].Result.Member);
        a.WaitForUp(result.Member);
        Assert.That(a.Events.Of(earlier[1].Result.Member), Has.Count.EqualTo(1), "the others were not disturbed");
    }

    [Test]
    public void A_wiped_member_forms_nothing_once_the_others_are_formed()
    {
        var members = NewCluster("ab");
        var tasks = members.Select(member => member.Start()).ToList();
        AssertOneCluster(tasks);
        using var a = members[0].BecomeFormed(tasks[0].Result);
        members[1].Close();
        members[1].Incarnation++;
        members[1].Reopen();
        AssertFormedWithout(members[1], Patience.Result(members[1].Start()), tasks[0].Result.Cluster);
    }

    [Test]
    public void A_process_that_the_formed_ones_do_not_know_forms_nothing()
    {
        var members = NewCluster("abc");
        var early = members.Take(2).ToList();
        early.ForEach(member => member.List = [.. member.List.Take(2)]);
        var tasks = early.Select(member => member.Start()).ToList();
        AssertOneCluster(tasks);
        using var a = members[0].BecomeFormed(tasks[0].Result);
        // Both: one that has formed and does not serve yet would still judge a stranger by its list.
        using var b = members[1].BecomeFormed(tasks[1].Result);
        AssertFormedWithout(members[2], Patience.Result(members[2].Start()), tasks[0].Result.Cluster);
    }

    [Test]
    public void A_process_forms_nothing_while_another_one_is_still_awaited()
    {
        var members = NewCluster("abc");
        var tasks = members.Select(member => member.Start()).ToList();
        AssertOneCluster(tasks);
        using var a = members[0].BecomeFormed(tasks[0].Result);
        members[1].Close();
        members[2].Close();
        members[2].Incarnation++;
        members[2].Reopen();
        AssertFormedWithout(members[2], Patience.Result(members[2].Start()), tasks[0].Result.Cluster);
    }

    [Test]
    public void A_member_wiped_before_the_others_formed_takes_part_anew()
    {
        var members = NewCluster("abc");
        var a = members[0].Start();
        _ = members[1].Start();
        members[0].WaitForLog("waits to meet c");
        members[1].Close();
        members[1].Incarnation++;
        members[1].Reopen();
        AssertOneCluster([a, members[1].Start(), members[2].Start()]);
        Assert.That(a.Result.Members.Select(member => member.Id), Does.Contain(ClusterIdentity.MemberIdOf("b", members[1].Incarnation)));
    }

    [Test]
    public void Different_lists_are_refused_naming_both()
    {
        var members = NewCluster("abc");
        var a = members[0].Start();
        members[1].List = [.. members[1].List.Take(2)];
        var refusal = Assert.Throws<FormationRefusedException>(() => Patience.Result(members[1].Start()));
        Assert.That(refusal.Message, Does.Contain("a with").And.Contain("b was started with --initial-cluster").Or.Contain("b with").And.Contain("a was started with --initial-cluster"));
        Assert.That(refusal.Message, Does.Contain(members[2].Address));
        Assert.That(a.IsCompletedSuccessfully, Is.False);
    }

    [Test]
    public void Different_tokens_are_refused()
    {
        var members = NewCluster("ab");
        _ = members[0].Start();
        members[1].Token = "other";
        var refusal = Assert.Throws<FormationRefusedException>(() => Patience.Result(members[1].Start()));
        Assert.That(refusal.Message, Does.Contain("--cluster-token"));
    }

    [Test]
    public void An_address_where_another_member_answers_is_refused()
    {
        var members = NewCluster("abc");
        var (addressOfB, addressOfC) = (members[1].Address, members[2].Address);
        foreach (var member in members)
        {
            member.List = [new("a", members[0].Address), new("b", addressOfC), new("c", addressOfB)];
        }
        _ = members[1].Start();
        var refusal = Assert.Throws<FormationRefusedException>(() => Patience.Result(members[0].Start()));
        Assert.That(refusal.Message, Does.Contain("a dialled c, but b answers"));
    }

    [Test]
    public void A_formed_member_that_wants_a_link_is_told_to_try_again()
    {
        var member = NewCluster("ab")[0];
        _ = member.Start();
        var outcome = RawPeer.Dial(member.EndPoint, Identities.HelloTo("a", Identities.OnWire(Identities.Formed("b", token: Starter.DefaultToken))));
        Assert.That(((Refusal)outcome.Reply!).Code, Is.EqualTo(RefusalCode.NotReady));
    }

    [Test]
    public void A_process_that_waits_says_who_was_met_and_who_not_and_each_address_once()
    {
        var members = NewCluster("abc");
        members[2].Close();
        _ = members[0].Start();
        _ = members[1].Start();
        members[0].WaitForLog(
            $"a has met b, and waits to meet c ({members[2].Address}: nobody listens there); start who does not run, and if somebody has moved, start a again");
    }

    [Test]
    public void Waiting_ends_when_it_is_cancelled()
    {
        var member = NewCluster("ab")[0];
        var task = member.Start();
        member.WaitForLog("waits to meet b");
        member.Cancel();
        Assert.Throws<OperationCanceledException>(() => Patience.Result(task));
    }

    private static void AssertOneCluster(IReadOnlyList<Task<FormationResult>> tasks)
    {
        var results = tasks.Select(Patience.Result).ToList();
        Assert.That(results.Select(result => result.Cluster).Distinct().Count(), Is.EqualTo(1));
        Assert.That(results.Select(result => result.Member).Distinct().Count(), Is.EqualTo(results.Count));
        foreach (var result in results)
        {
            Assert.That(result.Members, Is.EqualTo(results[0].Members));
            Assert.That(result.Members, Has.Count.EqualTo(results.Count));
            Assert.That(result.Members.Select(member => member.Id), Does.Contain(result.Member));
        }
    }

    private static void AssertFormedWithout(Starter stranger, FormationResult result, ClusterId cluster)
    {
        Assert.That(result.IsFormed, Is.False);
        Assert.That(result.Cluster, Is.EqualTo(cluster));
        Assert.That(result.Member, Is.EqualTo(ClusterIdentity.MemberIdOf(stranger.Name, stranger.Incarnation)), "it is nobody that the cluster knows");
    }

    private List<Starter> NewCluster(string names)
    {
        var members = names.Select(name => new Starter(name.ToString())).ToList();
        _started.AddRange(members);
        foreach (var member in members)
        {
            member.List = [.. members.Select(other => new InitialPeer(other.Name, other.Address))];
        }
        return members;
    }

    /// <summary>A member's process at its first start.</summary>
    private sealed class Starter(string name) : IDisposable
    {
        public const string DefaultToken = "first";
        private readonly CancellationTokenSource _cancel = new();
        private readonly ConcurrentQueue<string> _log = [];
        private PeerListener _listener = PeerListener.Start(new IPEndPoint(IPAddress.Loopback, FreePorts.Next()));

        public string Name => name;

        public long Incarnation { get; set; } = name[0];

        public string Token { get; set; } = DefaultToken;

        public IReadOnlyList<InitialPeer> List { get; set; } = [];

        public IPEndPoint EndPoint => _listener.EndPoint;

        public string Address => EndPoint.ToString();

        public Task<FormationResult> Start()
        {
            var formation = new ClusterFormation(_listener, new FormationOptions
            {
                Name = name,
                Incarnation = Incarnation,
                Token = Token,
                Boot = 1,
                InitialCluster = List,
                ReminderEvery = TimeSpan.FromMilliseconds(50),
                Log = (_, message) => _log.Enqueue(message),
            });
            return formation.RunAsync(_cancel.Token);
        }

        public Linked BecomeFormed(FormationResult result)
        {
            var identity = new DirectoryIdentity(name, Incarnation, ClusterIdentity.TokenDigest(Token), result.Cluster, result.Member);
            var events = new RecordingEvents();
            var transport = new PeerTransport(
                _listener, new PeerTransportOptions { Identity = identity, Boot = 1, AdvertisedAddress = Address }, events);
            transport.SetPeers([.. result.Members.Select(member => new PeerEndpoint(member.Id, member.Name, member.PeerAddress))]);
            return new Linked(transport, events);
        }

        public void WaitForLog(string part) => Patience.Until(() => _log.Any(line => line.Contains(part)), part);

        public void Cancel() => _cancel.Cancel();

        public void Close() => _listener.Dispose();

        public void Reopen() => _listener = PeerListener.Start(_listener.EndPoint);

        public void Dispose()
        {
            _cancel.Cancel();
            _listener.Dispose();
        }
    }

    private sealed record Linked(PeerTransport Transport, RecordingEvents Events) : IDisposable
    {
        public void WaitForUp(MemberId member) => Events.WaitFor(new UpEvent(member, 1));

        public void Dispose() => Transport.Dispose();
    }
}
