using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Holding;

/// <summary>A hold that lasts no longer than its <c>maxHold</c>, whatever it is a hold of, by a clock that the test moves.</summary>
internal sealed class MaxHoldTests
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan MaxHold = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Tick = TimeSpan.FromTicks(1);

    /// <summary>A twentieth of the TTL, which is shorter here than the longest hold.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(0.3);

    private static readonly Kind[] Kinds =
    [
        new("lock", async (client, owner) => await client.TryAcquireLockAsync("a", new LockOptions { Ttl = Ttl, MaxHold = MaxHold, Owner = owner })),
        new("shared lock", async (client, owner) =>
            await client.TryAcquireLockAsync("a", new LockOptions { Ttl = Ttl, MaxHold = MaxHold, Owner = owner, Shared = owner == "me" })),
        new("several locks", async (client, owner) =>
            await client.TryAcquireLocksAsync(["a", "b"], new MultiLockOptions { Ttl = Ttl, MaxHold = MaxHold, Owner = owner })),
        new("semaphore", async (client, owner) =>
            await client.TryAcquireSemaphoreAsync("a", 1, new SemaphoreOptions { Ttl = Ttl, MaxHold = MaxHold, Owner = owner })),
        new("election", async (client, owner) => await client.TryCampaignAsync("a", new CampaignOptions { Ttl = Ttl, MaxHold = MaxHold, Owner = owner })),
    ];

    private ManualTimeProvider _time = null!;
    private InMemoryCluster _cluster = null!;
    private IConsensusClient _client = null!;

    [SetUp]
    public void Start()
    {
        _time = new ManualTimeProvider();
        _cluster = new InMemoryCluster(_time);
        _client = _cluster.CreateClient();
    }

    [TearDown]
    public void Stop()
    {
        _client.Dispose();
        _cluster.Dispose();
    }

    [TestCaseSource(nameof(Kinds))]
    public async Task Renewals_make_a_hold_safe_for_no_longer_than_its_max_hold(Kind kind)
    {
        var start = _time.GetUtcNow();
        var handle = (await kind.Take(_client, "me"))!;
        Assert.That(handle.SafeUntil, Is.EqualTo(start + (0.99 * Ttl) - Margin));

        _time.Advance(TimeSpan.FromSeconds(3));
        await Eventually.UntilAsync(() => handle.SafeUntil == start + (0.99 * MaxHold) - Margin, "it is renewed, up to its longest time");
        _time.Advance(handle.SafeFor - Tick);
        Assert.That(handle.IsHeld, Is.True);

        _time.Advance(Tick);
        Assert.That(handle.IsHeld, Is.False, "by the clock, before any timer had its turn");
        Assert.That(handle.SafeFor, Is.EqualTo(TimeSpan.Zero));
        await handle.LostAsync();
        Assert.That(handle.LossReason, Does.Contain("maxHold"));
    }

    [TestCaseSource(nameof(Kinds))]
    public async Task The_handle_is_told_before_another_is_granted(Kind kind)
    {
        var handle = (await kind.Take(_client, "me"))!;
        using var other = _cluster.CreateClient("other");
        var granted = handle.SafeUntil;
        _time.Advance(TimeSpan.FromSeconds(3));
        await Eventually.UntilAsync(() => handle.SafeUntil > granted, "it is renewed");

        _time.Advance(handle.SafeFor);
        await handle.LostAsync();
        Assert.That(await kind.Take(other, "other"), Is.Null, "it lasts for the margin");

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(await kind.Take(other, "other"), Is.Not.Null);
    }

    [Test]
    public async Task The_time_begins_at_the_grant_and_not_at_the_request()
    {
        var first = await _client.AcquireLockAsync("a", new LockOptions { Ttl = Ttl });
        var start = _time.GetUtcNow();
        var waiting = _client.AcquireLockAsync("a", new LockOptions { Ttl = TimeSpan.FromSeconds(30), MaxHold = MaxHold });
        await Eventually.UntilAsync(async () => (await _client.GetLockAsync("a")).WaiterCount == 1, "it waits");
        _time.Advance(TimeSpan.FromSeconds(2));
        await first.DisposeAsync();

        var handle = await waiting.InTimeAsync();

        // The margin is a twentieth of the longest hold here, for the lease outlives it.
        Assert.That(handle.SafeUntil, Is.EqualTo(start + (0.99 * (MaxHold + TimeSpan.FromSeconds(2))) - TimeSpan.FromSeconds(0.4)));
    }

    [Test]
    public void A_margin_that_leaves_no_time_within_the_max_hold_is_refused() => Assert.That(
        async () => await _client.AcquireLockAsync("a", new LockOptions { Ttl = TimeSpan.FromSeconds(60), MaxHold = MaxHold, SafetyMargin = TimeSpan.FromSeconds(5) }),
        Throws.TypeOf<ArgumentOutOfRangeException>());

    internal sealed record Kind(string Name, Func<IConsensusClient, string, Task<HoldHandle?>> Take)
    {
        public override string ToString() => Name;
    }
}
