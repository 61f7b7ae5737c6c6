using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Sessions;

/// <summary>When handles under a session are told to be lost, by a clock that the test moves.</summary>
internal sealed class SessionLossTests
{
    private static readonly TimeSpan Third = TimeSpan.FromSeconds(5);

    private ManualTimeProvider _time = null!;
    private InMemoryCluster _cluster = null!;
    private ConsensusClient _client = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _time = new ManualTimeProvider();
        _cluster = new InMemoryCluster(_time);
        _client = (ConsensusClient)_cluster.CreateClient();
        for (var i = 0; i < 2; i++)
        {
            await _client.PutAsync("k", "1"u8.ToArray());
        }
        await Eventually.UntilAsync(() => _client.Session is not null, "the session stands");
    }

    [TearDown]
    public void Close()
    {
        _client.Dispose();
        _cluster.Dispose();
    }

    [Test]
    public async Task Handles_are_told_before_the_session_can_end_and_before_another_is_granted()
    {
        var handle = await _client.AcquireLockAsync("a");
        using var other = _cluster.CreateClient("other");
        _cluster.Disconnect(_client);
        Assert.That(handle.SafeFor, Is.EqualTo(TimeSpan.FromSeconds((15 * 0.99) - 0.75)), "by the clock that decides");

        _time.Advance(handle.SafeFor - TimeSpan.FromTicks(1));
        Assert.That((handle.IsHeld, handle.HandleLost.IsCancellationRequested), Is.EqualTo((true, false)));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.That(handle.IsHeld, Is.False, "by the clock, before any timer had its turn");
        await handle.LostAsync();
        Assert.That(await other.TryAcquireLockAsync("a"), Is.Null, "the session goes on for the margin");

        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.That(await other.TryAcquireLockAsync("a"), Is.Not.Null);
    }

    [Test]
    public async Task More_holds_than_one_answer_tells_are_all_known()
    {
        var handles = new List<LockHandle>();
        for (var i = 0; i < 1_200; i++)
        {
            handles.Add(await _client.AcquireLockAsync($"a{i}"));
        }
        await RenewedAsync(handles[0]);
        Assert.That(handles.Exists(handle => handle.HandleLost.IsCancellationRequested), Is.False);

        _cluster.BreakLock("a1150");
        await RenewedAsync(handles[0]);

        await handles[1_150].LostAsync();
        Assert.That(handles.Count(handle => handle.LossReason is not null), Is.EqualTo(1));
    }

    [Test]
    public async Task When_more_was_broken_than_the_news_remember_all_of_it_is_lost_and_no_more()
    {
        var handles = new List<LockHandle>();
        for (var i = 0; i < 150; i++)
        {
            handles.Add(await _client.AcquireLockAsync($"a{i}"));
        }
        await RenewedAsync(handles[0]);
        for (var i = 1; i < 150; i++)
        {
            _cluster.BreakLock($"a{i}");
        }

        await RenewedAsync(handles[0]);

        await Eventually.UntilAsync(() => handles.Count(handle => handle.HandleLost.IsCancellationRequested) == 149, "they are told");
        Assert.That(
            handles.Count(handle => handle.LossReason is { } why && why.Contains("forced", StringComparison.Ordinal)), Is.EqualTo(100));
        Assert.That(handles[0].IsHeld, Is.True);
    }

    private async Task RenewedAsync(LockHandle handle)
    {
        var before = handle.SafeUntil;
        _time.Advance(Third);
        await Eventually.UntilAsync(() => handle.SafeUntil > before, "the session is renewed");
    }
}
