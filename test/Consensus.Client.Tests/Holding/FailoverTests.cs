using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Holding;

/// <summary>What holders and watchers of a real cluster of three notice of the death of its leader: nothing.</summary>
internal sealed class FailoverTests
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(15);

    private IReadOnlyList<ServerProcess> _members = [];

    [OneTimeSetUp]
    public async Task StartAsync() => _members = await ServerProcess.StartClusterAsync(3);

    [OneTimeTearDown]
    public void Stop()
    {
        foreach (var member in _members)
        {
            member.Dispose();
        }
    }

    [Test]
    public async Task Holds_and_watches_live_through_the_death_of_the_leader()
    {
        using var client = new ConsensusClient([.. _members.Select(member => member.Endpoint)]);
        await using var handle = await client.AcquireLockAsync("a", new LockOptions { Ttl = Ttl });
        await using var leadership = await client.CampaignAsync("e", new CampaignOptions { Ttl = Ttl, Value = "before" });
        await using var lease = await client.GrantLeaseAsync(Ttl);
        await using var locks = await client.AcquireLocksAsync(["x", "y"], new MultiLockOptions { Ttl = Ttl });
        var revision = await client.PutAsync("k", "1"u8.ToArray(), lease.Id);
        await using var watch = client.WatchAsync("k", new WatchOptions { FromRevision = revision }).GetAsyncEnumerator();
        await using var observer = client.ObserveLeaderAsync("e").GetAsyncEnumerator();
        Assert.That((await watch.NextAsync()).Revision, Is.EqualTo(revision));
        Assert.That((await observer.NextAsync()).Value, Is.EqualTo("before"));
        var waiting = client.AcquireLockAsync("a", new LockOptions { Ttl = Ttl, Owner = "next" });
        await Eventually.UntilAsync(async () => (await client.GetLockAsync("a")).WaiterCount == 1, "one waits");

        var leader = await LeaderAsync();
        leader.Kill();

        HoldHandle[] held = [handle, leadership, lease, locks];
        var before = held.Select(one => one.SafeUntil).ToList();
        // An answer of the old leader may still be on its way; a second renewal is the next one's.
        await Eventually.UntilAsync(() => held.Zip(before).All(one => one.First.SafeUntil > one.Second + (Ttl / 2)), "all are renewed by the next leader");
        Assert.That(Array.Exists(held, one => one.HandleLost.IsCancellationRequested), Is.False);
        await leadership.ProclaimAsync("after");
        Assert.That((await observer.NextAsync()).Value, Is.EqualTo("after"));
        var second = await client.PutAsync("k", "2"u8.ToArray(), lease.Id);
        Assert.That((await watch.NextAsync()).Revision, Is.EqualTo(second));
        Assert.That(waiting.IsCompleted, Is.False);

        await handle.DisposeAsync();
        await using var next = await waiting.InTimeAsync();
        Assert.That(next.Owner, Is.EqualTo("next"));
        Assert.That(next.FencingToken, Is.GreaterThan(handle.FencingToken));
        await leader.RunAsync();
    }

    [Test]
    public async Task A_wait_through_a_member_that_freezes_is_granted_through_another()
    {
        var leader = await LeaderAsync();
        var frozen = _members.First(member => member != leader);
        using var holder = new ConsensusClient(leader.Endpoint);
        using var waiter = new ConsensusClient(new ConsensusClientOptions
        {
            Endpoints = [frozen.Endpoint, .. _members.Where(member => member != frozen).Select(member => member.Endpoint)],
            WaitSlice = TimeSpan.FromMilliseconds(200),
            AttemptTimeout = TimeSpan.FromSeconds(1),
        });
        await using var handle = await holder.AcquireLockAsync("frozen", new LockOptions { Ttl = Ttl });
        var waiting = waiter.AcquireLockAsync("frozen", new LockOptions { Ttl = Ttl, Owner = "next" });
        await Eventually.UntilAsync(async () => (await holder.GetLockAsync("frozen")).WaiterCount == 1, "one waits");
        frozen.Freeze();
        try
        {
            await handle.DisposeAsync();

            await using var next = await waiting.InTimeAsync();
            Assert.That(next.Owner, Is.EqualTo("next"));
        }
        finally
        {
            frozen.Thaw();
        }
    }

    private async Task<ServerProcess> LeaderAsync()
    {
        using var api = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [_members[0].Endpoint] });
        var cluster = await api.GetClusterAsync(CancellationToken.None);
        Assert.That(cluster.Succeeded, cluster.Problem?.Detail);
        return _members.Single(member => member.Name == cluster.Value!.Leader);
    }
}
