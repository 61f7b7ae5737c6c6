using System.Runtime.CompilerServices;
using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Sessions;

/// <summary>Handles under the client's session: the same with the fake and with a real server.</summary>
[TestFixture(true)]
[TestFixture(false)]
internal sealed class SessionHandleTests(bool isFake)
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(15);

    private ServerProcess? _server;
    private InMemoryCluster? _cluster;
    private ConsensusClient _client = null!;
    private string _name = "";

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _cluster = isFake ? new InMemoryCluster() : null;
        _server = isFake ? null : await ServerProcess.StartAsync();
    }

    [OneTimeTearDown]
    public void Stop()
    {
        _cluster?.Dispose();
        _server?.Dispose();
    }

    [SetUp]
    public async Task OpenAsync()
    {
        _name = Guid.NewGuid().ToString("N") + "/";
        _client = await NewClientAsync();
    }

    [TearDown]
    public void Close() => _client.Dispose();

    [Test]
    public async Task All_kinds_of_holds_with_the_sessions_ttl_are_under_it_and_others_are_not()
    {
        await using var one = await _client.AcquireLockAsync(_name + "a");
        await using var reader = await _client.AcquireLockAsync(_name + "b",
            new LockOptions { Shared = true, LockDelay = TimeSpan.FromSeconds(1) });
        await using var permits = await _client.AcquireSemaphoreAsync(_name + "s", 2);
        await using var leadership = await _client.CampaignAsync(_name + "e", new CampaignOptions { Value = "x" });
        await using var several = await _client.AcquireLocksAsync([_name + "c", _name + "d"]);
        await using var longer = await _client.AcquireLockAsync(_name + "l", new LockOptions { Ttl = 2 * Ttl });
        await using var lease = await _client.GrantLeaseAsync(Ttl);

        var session = _client.Session!.Id;
        Assert.That(new[] { one.Lease, reader.Lease, permits.Lease, leadership.Lease, several.Lease }, Is.All.EqualTo(session));
        Assert.That(new[] { longer.Lease, lease.Id }, Has.None.EqualTo(session));
        await leadership.ProclaimAsync("y");
        Assert.That((await _client.GetLeaderAsync(_name + "e")).Value, Is.EqualTo("y"));
    }

    [Test]
    public async Task A_hold_that_is_broken_under_a_living_session_is_lost_with_its_reason_and_no_other_is()
    {
        await using var first = await _client.AcquireLockAsync(_name + "a");
        await using var broken = await _client.AcquireLockAsync(_name + "b");
        await using var last = await _client.CampaignAsync(_name + "b");

        await BreakAsync(_name + "b");

        await broken.LostAsync();
        Assert.That(broken.LossReason, Does.Contain("forced"));
        Assert.That(await broken.ReleaseAsync(), Is.False);
        Assert.That((first.IsHeld, first.HandleLost.IsCancellationRequested), Is.EqualTo((true, false)));
        Assert.That((last.IsHeld, last.HandleLost.IsCancellationRequested), Is.EqualTo((true, false)));
    }

    [Test]
    public async Task Several_locks_are_lost_when_one_of_them_is_broken_and_the_others_are_given_back()
    {
        var several = await _client.AcquireLocksAsync([_name + "a", _name + "b", _name + "c"]);

        await BreakAsync(_name + "b");

        await several.LostAsync();
        Assert.That(several.LossReason, Does.Contain("forced"));
        await several.DisposeAsync();
        Assert.That((await _client.GetLockAsync(_name + "a")).HolderCount, Is.Zero);
        Assert.That((await _client.GetLockAsync(_name + "c")).HolderCount, Is.Zero);
    }

    [Test]
    public async Task A_session_that_ends_takes_all_its_handles()
    {
        var one = await _client.AcquireLockAsync(_name + "a");
        var two = await _client.AcquireSemaphoreAsync(_name + "s", 1);
        await using var own = await _client.AcquireLockAsync(_name + "b", new LockOptions { Ttl = 2 * Ttl });

        await RevokeAsync(one.Lease);

        await one.LostAsync();
        await two.LostAsync();
        Assert.That(own.HandleLost.IsCancellationRequested, Is.False);
        await using var next = await _client.AcquireLockAsync(_name + "a");
        Assert.That(next.Lease, Is.Not.EqualTo(one.Lease));
    }

    [Test]
    public async Task A_place_under_a_session_is_granted_in_turn_and_one_that_is_given_up_is_gone()
    {
        var held = await _client.AcquireLockAsync(_name + "a");
        using var gone = new CancellationTokenSource();
        var given = _client.AcquireLockAsync(_name + "a", null, null, gone.Token);
        await UntilWaitingAsync(1);
        var next = _client.AcquireLockAsync(_name + "a", new LockOptions { Owner = "next" });
        await UntilWaitingAsync(2);

        await gone.CancelAsync();
        await Assert.ThatAsync(() => given.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        await UntilWaitingAsync(1);
        await held.DisposeAsync();

        await using var handle = await next.InTimeAsync();
        Assert.That((handle.Owner, handle.Lease), Is.EqualTo(("next", held.Lease)));
    }

    [Test]
    public async Task A_wait_whose_time_is_over_leaves_nothing_and_says_who_holds_it()
    {
        await using var held = await _client.AcquireLockAsync(_name + "a");

        Assert.That(await _client.TryAcquireLockAsync(_name + "a"), Is.Null);
        var error = await Assert.ThrowsAsync<TimeoutException>(() =>
            _client.AcquireLockAsync(_name + "a", null, TimeSpan.FromMilliseconds(50)));

        Assert.That(error!.Message, Does.Contain("held by"));
        Assert.That((await _client.GetLockAsync(_name + "a")).WaiterCount, Is.Zero);
    }

    [Test]
    public async Task A_hand_over_under_a_session_is_no_loss_and_the_heir_keeps_it()
    {
        var other = await NewClientAsync();
        var handle = await _client.AcquireLockAsync(_name + "a");
        var waiting = other.AcquireLockAsync(_name + "a", new LockOptions { Owner = "heir" });
        await UntilWaitingAsync(1);

        Assert.That(await handle.HandOverAsync("heir"), Is.True);

        await using (var heir = await waiting.InTimeAsync())
        {
            await RenewedAsync(heir);
            Assert.That(heir.IsHeld, Is.True);
            Assert.That((handle.IsHeld, handle.HandleLost.IsCancellationRequested), Is.EqualTo((false, false)));
        }
        other.Dispose();
    }

    [Test]
    public async Task The_end_of_a_client_ends_its_session()
    {
        var other = await NewClientAsync();
        var session = other.Session!.Id;
        await (await other.AcquireLockAsync(_name + "a")).DisposeAsync();

        other.Dispose();

        Assert.That(async () => await _client.PutAsync(_name + "k", "1"u8.ToArray(), session), Throws.TypeOf<ConsensusException>());
    }

    [Test]
    public async Task Many_acquires_that_are_cancelled_at_any_moment_leave_nothing_held()
    {
        var random = new Random(14);
        for (var round = 0; round < 10; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 10).Select(async i =>
            {
                var steps = random.Next(300);
                using var cancellation = new CancellationTokenSource();
                var acquire = _client.AcquireLockAsync($"{_name}{i % 3}", null, null, cancellation.Token);
                for (var step = 0; step < steps && !acquire.IsCompleted; step++)
                {
                    await Task.Yield();
                }
                await cancellation.CancelAsync();
                try
                {
                    await (await acquire).DisposeAsync();
                }
                catch (OperationCanceledException)
                {
                    // Given up.
                }
            })).InTimeAsync();
        }
        for (var i = 0; i < 3; i++)
        {
            var name = $"{_name}{i}";
            await Eventually.UntilAsync(async () => await _client.GetLockAsync(name) is { HolderCount: 0, WaiterCount: 0 }, "it is free");
        }
    }

    [Test]
    public async Task A_handle_that_nothing_refers_to_any_more_is_told_lost_and_given_back()
    {
        var told = new TaskCompletionSource();
        await LeakAsync(_client, _name + "a", null, told);
        await LeakAsync(_client, _name + "b", new LockOptions { Ttl = 2 * Ttl }, new TaskCompletionSource());

        await Eventually.UntilAsync(
            async () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return (await _client.GetLockAsync(_name + "a")).HolderCount + (await _client.GetLockAsync(_name + "b")).HolderCount == 0;
            },
            "both are given back, the one under the session and the one with a lease of its own");
        await told.Task.InTimeAsync();
    }

    [Test]
    public async Task A_handle_is_kept_while_somebody_has_its_token()
    {
        var lost = await LostOfAsync(_client, _name + "a");
        await LeakAsync(_client, _name + "b", null, new TaskCompletionSource());
        await Eventually.UntilAsync(
            async () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return (await _client.GetLockAsync(_name + "b")).HolderCount == 0;
            },
            "the other is given back");

        Assert.That((await _client.GetLockAsync(_name + "a")).HolderCount, Is.EqualTo(1));
        Assert.That(lost.IsCancellationRequested, Is.False);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task LeakAsync(ConsensusClient client, string name, LockOptions? options, TaskCompletionSource told)
    {
        var handle = await client.AcquireLockAsync(name, options);
        handle.HandleLost.Register(told.SetResult);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<CancellationToken> LostOfAsync(ConsensusClient client, string name) =>
        (await client.AcquireLockAsync(name)).HandleLost;

    private static Task RenewedAsync(HoldHandle handle)
    {
        var before = handle.SafeUntil;
        return Eventually.UntilAsync(() => handle.SafeUntil > before, "the session is renewed");
    }

    private Task UntilWaitingAsync(int waiters) =>
        Eventually.UntilAsync(async () => (await _client.GetLockAsync(_name + "a")).WaiterCount == waiters, $"{waiters} wait");

    private async Task BreakAsync(string name)
    {
        if (_cluster is not null)
        {
            _cluster.BreakLock(name);
            return;
        }
        using var api = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [_server!.Endpoint] });
        Assert.That((await api.ForceReleaseLockAsync(name, null, default)).Succeeded, Is.True);
    }

    private async Task RevokeAsync(string lease)
    {
        if (_cluster is not null)
        {
            _cluster.RevokeLease(lease);
            return;
        }
        using var api = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [_server!.Endpoint] });
        Assert.That((await api.RevokeLeaseAsync(lease, default)).Succeeded, Is.True);
    }

    /// <summary>A client whose session stands.</summary>
    private async Task<ConsensusClient> NewClientAsync()
    {
        var client = _cluster is not null
            ? (ConsensusClient)_cluster.CreateClient()
            : new ConsensusClient(new ConsensusClientOptions { Endpoints = [_server!.Endpoint], AnswerGrace = Eventually.Deadline });
        for (var i = 0; i < 2; i++)
        {
            await client.PutAsync(_name + "k", "1"u8.ToArray());
        }
        await Eventually.UntilAsync(() => client.Session is not null, "the session stands");
        return client;
    }
}
