using Consensus.Cli.Tests.Support;
using Consensus.Client.Sessions;
using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Sessions;

/// <summary>What a client sends under its session, and what it makes of the answers, by a clock that the test moves.</summary>
internal sealed class SessionOverHttpTests
{
    private static readonly TimeSpan Third = TimeSpan.FromSeconds(5);

    private ManualTimeProvider _time = null!;
    private FakeSessions _server = null!;

    [SetUp]
    public void Start() => (_time, _server) = (new ManualTimeProvider(), new FakeSessions());

    [TearDown]
    public void Stop() => _server.Dispose();

    [Test]
    public async Task The_first_write_has_a_key_and_those_after_the_second_a_number()
    {
        using var client = Client();
        await client.PutAsync("a", "1"u8.ToArray());
        Assert.That(_server.Requests.Any(request => request.Path == "/v1/leases"), Is.False, "one write needs no session");
        await client.PutAsync("a", "2"u8.ToArray());
        await OpenedAsync(client);

        await client.PutAsync("a", "3"u8.ToArray());
        await client.DeleteAsync("a");

        var writes = _server.Requests.Where(request => request.Path == "/v1/kv/a").ToList();
        Assert.That(writes.Take(2).All(request => request.Header("Idempotency-Key") is not null && FakeSessions.SeqOf(request) is null),
            Is.True);
        Assert.That(writes.Skip(2).Select(request => request.Header("Consensus-Session")),
            Is.EqualTo(new[] { $"{FakeSessions.Id}; seq=1; acked=0", $"{FakeSessions.Id}; seq=2; acked=1" }));
        Assert.That(writes.Skip(2).All(request => request.Header("Idempotency-Key") is null), Is.True);
    }

    [Test]
    public async Task A_thousand_handles_cost_one_renewal_a_period()
    {
        using var client = await OpenAsync();
        var handles = new List<LockHandle>();
        for (var i = 0; i < 1_000; i++)
        {
            handles.Add(await client.AcquireLockAsync($"a{i}"));
        }
        Assert.That(handles.TrueForAll(handle => handle.Lease == FakeSessions.Id), Is.True);

        for (var period = 1; period <= 3; period++)
        {
            var before = handles[0].SafeUntil;
            _time.Advance(Third);
            await Eventually.UntilAsync(() => handles[0].SafeUntil > before, "it is renewed");
            Assert.That(_server.Renewals, Is.EqualTo(period));
        }
        Assert.That(_server.Requests.Any(request => request is { Method: "PUT", Path: not ("/v1/kv/first" or "/v1/kv/second") }), Is.False);
        Assert.That(handles.TrueForAll(handle => handle.IsHeld && handle.SafeUntil == handles[0].SafeUntil), Is.True);
    }

    [Test]
    public async Task A_hold_is_safe_for_99_percent_of_the_ttl_from_the_first_send_of_the_last_good_renewal()
    {
        var start = _time.GetUtcNow();
        using var client = await OpenAsync();
        _time.Advance(TimeSpan.FromSeconds(2));

        var handle = await client.AcquireLockAsync("a");
        var careful = await client.AcquireLockAsync("b", new LockOptions { SafetyMargin = TimeSpan.FromSeconds(4) });
        var brief = await client.AcquireLockAsync("c",
            new LockOptions { MaxHold = TimeSpan.FromSeconds(10), SafetyMargin = TimeSpan.FromSeconds(1) });

        var certain = TimeSpan.FromSeconds(15 * 0.99);
        Assert.That(handle.SafeUntil, Is.EqualTo(start + certain - TimeSpan.FromSeconds(0.75)), "since the request that made the session");
        Assert.That(careful.SafeUntil, Is.EqualTo(start + certain - TimeSpan.FromSeconds(4)));
        Assert.That(brief.SafeUntil, Is.EqualTo(start + TimeSpan.FromSeconds(2 + 9.9 - 1)));

        _time.Advance(TimeSpan.FromSeconds(4));
        await Eventually.UntilAsync(() => handle.SafeUntil == start + TimeSpan.FromSeconds(6) + certain - TimeSpan.FromSeconds(0.75),
            "it is renewed");
        Assert.That(brief.SafeUntil, Is.EqualTo(start + TimeSpan.FromSeconds(2 + 9.9 - 1)), "no renewal moves it past its longest time");
    }

    [Test]
    public async Task Without_a_good_renewal_all_handles_are_lost_at_their_safe_end()
    {
        using var client = await OpenAsync();
        var handle = await client.AcquireLockAsync("a");
        _server.Instead = request => Task.FromResult<FakeAnswer?>(
            request.Path.EndsWith("/keepalive", StringComparison.Ordinal) ? FakeAnswer.Problem(503, "no-leader", "not now") : null);
        _time.Advance(TimeSpan.FromSeconds(9));
        await Eventually.UntilAsync(() => _server.Renewals > 0, "a renewal");
        Assert.That(handle.IsHeld, Is.True);

        _time.Advance(handle.SafeFor);

        await handle.LostAsync();
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(client.Session, Is.Null, "the next write has a key");
    }

    [Test]
    public async Task A_renewal_whose_news_cannot_be_had_renews_nothing()
    {
        using var client = await OpenAsync();
        var handle = await client.AcquireLockAsync("a");
        var granted = handle.SafeUntil;
        _server.Instead = request => Task.FromResult<FakeAnswer?>(request.Path.EndsWith("/keepalive", StringComparison.Ordinal)
            ? new FakeAnswer(200, $$"""{"id":"{{FakeSessions.Id}}","ttlMs":15000,"expiresInMs":15000}""")
            : null);

        // The second is due a pause after the answer to the first was taken in.
        await Eventually.UntilAsync(
            () =>
            {
                if (handle.SafeFor > TimeSpan.FromSeconds(1))
                {
                    _time.Advance(TimeSpan.FromMilliseconds(10));
                }
                return _server.Renewals >= 2;
            },
            "a second renewal");
        Assert.That(handle.SafeUntil, Is.EqualTo(granted));

        _time.Advance(handle.SafeFor);
        await handle.LostAsync();
        Assert.That(handle.LossReason, Does.StartWith($"{_server.Endpoint.Authority} does not answer as a Consensus member does: "));
    }

    [Test]
    public async Task News_that_remember_too_little_are_followed_by_the_whole_list()
    {
        using var client = await OpenAsync();
        var lost = await client.AcquireLockAsync("a");
        var kept = await client.AcquireLockAsync("b");
        await RenewedAsync(kept);
        _server.Break("a", lost.FencingToken, isTold: false);
        _server.MustList = true;

        await RenewedAsync(kept);

        await lost.LostAsync();
        Assert.That(kept.HandleLost.IsCancellationRequested, Is.False);
        Assert.That(lost.LossReason, Does.Contain("any more"));
    }

    [Test]
    public async Task A_hold_that_no_handle_has_is_given_back()
    {
        using var client = await OpenAsync();
        var mine = await client.AcquireLockAsync("a");
        var planted = _server.Plant("b");

        await RenewedAsync(mine);

        await Eventually.UntilAsync(
            () => _server.Requests.Any(request => request.Method == "DELETE" && request.Target == $"/v1/locks/b?fencingToken={planted}"),
                "it is given back");
        Assert.That(_server.Requests.Count(request => request.Method == "DELETE"), Is.EqualTo(1), "and no other");
        Assert.That(mine.IsHeld, Is.True);
    }

    [Test]
    public async Task A_release_that_nobody_answered_is_tried_again_until_it_is()
    {
        using var client = await OpenAsync();
        var mine = await client.AcquireLockAsync("a");
        var handle = await client.AcquireLockAsync("b");
        var isDown = true;
        _server.Instead = request =>
            Task.FromResult(request.Method == "DELETE" && isDown ? FakeAnswer.Problem(503, "no-leader", "not now") : null);
        await Assert.ThatAsync(() => handle.ReleaseAsync(), Throws.TypeOf<ConsensusException>());

        isDown = false;
        await RenewedAsync(mine);

        await Eventually.UntilAsync(() => client.Session is { } session && !session.Holds.Knows(handle.FencingToken), "it is given back");
    }

    [Test]
    public async Task An_outcome_that_nobody_waits_for_is_settled_before_it_is_acknowledged()
    {
        var settled = new TaskCompletionSource();
        using var client = await OpenAsync();
        using var gone = new CancellationTokenSource();
        _server.Instead = async request =>
        {
            if (request.Path == "/v1/kv/a")
            {
                await settled.Task;
            }
            return null;
        };
        var write = client.PutAsync("a", "1"u8.ToArray(), cancellationToken: gone.Token);
        await Eventually.UntilAsync(() => _server.Requests.Any(request => request.Path == "/v1/kv/a"), "it is under way");
        var seq = FakeSessions.SeqOf(_server.Requests.Single(request => request.Path == "/v1/kv/a"));

        await gone.CancelAsync();

        await Assert.ThatAsync(() => write.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        await Eventually.UntilAsync(() => _server.Requests.Any(request => request.Path.EndsWith("/settle", StringComparison.Ordinal)),
            "it is settled");
        var settlement = _server.Requests.Single(request => request.Path.EndsWith("/settle", StringComparison.Ordinal));
        Assert.That(settlement.Text, Is.EqualTo($$"""{"seq":{{seq}}}"""));
        await Eventually.UntilAsync(() => client.Session!.Numbers.Acked == seq, "it is acknowledged");
        settled.SetResult();
    }

    [Test]
    public async Task Writers_beyond_the_open_numbers_fall_back_to_a_key()
    {
        var silence = new TaskCompletionSource();
        using var client = await OpenAsync();
        _server.Instead = async request =>
        {
            if (request.Path == "/v1/kv/slow")
            {
                await silence.Task;
            }
            return null;
        };
        var slow = client.PutAsync("slow", "1"u8.ToArray());
        await Eventually.UntilAsync(() => _server.Requests.Any(request => request.Path == "/v1/kv/slow"), "it is under way");
        var seq = FakeSessions.SeqOf(_server.Requests.Single(request => request.Path == "/v1/kv/slow"))!.Value;

        for (var i = 0; i < SessionNumbers.Most + 5; i++)
        {
            await client.PutAsync("a", "1"u8.ToArray());
        }
        var writes = _server.Requests.Where(request => request.Path == "/v1/kv/a").ToList();
        Assert.That(writes.Where(request => FakeSessions.SeqOf(request) is not null).Max(FakeSessions.SeqOf),
            Is.EqualTo(seq - 1 + SessionNumbers.Most));
        Assert.That(writes.Where(request => FakeSessions.SeqOf(request) is not null).All(request =>
            FakeSessions.AckedOf(request) == seq - 1), Is.True);
        Assert.That(writes.Count(request => request.Header("Idempotency-Key") is not null), Is.EqualTo(6));

        silence.SetResult();
        await slow.InTimeAsync();
        await client.PutAsync("a", "1"u8.ToArray());
        Assert.That(FakeSessions.AckedOf(_server.Requests.Last()), Is.EqualTo(seq - 1 + SessionNumbers.Most));
    }

    [TestCase(507, "quota-exceeded")]
    [TestCase(400, "bad-request")]
    [TestCase(503, "no-leader")]
    public async Task A_session_that_cannot_be_made_leaves_the_client_on_keys(int status, string slug)
    {
        _server.Instead = request =>
            Task.FromResult<FakeAnswer?>(request.Path == "/v1/leases" ? FakeAnswer.Problem(status, slug, "no") : null);
        using var client = Client();

        await StayOnKeysAsync(client);
    }

    [Test]
    public async Task A_member_that_knows_no_sessions_leaves_the_client_on_keys_and_its_lease_is_withdrawn()
    {
        var plain = new FakeAnswer(201, """{"id":"1f","ttlMs":15000,"expiresInMs":15000}""");
        _server.Instead = request => Task.FromResult(request.Path == "/v1/leases" ? plain : null);
        using var client = Client();

        await StayOnKeysAsync(client);

        var asked = _server.Requests.First(request => request.Path == "/v1/leases");
        await Eventually.UntilAsync(
            () => _server.Requests.Any(request => request.Method == "DELETE"
                && request.Path == $"/v1/requests/{asked.Header("Idempotency-Key")}"), "it is withdrawn");
    }

    [Test]
    public async Task A_client_without_a_session_ttl_has_no_session()
    {
        using var client = Client(null);
        for (var i = 0; i < 3; i++)
        {
            await using var handle = await client.AcquireLockAsync("a");
            Assert.That(handle.Lease, Is.EqualTo("1f"));
        }
        Assert.That(_server.Requests.Any(request => request.Path == "/v1/leases" || FakeSessions.SeqOf(request) is not null), Is.False);
    }

    [Test]
    public async Task An_ended_session_loses_all_its_handles_and_what_was_under_way_is_unknown_and_not_sent_again()
    {
        // Time for more sends than one.
        using var client = await OpenAsync(TimeSpan.FromSeconds(10));
        var handles = new[] { await client.AcquireLockAsync("a"), await client.AcquireLockAsync("b") };
        _server.Instead = request => Task.FromResult<FakeAnswer?>(
            request.Path == "/v1/kv/a" && FakeSessions.SeqOf(request) is not null
                ? FakeAnswer.Problem(410, "session-ended", "the session has ended") : null);

        var error = await Assert.ThrowsAsync<ConsensusException>(() => client.PutAsync("a", "1"u8.ToArray()).InTimeAsync());

        Assert.That((error!.Problem.Kind, error.Problem.Slug), Is.EqualTo((ApiFailureKind.OutcomeUnknown, "session-ended")));
        Assert.That(_server.Requests.Count(request => request.Path == "/v1/kv/a"), Is.EqualTo(1));
        foreach (var handle in handles)
        {
            await handle.LostAsync();
            Assert.That(handle.LossReason, Is.EqualTo("the session has ended"));
        }
        await client.PutAsync("a", "2"u8.ToArray());
        Assert.That(_server.Requests.Last(request => request.Path == "/v1/kv/a").Header("Idempotency-Key"), Is.Not.Null,
            "the next write has a key");
        await OpenedAsync(client);
    }

    [Test]
    public async Task An_acquire_whose_session_ended_is_asked_anew_for_it_can_hold_nothing()
    {
        using var client = await OpenAsync();
        _server.Instead = request => Task.FromResult<FakeAnswer?>(
            request.Path == "/v1/locks/a" && FakeSessions.SeqOf(request) is not null
                ? FakeAnswer.Problem(410, "session-ended", "the session has ended") : null);

        var acquire = client.AcquireLockAsync("a");
        await Eventually.UntilAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMilliseconds(10));
                return acquire.IsCompleted;
            },
            "it is granted");

        Assert.That((await acquire).Lease, Is.EqualTo("1f"), "by a lease of its own");
    }

    [Test]
    public async Task A_session_under_which_nothing_is_held_is_revoked_with_its_client()
    {
        var client = await OpenAsync();
        await (await client.AcquireLockAsync("a")).DisposeAsync();

        client.Dispose();

        Assert.That(_server.Requests.Any(request => request.Method == "DELETE" && request.Path == $"/v1/leases/{FakeSessions.Id}"),
            Is.True);
    }

    [Test]
    public async Task A_session_under_which_somebody_may_still_work_is_left_to_end_by_its_ttl()
    {
        var client = await OpenAsync();
        var handle = await client.AcquireLockAsync("a");

        client.Dispose();

        await handle.LostAsync();
        Assert.That(_server.Requests.Any(request => request.Method == "DELETE"), Is.False);
    }

    private static async Task StayOnKeysAsync(ConsensusClient client, FakeSessions server)
    {
        var handles = new List<LockHandle>();
        for (var i = 0; i < 3; i++)
        {
            handles.Add(await client.AcquireLockAsync($"a{i}"));
            await client.PutAsync("a", "1"u8.ToArray());
        }
        await Eventually.UntilAsync(() => server.Requests.Any(request => request.Path == "/v1/leases"), "a session is asked for");
        await client.PutAsync("a", "1"u8.ToArray());

        Assert.That(handles.TrueForAll(handle => handle.IsHeld && handle.Lease == "1f"), Is.True);
        Assert.That(server.Requests.Any(request => FakeSessions.SeqOf(request) is not null), Is.False);
        Assert.That(client.Session, Is.Null);
    }

    private Task StayOnKeysAsync(ConsensusClient client) => StayOnKeysAsync(client, _server);

    /// <summary>A client whose session stands.</summary>
    private async Task<ConsensusClient> OpenAsync(TimeSpan retryFor = default)
    {
        var client = Client(TimeSpan.FromSeconds(15), retryFor);
        await client.PutAsync("first", "1"u8.ToArray());
        await client.PutAsync("second", "1"u8.ToArray());
        await OpenedAsync(client);
        return client;
    }

    private static Task OpenedAsync(ConsensusClient client) =>
        Eventually.UntilAsync(() => client.Session is not null, "the session stands");

    private async Task RenewedAsync(LockHandle handle)
    {
        var before = handle.SafeUntil;
        _time.Advance(Third);
        await Eventually.UntilAsync(() => handle.SafeUntil > before, "the session is renewed");
    }

    private ConsensusClient Client() => Client(TimeSpan.FromSeconds(15));

    private ConsensusClient Client(TimeSpan? sessionTtl, TimeSpan retryFor = default) => new(new ConsensusClientOptions
    {
        Endpoints = [_server.Endpoint],
        TimeProvider = _time,
        SessionTtl = sessionTtl,
        RetryFor = retryFor,
        LastPatience = Eventually.Deadline,
    });
}
