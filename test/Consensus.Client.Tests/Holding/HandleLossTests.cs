using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Holding;

/// <summary>When a handle is told to be lost, by a clock that the test moves.</summary>
internal sealed class HandleLossTests
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(20);
    private static readonly LockOptions Options = new() { Ttl = Ttl };
    private static readonly TimeSpan Tick = TimeSpan.FromTicks(1);

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

    [Test]
    public async Task A_hold_is_safe_for_99_percent_of_its_ttl_less_the_margin()
    {
        var handle = await _client.AcquireLockAsync("a", Options);

        Assert.That(handle.SafeUntil, Is.EqualTo(_time.GetUtcNow() + TimeSpan.FromSeconds((20 * 0.99) - 1)));
        Assert.That(handle.SafeFor, Is.EqualTo(TimeSpan.FromSeconds((20 * 0.99) - 1)));
    }

    [Test]
    public async Task A_margin_can_be_chosen()
    {
        var handle = await _client.AcquireLockAsync("a", Options with { SafetyMargin = TimeSpan.FromSeconds(5) });

        Assert.That(handle.SafeFor, Is.EqualTo(TimeSpan.FromSeconds((20 * 0.99) - 5)));
    }

    [TestCase(-1)]
    [TestCase(11)]
    public void A_margin_that_leaves_no_time_is_refused(int seconds) => Assert.That(
        async () => await _client.AcquireLockAsync("a", Options with { SafetyMargin = TimeSpan.FromSeconds(seconds) }),
        Throws.TypeOf<ArgumentOutOfRangeException>());

    [Test]
    public async Task When_nothing_is_answered_the_handle_is_lost_at_its_safe_end_and_not_before()
    {
        var handle = await _client.AcquireLockAsync("a", Options);
        _cluster.Disconnect(_client);

        _time.Advance(handle.SafeFor - Tick);
        Assert.That(handle.IsHeld, Is.True);
        Assert.That(handle.HandleLost.IsCancellationRequested, Is.False);

        _time.Advance(Tick);
        Assert.That(handle.IsHeld, Is.False, "by the clock, before any timer had its turn");
        await handle.LostAsync();
        Assert.That(handle.LossReason, Is.Not.Empty);
    }

    [Test]
    public async Task The_handle_is_told_before_the_lease_can_end()
    {
        var handle = await _client.AcquireLockAsync("a", Options);
        using var other = _cluster.CreateClient("other");
        _cluster.Disconnect(_client);
        _time.Advance(handle.SafeFor);
        await handle.LostAsync();

        Assert.That(await other.TryAcquireLockAsync("a", Options), Is.Null, "the lease goes on for the margin");

        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.That(await other.TryAcquireLockAsync("a", Options), Is.Not.Null);
    }

    [Test]
    public async Task A_renewal_counts_from_when_it_was_sent()
    {
        var handle = await _client.AcquireLockAsync("a", Options);
        var granted = handle.SafeUntil;

        _time.Advance(TimeSpan.FromSeconds(7));
        await Eventually.UntilAsync(() => handle.SafeUntil != granted, "it is renewed");

        Assert.That(handle.SafeUntil, Is.EqualTo(granted + TimeSpan.FromSeconds(7)));
    }

    [Test]
    public async Task A_connection_that_comes_back_in_time_keeps_the_hold()
    {
        var handle = await _client.AcquireLockAsync("a", Options);
        var granted = handle.SafeUntil;
        _cluster.Disconnect(_client);
        _time.Advance(TimeSpan.FromSeconds(15));
        _cluster.Reconnect(_client);

        // Due a pause after the last that was not answered, which may have been on its way until now.
        await Eventually.UntilAsync(
            () =>
            {
                if (handle.SafeFor > TimeSpan.FromSeconds(1))
                {
                    _time.Advance(TimeSpan.FromMilliseconds(10));
                }
                return handle.SafeUntil > granted;
            },
            "it is renewed");

        Assert.That(handle.HandleLost.IsCancellationRequested, Is.False);
    }

    [Test]
    public async Task The_word_that_the_lease_is_gone_ends_a_hold_at_once()
    {
        var handle = await _client.AcquireLockAsync("a", Options);
        _cluster.RevokeLease(handle.Lease);

        _time.Advance(TimeSpan.FromSeconds(7));
        await handle.LostAsync();

        Assert.That(handle.LossReason, Does.Contain("revoked"));
    }

    [Test]
    public async Task What_a_callback_throws_does_not_keep_the_news_from_others()
    {
        var first = await _client.AcquireLockAsync("a", Options);
        var second = await _client.AcquireLockAsync("b", Options);
        using var gate = new ManualResetEventSlim();
        first.HandleLost.Register(() => throw new InvalidOperationException("a callback's own"));
        first.HandleLost.Register(gate.Wait);
        _cluster.Disconnect(_client);

        _time.Advance(Ttl);

        await second.LostAsync();
        gate.Set();
        await first.LostAsync();
    }

    [Test]
    public async Task A_lost_handle_can_be_disposed_of_and_says_that_it_was_lost()
    {
        var handle = await _client.AcquireLockAsync("a", Options);
        _cluster.BreakLock("a");
        _time.Advance(TimeSpan.FromSeconds(7));
        await handle.LostAsync();

        Assert.That(await handle.ReleaseAsync(), Is.False);
        await handle.DisposeAsync();
        Assert.That(handle.ThrowIfLost, Throws.TypeOf<HandleLostException>());
    }

    [Test]
    public async Task A_disposed_client_tells_its_handles_that_they_are_lost()
    {
        var handle = await _client.AcquireLockAsync("a", Options);

        _client.Dispose();

        await handle.LostAsync();
        Assert.That(async () => await _client.AcquireLockAsync("b", Options, TimeSpan.Zero), Throws.Exception);
    }

    [Test]
    public async Task A_cluster_that_is_away_is_no_lock_that_is_held()
    {
        _cluster.Disconnect(_client);

        var error = await Assert.ThrowsAsync<ConsensusException>(() => _client.TryAcquireLockAsync("a", Options));

        Assert.That(error!.Problem.Kind, Is.EqualTo(ApiFailureKind.Unavailable));
    }

    [Test]
    public async Task Many_holds_are_renewed_side_by_side()
    {
        var handles = new List<LockHandle>();
        for (var i = 0; i < 200; i++)
        {
            handles.Add(await _client.AcquireLockAsync($"a{i}", Options));
        }
        for (var round = 0; round < 4; round++)
        {
            var before = handles[0].SafeUntil;
            _time.Advance(TimeSpan.FromSeconds(7));
            await Eventually.UntilAsync(() => handles.TrueForAll(handle => handle.SafeUntil > before), "all are renewed");
        }
        Assert.That(handles.Exists(handle => handle.HandleLost.IsCancellationRequested), Is.False);
    }
}
