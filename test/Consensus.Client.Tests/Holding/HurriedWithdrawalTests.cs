using Consensus.Cli.Tests.Support;
using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Holding;

/// <summary>
/// What a client takes back goes to several members at once: an attempt here takes longer than anything waits, so that whoever asked one
/// member after the other would never come to the second.
/// </summary>
internal sealed class HurriedWithdrawalTests
{
    private static readonly LockOptions OwnLease = new() { Ttl = TimeSpan.FromMinutes(10) };

    private FakeSessions _first = null!;
    private FakeSessions _second = null!;

    [SetUp]
    public void Start() => (_first, _second) = (new FakeSessions(), new FakeSessions());

    [TearDown]
    public void Stop()
    {
        _first.Dispose();
        _second.Dispose();
    }

    [Test]
    public async Task A_request_is_withdrawn_through_another_member_while_the_first_is_silent()
    {
        IgnoreAtFirst(_ => true);
        using var client = Client(null, _first, _second);
        using var end = new CancellationTokenSource();
        var acquire = client.AcquireLockAsync("a", OwnLease, null, end.Token);
        await Eventually.UntilAsync(() => !_first.Requests.IsEmpty, "it is under way");

        await end.CancelAsync();

        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        var key = _first.Requests.First().Header("Idempotency-Key");
        await Eventually.UntilAsync(() => IsAsked(_second, "DELETE", "/v1/requests/" + key), "the second is asked");
    }

    [Test]
    public async Task A_connection_that_is_dead_is_not_the_last_that_a_member_is_asked_over()
    {
        var withdrawals = 0;
        IgnoreAtFirst(request => request.Method == "POST" || ++withdrawals == 1);
        using var client = Client(null, _first);
        using var end = new CancellationTokenSource();
        var acquire = client.AcquireLockAsync("a", OwnLease, null, end.Token);
        await Eventually.UntilAsync(() => !_first.Requests.IsEmpty, "it is under way");

        await end.CancelAsync();

        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(await client.WhenWithdrawnAsync().InTimeAsync(), Is.True);
        Assert.That(withdrawals, Is.EqualTo(2));
    }

    [Test]
    public async Task A_client_that_is_disposed_of_takes_back_through_another_member_what_it_was_asking_for()
    {
        IgnoreAtFirst(_ => true);
        var client = Client(null, _first, _second);
        var acquire = client.AcquireLockAsync("a", OwnLease);
        await Eventually.UntilAsync(() => !_first.Requests.IsEmpty, "it is under way");

        await Task.Run(client.Dispose).InTimeAsync();

        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(IsAsked(_second, "DELETE", "/v1/requests/" + _first.Requests.First().Header("Idempotency-Key")), Is.True);
    }

    [Test]
    public async Task A_number_is_settled_through_another_member()
    {
        using var client = Client(TimeSpan.FromSeconds(15), _first, _second);
        await OpenSessionAsync(client);
        IgnoreAtFirst(_ => true);
        using var end = new CancellationTokenSource();
        var put = client.PutAsync("b", "1"u8.ToArray(), null, end.Token);
        await Eventually.UntilAsync(() => IsAsked(_first, "PUT", "/v1/kv/b"), "it is under way");

        await end.CancelAsync();

        await Assert.ThatAsync(() => put.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        await Eventually.UntilAsync(() => IsAsked(_second, "POST", $"/v1/leases/{FakeSessions.Id}/settle"), "the second is asked");
    }

    [Test]
    public async Task A_hold_that_nobody_wants_is_released_through_another_member()
    {
        using var client = Client(TimeSpan.FromSeconds(15), _first, _second);
        await OpenSessionAsync(client);
        IgnoreAtFirst(request => request.Method == "DELETE");

        _first.Plant("unwanted");

        await Eventually.UntilAsync(() => IsAsked(_second, "DELETE", "/v1/locks/unwanted"), "the news tell of it, and the second is asked");
    }

    [Test]
    public async Task The_session_of_a_client_that_is_disposed_of_is_revoked_through_another_member()
    {
        var client = Client(TimeSpan.FromSeconds(15), _first, _second);
        await OpenSessionAsync(client);
        IgnoreAtFirst(_ => true);

        await Task.Run(client.Dispose).InTimeAsync();

        Assert.That(IsAsked(_second, "DELETE", "/v1/leases/" + FakeSessions.Id), Is.True);
    }

    [Test]
    public async Task A_refusal_through_one_member_is_the_end_of_it()
    {
        IgnoreAtFirst(_ => true);
        _second.Instead = request => Task.FromResult<FakeAnswer?>(FakeAnswer.Problem(409, "retry-too-late", "It is long ago."));
        using var client = Client(null, _first, _second);
        using var end = new CancellationTokenSource();
        var acquire = client.AcquireLockAsync("a", OwnLease, null, end.Token);
        await Eventually.UntilAsync(() => !_first.Requests.IsEmpty, "it is under way");

        await end.CancelAsync();

        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(await client.WhenWithdrawnAsync().InTimeAsync(), Is.False, "it may be held");
    }

    [TestCase("lock", "/v1/locks/a")]
    [TestCase("locks", "/v1/locks/a")]
    [TestCase("lease", "/v1/leases/1f")]
    public async Task What_was_granted_too_late_is_given_back_through_another_member(string what, string path)
    {
        var time = new ManualTimeProvider();
        _first.Instead = request =>
        {
            if (request.Method != "POST" || request.Path.EndsWith("/keepalive", StringComparison.Ordinal))
            {
                return Task.FromResult(request.Method == "DELETE" ? null : FakeAnswer.Problem(503, "no-leader", "Not now."));
            }
            time.Advance(TimeSpan.FromHours(1));
            return Task.FromResult<FakeAnswer?>(what switch
            {
                "lock" => FakeSessions.Granted("a", 7, "1f", 600_000),
                "locks" => new FakeAnswer(
                    200,
                    """
                    {"owner":"me","lease":"1f","ttlMs":600000,"waitedMs":0,"expiresInMs":600000,"clusterId":"c",
                    "locks":[{"name":"a","fencingToken":7}]}
                    """),
                _ => new FakeAnswer(201, """{"id":"1f","ttlMs":600000,"expiresInMs":600000,"session":false}"""),
            });
        };
        // It is asked first once the other could not renew.
        _second.Instead = _ => new TaskCompletionSource<FakeAnswer?>().Task;
        using var client = Client(null, time, _first, _second);
        Func<Task> ask = what switch
        {
            "lock" => () => client.TryAcquireLockAsync("a", OwnLease),
            "locks" => () => client.TryAcquireLocksAsync(["a"], new MultiLockOptions { Ttl = OwnLease.Ttl }),
            _ => () => client.GrantLeaseAsync(OwnLease.Ttl),
        };

        try
        {
            await ask().InTimeAsync();
        }
        catch (ConsensusException)
        {
            // There is no lease.
        }

        await Eventually.UntilAsync(() => IsAsked(_first, "DELETE", path), "it is given back");
    }

    [TestCase(503, "no-leader")]
    [TestCase(404, "")]
    [TestCase(0, "")]
    public async Task Whoever_cannot_tell_yet_is_asked_again_while_another_is_silent(int status, string slug)
    {
        IgnoreAtFirst(_ => true);
        var asked = 0;
        _second.Instead = _ => Task.FromResult(++asked > 4 ? null
            : status == 0 ? FakeAnswer.Abort : slug.Length > 0 ? FakeAnswer.Problem(status, slug, "Not now.") : new FakeAnswer(status));
        using var client = Client(null, _first, _second);
        using var end = new CancellationTokenSource();
        var acquire = client.AcquireLockAsync("a", OwnLease, null, end.Token);
        await Eventually.UntilAsync(() => !_first.Requests.IsEmpty, "it is under way");

        await end.CancelAsync();

        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(await client.WhenWithdrawnAsync().InTimeAsync(), Is.True);
        Assert.That(_first.Requests.Count(request => request.Method == "DELETE"), Is.EqualTo(2), "who is silent is asked twice");
    }

    private static ConsensusClient Client(TimeSpan? sessionTtl, params FakeSessions[] members) => Client(sessionTtl, null, members);

    private static ConsensusClient Client(TimeSpan? sessionTtl, TimeProvider? time, params FakeSessions[] members)
    {
        var options = new ConsensusClientOptions
        {
            Endpoints = [.. members.Select(member => member.Endpoint)],
            SessionTtl = sessionTtl,
            AttemptTimeout = TimeSpan.FromHours(1),
            LastPatience = Eventually.Deadline,
        };
        return new ConsensusClient(time is null ? options : options with { TimeProvider = time });
    }

    private static bool IsAsked(FakeSessions member, string method, string path) =>
        member.Requests.Any(request => request.Method == method && request.Path == path);

    private static async Task OpenSessionAsync(ConsensusClient client)
    {
        await client.PutAsync("a", "1"u8.ToArray());
        await client.PutAsync("a", "2"u8.ToArray());
        await Eventually.UntilAsync(() => client.Session is not null, "the session stands");
    }

    /// <summary>The first member takes such requests, and says nothing.</summary>
    private void IgnoreAtFirst(Func<FakeRequest, bool> which) =>
        _first.Instead = request => which(request) ? new TaskCompletionSource<FakeAnswer?>().Task : Task.FromResult<FakeAnswer?>(null);
}
