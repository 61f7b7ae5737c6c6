using Consensus.Cli.Tests.Support;
using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Transport;

/// <summary>Under which Idempotency-Key a write is sent again: the same while an outcome is in doubt, and another where a "no" may be kept under the first.</summary>
internal sealed class RequestIdentityTests
{
    private const string Granted =
        """{"name":"a","owner":"me","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":20000,"waitedMs":0,"expiresInMs":20000,"clusterId":"c"}""";

    private const string BothGranted =
        """{"owner":"me","lease":"1f","ttlMs":20000,"waitedMs":0,"expiresInMs":20000,"clusterId":"c","locks":[{"name":"a","fencingToken":7},{"name":"b","fencingToken":8}]}""";

    private static readonly FakeAnswer NoRoom = FakeAnswer.Problem(429, "too-many-requests", "At most 10 locks; nothing was done.");
    private static readonly FakeAnswer NoLeader = FakeAnswer.Problem(503, "no-leader", "No leader is known.");
    private static readonly FakeAnswer Unknown = FakeAnswer.Problem(504, "outcome-unknown", "It may or may not take effect.");
    private static readonly FakeAnswer Held = FakeAnswer.Problem(409, "lock-held", "It is held by b.");

    [Test]
    public async Task A_no_for_want_of_room_is_asked_again_under_another_key()
    {
        using var server = Answers(NoRoom, NoRoom, new FakeAnswer(200, Granted));
        using var api = Api(server.Endpoint);

        var result = await api.AcquireLockAsync(new LockWish("a", "me"), default).InTimeAsync();

        Assert.That(result.Succeeded, result.Problem?.Detail);
        Assert.That(Keys(server), Has.Count.EqualTo(3).And.Unique);
    }

    [Test]
    public async Task A_no_after_an_attempt_in_doubt_is_asked_again_under_the_same_key()
    {
        using var server = Answers(Unknown, NoRoom, NoLeader, new FakeAnswer(200, Granted));
        using var api = Api(server.Endpoint);

        var result = await api.AcquireLockAsync(new LockWish("a", "me"), default).InTimeAsync();

        Assert.That(result.Succeeded, result.Problem?.Detail);
        Assert.That(Keys(server), Has.Count.EqualTo(4));
        Assert.That(Keys(server).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_key_that_was_given_stays()
    {
        using var server = Answers(NoRoom, new FakeAnswer(200, Granted));
        using var api = Api(server.Endpoint);

        var result = await api.AcquireLockAsync(new LockWish("a", "me") { IdempotencyKey = "mine" }, default).InTimeAsync();

        Assert.That(result.Succeeded, result.Problem?.Detail);
        Assert.That(Keys(server), Is.EqualTo(new[] { "mine", "mine" }));
    }

    [TestCase("")]
    [TestCase("a\r\nHost: b")]
    [TestCase("grün")]
    public void What_cannot_be_a_key_is_refused(string key)
    {
        using var api = Api(ServerProcess.DeadEndpoint());

        Assert.That(() => api.AcquireLockAsync(new LockWish("a", "me") { IdempotencyKey = key }, default), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => api.GrantLeaseAsync(TimeSpan.FromSeconds(5), key, default), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => api.WithdrawAsync(key, default), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => api.WithdrawAsync(new string('k', 129), default), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public async Task An_acquire_in_doubt_is_asked_again_with_the_same_key_and_body()
    {
        var time = new ManualTimeProvider();
        var posts = 0;
        using var server = new FakeServer(_ =>
        {
            if (Interlocked.Increment(ref posts) > 1)
            {
                return new FakeAnswer(200, Granted.Replace("20000", "1800000", StringComparison.Ordinal));
            }
            // Longer than one request stands in line: the time that is left falls below what this one asked to wait.
            time.Advance(TimeSpan.FromMinutes(11));
            return Unknown;
        });
        using var client = new ConsensusClient(new ConsensusClientOptions { Endpoints = [server.Endpoint], RetryFor = TimeSpan.Zero, TimeProvider = time });

        var acquire = client.AcquireLockAsync("a", new LockOptions { Ttl = TimeSpan.FromMinutes(30) }, TimeSpan.FromMinutes(15));
        await Eventually.UntilAsync(
            () =>
            {
                // The pause before it is asked again.
                if (Volatile.Read(ref posts) == 1)
                {
                    time.Advance(TimeSpan.FromMilliseconds(10));
                }
                return acquire.IsCompleted;
            },
            "it is granted");

        Assert.That((await acquire).FencingToken, Is.EqualTo(7));
        Assert.That(Keys(server), Has.Count.EqualTo(2));
        Assert.That(Keys(server).Distinct().Count(), Is.EqualTo(1));
        Assert.That(Posts(server).Select(request => request.Text).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task Locks_in_doubt_are_asked_again_with_the_same_key()
    {
        using var server = Answers(Unknown, Unknown, Unknown, new FakeAnswer(200, BothGranted));
        using var client = new ConsensusClient(new ConsensusClientOptions { Endpoints = [server.Endpoint], RetryFor = TimeSpan.Zero });

        await client.AcquireLocksAsync(["a", "b"], new MultiLockOptions { Ttl = TimeSpan.FromSeconds(20) }).InTimeAsync();

        Assert.That(Keys(server), Has.Count.EqualTo(4));
        Assert.That(Keys(server).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task What_is_held_after_doubt_is_held()
    {
        using var server = Answers(Unknown, Held);
        using var client = new ConsensusClient(new ConsensusClientOptions { Endpoints = [server.Endpoint], SessionTtl = null });

        Assert.That(await client.TryAcquireLockAsync("a").InTimeAsync(), Is.Null);

        await Eventually.UntilAsync(() => server.Requests.Any(request => request.Method == "DELETE"), "the doubt is withdrawn");
    }

    [Test]
    public async Task A_definite_no_is_followed_by_another_key()
    {
        using var server = Answers(Held, Held, Held, new FakeAnswer(200, Granted));
        using var client = new ConsensusClient(server.Endpoint);

        await client.AcquireLockAsync("a", new LockOptions { Ttl = TimeSpan.FromSeconds(20) }).InTimeAsync();

        Assert.That(Keys(server), Has.Count.EqualTo(4).And.Unique);
        Assert.That(server.Requests.Count(request => request.Method == "DELETE"), Is.Zero, "nothing is in doubt");
    }

    [TestCase(409, "lock-held")]
    [TestCase(410, "lease-expired")]
    public async Task A_no_after_doubt_is_withdrawn_before_another_key_is_used(int status, string slug)
    {
        var posts = 0;
        using var server = new FakeServer(request => request.Method == "DELETE" ? new FakeAnswer(200, """{"outcome":"withdrawn","revision":9}""") : ++posts switch
        {
            1 => Unknown,
            2 => FakeAnswer.Problem(status, slug, "no"),
            _ => new FakeAnswer(200, Granted),
        });
        using var client = new ConsensusClient(new ConsensusClientOptions { Endpoints = [server.Endpoint], RetryFor = TimeSpan.Zero });

        await client.AcquireLockAsync("a", new LockOptions { Ttl = TimeSpan.FromSeconds(20) }).InTimeAsync();

        var keys = Keys(server);
        Assert.That((keys[0] == keys[1], keys[1] == keys[2]), Is.EqualTo((true, false)));
        await Eventually.UntilAsync(() => server.Requests.Any(request => request.Method == "DELETE"), "the first key is withdrawn");
        Assert.That(server.Requests.Single(request => request.Method == "DELETE").Target, Is.EqualTo($"/v1/requests/{keys[0]}"));
    }

    private static FakeServer Answers(params FakeAnswer[] answers)
    {
        var next = -1;
        return new FakeServer(_ => answers[Math.Min(Interlocked.Increment(ref next), answers.Length - 1)]);
    }

    private static List<string?> Keys(FakeServer server) =>
        [.. Posts(server).Select(request => request.Header("Idempotency-Key"))];

    /// <summary>Without renewals and withdrawals.</summary>
    private static IEnumerable<FakeRequest> Posts(FakeServer server) => server.Requests.Where(request => request.Method == "POST");

    private static ConsensusApiClient Api(Uri endpoint) => new(new ConsensusClientOptions { Endpoints = [endpoint], RetryFor = TimeSpan.FromSeconds(60) });
}
