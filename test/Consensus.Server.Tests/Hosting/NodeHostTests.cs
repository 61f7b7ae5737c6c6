using System.Net;
using System.Net.Sockets;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Hosting;
using Consensus.Server.Options;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Tests.Hosting;

public sealed class NodeHostTests
{
    [Test]
    public async Task A_single_member_keeps_what_it_acknowledged_over_a_restart()
    {
        await using var cluster = await LocalCluster.StartAsync(1, snapshotEntries: 20);
        for (var i = 0; i < 100; i++)
        {
            await LocalCluster.DoneAsync(cluster.Hosts[0]!, LocalCluster.Put($"k{i}", $"v{i}"));
        }
        await cluster.StopMemberAsync(0);
        await cluster.StartMemberAsync(0);
        await cluster.UntilReadyAsync();
        Assert.That(await LocalCluster.GetAsync(cluster.Hosts[0]!, "k0"), Is.EqualTo("v0"));
        Assert.That(await LocalCluster.GetAsync(cluster.Hosts[0]!, "k99"), Is.EqualTo("v99"));
    }

    [TestCase(true, "cannot listen for other members on")]
    [TestCase(false, "cannot listen for clients on")]
    public async Task A_port_in_use_is_refused_by_name_before_anything_is_written(bool isPeer, string sentence)
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        var (inUse, free) = ((IPEndPoint)taken.LocalEndPoint!, new IPEndPoint(IPAddress.Loopback, 0));
        var refusal = await RefusedAsync<IOException>(options => options with { ListenPeer = isPeer ? inUse : free, ListenClient = isPeer ? free : inUse });
        Assert.That(refusal.Message, Does.StartWith($"{sentence} {inUse}: ").And.Contain("in use"));
    }

    [Test]
    public async Task Arguments_that_cannot_be_meant_are_refused_before_anything_is_written()
    {
        var moved = await RefusedAsync<OptionsException>(options => options with { PeerAddresses = [("n2", "127.0.0.1:9")] });
        Assert.That(moved.Message, Does.StartWith("--peer-address says where members of a cluster are by now, and this data directory is empty"));
        var nameless = await RefusedAsync<OptionsException>(options => options with { InitialCluster = [("n2", "127.0.0.1:9")] });
        Assert.That(nameless.Message, Does.Contain("does not name this member"));
        var elsewhere = await RefusedAsync<OptionsException>(options => options with { AdvertisePeer = "127.0.0.1:8", InitialCluster = [("n1", "127.0.0.1:9")] });
        Assert.That(elsewhere.Message, Does.Contain("--advertise-peer"));
        (string, string)[] endless = [("n1", "127.0.0.1:9"), .. Enumerable.Range(2, 14).Select(i => ($"n{i}", $"{new string('h', 200)}:{i}"))];
        var tooLong = await RefusedAsync<OptionsException>(options => options with { InitialCluster = endless });
        Assert.That(tooLong.Message, Does.Contain("--initial-cluster is longer than"));
    }

    /// <summary>A start that is refused, and leaves nothing behind: started as it was meant, it may have another name and another token.</summary>
    private static async Task<T> RefusedAsync<T>(Func<NodeHostOptions, NodeHostOptions> with)
        where T : Exception
    {
        var directory = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var options = with(new NodeHostOptions
        {
            Name = "n1",
            DataDirectory = directory,
            ListenPeer = new IPEndPoint(IPAddress.Loopback, 0),
            AdvertiseClient = "http://127.0.0.1:1",
        });
        try
        {
            var refusal = await Assert.ThrowsAsync<T>(() => NodeHost.StartAsync(options, (_, _) => { }, (_, _) => { }, CancellationToken.None));
            Assert.That(Directory.Exists(directory), Is.False, "nothing is written");
            return refusal!;
        }
        finally
        {
            if (Directory.Exists(directory))
            {
                Directory.Delete(directory, recursive: true);
            }
        }
    }

    [Test]
    public async Task Any_member_takes_writes_and_reads_and_all_states_are_equal()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        for (var i = 0; i < 30; i++)
        {
            var done = await LocalCluster.DoneAsync(cluster.Hosts[i % 3]!, LocalCluster.Put("counter", $"{i}"));
            Assert.That(done, Is.InstanceOf<PutDone>());
            Assert.That(await LocalCluster.GetAsync(cluster.Hosts[(i + 1) % 3]!, "counter"), Is.EqualTo($"{i}"));
        }
        await LocalCluster.EventuallyAsync(
            () => cluster.Hosts.Select(h => (h!.Node.Status.AppliedIndex, h.Node.Status.Hash)).Distinct().Count() == 1,
            "equal hash at equal index");
    }

    [Test]
    public async Task A_clean_stop_hands_leadership_over_and_writes_go_on()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var old = cluster.LeaderIndex();
        await cluster.StopMemberAsync(old);
        var other = cluster.Hosts[(old + 1) % 3]!;
        await LocalCluster.DoneAsync(other, LocalCluster.Put("after", "stop"));
        await cluster.StartMemberAsync(old);
        await cluster.UntilReadyAsync();
        Assert.That(await LocalCluster.GetAsync(cluster.Hosts[old]!, "after"), Is.EqualTo("stop"));
    }

    [Test]
    public async Task A_member_that_was_away_is_brought_back_by_a_snapshot()
    {
        await using var cluster = await LocalCluster.StartAsync(3, snapshotEntries: 50);
        var away = (cluster.LeaderIndex() + 1) % 3;
        await cluster.StopMemberAsync(away);
        var leader = cluster.Leader();
        for (var i = 0; i < 300; i++)
        {
            await LocalCluster.DoneAsync(leader, LocalCluster.Put($"k{i}", $"v{i}"));
        }
        await LocalCluster.EventuallyAsync(() => leader.Node.Status.SnapshotIndex.Value > 200, "the leader took snapshots");
        await cluster.StartMemberAsync(away);
        await LocalCluster.EventuallyAsync(
            () => cluster.Hosts[away]!.Node.Status.AppliedIndex >= leader.Node.Status.AppliedIndex,
            "the member caught up");
        Assert.That(await LocalCluster.GetAsync(cluster.Hosts[away]!, "k299"), Is.EqualTo("v299"));
        await LocalCluster.EventuallyAsync(
            () => cluster.Hosts.Select(h => (h!.Node.Status.AppliedIndex, h.Node.Status.Hash)).Distinct().Count() == 1,
            "equal hash at equal index");
    }

    [Test]
    public async Task A_waiting_lock_request_on_one_member_is_granted_by_a_release_through_another()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var name = Key.FromText("job");
        var first = (HoldGranted)await LocalCluster.DoneAsync(
            cluster.Hosts[0]!, new AcquireCommand(name, "a", 30_000_000, cluster.Hosts[0]!.Node.NewLeaseId(), LeaseId.None, 0));
        var waiting = LocalCluster.DoneAsync(
            cluster.Hosts[1]!, new AcquireCommand(name, "b", 30_000_000, cluster.Hosts[1]!.Node.NewLeaseId(), LeaseId.None, 20_000_000));
        await LocalCluster.EventuallyAsync(() => cluster.Hosts[2]!.Node.Status.Counts.Waiters == 1, "the request waits");
        await LocalCluster.DoneAsync(cluster.Hosts[2]!, new ReleaseHoldCommand(name, first.Hold.Token, Force: false));
        var second = (HoldGranted)await waiting;
        Assert.That(second.Hold.Token.Value, Is.GreaterThan(first.Hold.Token.Value));
    }

    [Test]
    public async Task The_moment_is_what_the_status_says_of_cluster_and_time()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        var node = cluster.Hosts[0]!.Node;
        await LocalCluster.DoneAsync(cluster.Hosts[0]!, new GrantLeaseCommand(node.NewLeaseId(), 600_000_000));
        await LocalCluster.EventuallyAsync(() => node.Moment.Now > ClusterTime.Zero, "time is published");
        var before = node.Status;
        var (id, now) = node.Moment;
        Assert.That(id, Is.EqualTo(before.Cluster).And.Not.EqualTo(default(ClusterId)));
        Assert.That(now.Micros, Is.InRange(before.ClusterTime.Micros, node.Status.ClusterTime.Micros));
    }

    [Test]
    public async Task A_disconnected_waiter_leaves_the_queue()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var name = Key.FromText("job");
        var node = cluster.Hosts[1]!.Node;
        await LocalCluster.DoneAsync(cluster.Hosts[0]!, new AcquireCommand(name, "a", 30_000_000, node.NewLeaseId(), LeaseId.None, 0));
        using var client = new CancellationTokenSource();
        var waiting = node.ExecuteAsync(
            new CommandEnvelope(new AcquireCommand(name, "b", 30_000_000, node.NewLeaseId(), LeaseId.None, 20_000_000)), client.Token).AsTask();
        await LocalCluster.EventuallyAsync(() => node.Status.Counts.Waiters == 1, "the request waits");
        await client.CancelAsync();
        Assert.That((await waiting).Reason, Is.EqualTo(NotDoneReason.Cancelled));
        await LocalCluster.EventuallyAsync(() => node.Status.Counts.Waiters == 0, "the place is free");
    }

    [TestCase(ReadConsistency.Stale)]
    [TestCase(ReadConsistency.Linearizable)]
    public async Task A_read_that_its_caller_gives_up_is_answered_as_cancelled(ReadConsistency consistency)
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        using var client = new CancellationTokenSource();
        var waiting = cluster.Hosts[0]!.Node.ReadAsync(consistency, new Revision(1_000_000), client.Token).AsTask();
        await client.CancelAsync();
        Assert.That((await waiting).Reason, Is.EqualTo(NotDoneReason.Cancelled));
        var before = cluster.Hosts[0]!.Node.ReadAsync(consistency, new Revision(1_000_000), client.Token).AsTask();
        Assert.That((await before).Reason, Is.EqualTo(NotDoneReason.Cancelled), "it was given up before it was asked");
    }

    [Test]
    public async Task A_member_that_stops_keeps_a_place_under_a_lease_for_its_identity_and_gives_up_one_without()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var name = Key.FromText("job");
        var index = (cluster.LeaderIndex() + 1) % 3;
        var node = cluster.Hosts[index]!.Node;
        var lease = (LeaseGranted)await LocalCluster.DoneAsync(cluster.Hosts[index]!, new GrantLeaseCommand(node.NewLeaseId(), 60_000_000));
        await LocalCluster.DoneAsync(cluster.Hosts[index]!, new AcquireCommand(name, "a", 60_000_000, node.NewLeaseId(), LeaseId.None, 0));
        var ask = new AcquireCommand(name, "b", 0, LeaseId.None, lease.Id, 60_000_000);
        var without = node.ExecuteAsync(new CommandEnvelope(ask), CancellationToken.None).AsTask();
        var with = node.ExecuteAsync(new CommandEnvelope(ask, new byte[] { 1 }, new byte[16]), CancellationToken.None).AsTask();
        await LocalCluster.EventuallyAsync(() => node.Status.Counts.Waiters == 2, "both wait");
        await cluster.StopMemberAsync(index);
        Assert.That((await without).Outcome, Is.InstanceOf<WaitCancelled>());
        Assert.That((await with).Outcome, Is.InstanceOf<WaitDetached>());
        var other = cluster.Hosts[(index + 1) % 3]!.Node;
        await LocalCluster.EventuallyAsync(() => other.Status.Counts.Waiters == 1, "one place is kept");
    }

    [Test]
    public async Task An_expired_lease_frees_its_lock()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var name = Key.FromText("job");
        var node = cluster.Hosts[1]!.Node;
        var first = (HoldGranted)await LocalCluster.DoneAsync(
            cluster.Hosts[0]!, new AcquireCommand(name, "a", 300_000, node.NewLeaseId(), LeaseId.None, 0));
        var next = (HoldGranted)await LocalCluster.DoneAsync(
            cluster.Hosts[1]!, new AcquireCommand(name, "b", 300_000, node.NewLeaseId(), LeaseId.None, 20_000_000));
        Assert.That(next.Hold.Token.Value, Is.GreaterThan(first.Hold.Token.Value), "nobody released it");
        await LocalCluster.EventuallyAsync(() => node.Status.Counts is { Leases: 0, HoldsInUse: 0 }, "the second lease ends as well");
    }
}
