using Consensus.Cli.Tests.Support;
using Consensus.Client.Sessions;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Transport;

/// <summary>A wait that is longer than a request may take is asked for in slices, and what is known of it is told truly between them.</summary>
internal sealed class WaitSliceTests
{
    private const string Granted = """
        {"name":"a","owner":"me","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":20000,
        "waitedMs":0,"expiresInMs":20000,"clusterId":"c"}
        """;

    private static readonly FakeAnswer Place = new(202, """{"position":2,"waitLeftMs":40000}""");
    private static readonly FakeAnswer Held = FakeAnswer.Problem(409, "lock-held", "It is held by b.");
    private static readonly FakeAnswer NoLeader = FakeAnswer.Problem(503, "no-leader", "No leader is known.");
    private static readonly FakeAnswer Withdrawn = new(200, """{"outcome":"withdrawn","revision":9}""");
    private static readonly LockWish Wish = new("a", "me") { Wait = TimeSpan.FromSeconds(60), Ttl = TimeSpan.FromSeconds(20) };

    private static ConsensusApiClient Api(TimeSpan? retryFor = null, params FakeServer[] servers) => new(Options(retryFor, servers));

    private static ConsensusClientOptions Options(TimeSpan? retryFor, params FakeServer[] servers) => new()
    {
        Endpoints = [.. servers.Select(server => server.Endpoint)],
        RetryFor = retryFor ?? TimeSpan.FromSeconds(60),
        SessionTtl = null,
    };

    private static FakeServer Answers(params FakeAnswer[] answers)
    {
        var next = -1;
        return new FakeServer(request =>
            request.Method == "DELETE" ? Withdrawn : answers[Math.Min(Interlocked.Increment(ref next), answers.Length - 1)]);
    }

    private static List<FakeRequest> Posts(FakeServer server) => [.. server.Requests.Where(request => request.Method == "POST")];

    [Test]
    public async Task A_long_wait_goes_on_where_it_stood_with_the_same_key_and_body()
    {
        using var first = Answers(Place, Place, new FakeAnswer(200, Granted));
        using var second = Answers(Held);
        using var api = Api(null, first, second);

        var result = await api.AcquireLockAsync(Wish, default).InTimeAsync();

        Assert.That(result.Value?.FencingToken, Is.EqualTo(7), result.Problem?.Detail);
        var posts = Posts(first);
        Assert.That(posts.Select(request => request.Target), Is.EqualTo(Enumerable.Repeat("/v1/locks/a?poll=20s", 3)));
        Assert.That(posts.Select(request => (request.Header("Idempotency-Key"), request.Text)).Distinct().Count(), Is.EqualTo(1));
        Assert.That(second.Requests, Is.Empty);
    }

    [Test]
    public async Task Everything_that_waits_is_asked_for_in_slices_and_a_short_wait_in_one_piece()
    {
        using var server = Answers(Held);
        using var api = new ConsensusApiClient(Options(null, server) with { WaitSlice = TimeSpan.FromSeconds(5) });
        var (wait, ttl) = (TimeSpan.FromMilliseconds(5_001), TimeSpan.FromSeconds(20));

        await api.AcquireLockAsync(new LockWish("a", "me") { Wait = wait, Ttl = ttl }, default);
        await api.AcquireLocksAsync(new MultiLockWish(["a", "b"], "me") { Wait = wait, Ttl = ttl }, default);
        await api.AcquireSemaphoreAsync(new SemaphoreWish("a", "me", 3) { Wait = wait, Ttl = ttl }, default);
        await api.CampaignAsync(new CampaignWish("a", "me") { Value = "v", Wait = wait, Ttl = ttl }, default);
        await api.AcquireLockAsync(new LockWish("a", "me") { Wait = TimeSpan.FromSeconds(5), Ttl = ttl }, default);
        await api.AcquireLockAsync(new LockWish("..", "me") { Wait = wait, Ttl = ttl }, default);

        Assert.That(Posts(server).Select(request => request.Target), Is.EqualTo(new[]
        {
            "/v1/locks/a?poll=5s", "/v1/multilock?poll=5s", "/v1/semaphores/a?poll=5s", "/v1/elections/a?poll=5s", "/v1/locks/a",
            "/v1/locks/?key=..&poll=5s",
        }));
    }

    [Test]
    public async Task A_no_after_a_place_is_the_answer_to_all_of_it()
    {
        using var server = Answers(Place, Place, Held, new FakeAnswer(200, Granted));
        using var client = new ConsensusClient(Options(null, server));

        await client.AcquireLockAsync("a", new LockOptions { Ttl = TimeSpan.FromSeconds(20) }, TimeSpan.FromMinutes(5)).InTimeAsync();

        var keys = Posts(server).Select(request => request.Header("Idempotency-Key")).ToList();
        Assert.That(keys, Has.Count.EqualTo(4));
        Assert.That(keys.Take(3).Distinct().Count(), Is.EqualTo(1));
        Assert.That(keys[3], Is.Not.EqualTo(keys[0]));
        Assert.That(server.Requests.Any(request => request.Method == "DELETE"), Is.False, "nothing is in doubt");
    }

    [Test]
    public async Task A_place_that_is_lost_sight_of_is_asked_for_elsewhere_under_the_same_key_and_a_no_then_is_withdrawn()
    {
        using var first = Answers(Place, FakeAnswer.Abort);
        using var second = Answers(NoLeader, Place, Held, new FakeAnswer(200, Granted));
        using var client = new ConsensusClient(Options(null, first, second));

        await client.AcquireLockAsync("a", new LockOptions { Ttl = TimeSpan.FromSeconds(20) }, TimeSpan.FromMinutes(5)).InTimeAsync();

        var keys = Posts(first).Concat(Posts(second)).Select(request => request.Header("Idempotency-Key")).ToList();
        Assert.That(keys.SkipLast(1).Distinct().Count(), Is.EqualTo(1));
        Assert.That(keys[^1], Is.Not.EqualTo(keys[0]));
        await Eventually.UntilAsync(
            () => first.Requests.Concat(second.Requests).Any(request => request.Target == $"/v1/requests/{keys[0]}"),
            "the doubt is withdrawn");
    }

    [TestCase(421, "misdirected")]
    [TestCase(400, "bad-request")]
    public async Task A_refusal_that_is_no_outcome_leaves_a_place_in_doubt(int status, string slug)
    {
        using var server = Answers(Place, FakeAnswer.Problem(status, slug, "Not here."));
        using var client = new ConsensusClient(Options(null, server));

        await Assert.ThatAsync(
            () => client.AcquireLockAsync("a", new LockOptions { Ttl = TimeSpan.FromSeconds(20) }, TimeSpan.FromMinutes(5)).InTimeAsync(),
            Throws.InstanceOf<ConsensusException>());

        await Eventually.UntilAsync(() => server.Requests.Any(request => request.Method == "DELETE"), "the place is withdrawn");
    }

    [Test]
    public async Task A_number_that_was_acknowledged_in_line_and_is_known_no_more_waited_in_vain()
    {
        using var server = Answers(Place, FakeAnswer.Problem(409, "retry-too-late", "It is acknowledged."));
        using var api = (IConsensusApi)Api(null, server);
        var numbers = new SessionNumbers("00000000000000aa", _ => { }, _ => { });
        Assert.That(numbers.TryTake(out var waiting), Is.True);
        var identity = new RequestIdentity(numbers, waiting);

        var result = await api.AcquireLockAsync(Wish with { Lease = numbers.Session, Ttl = null }, identity, default).InTimeAsync();

        Assert.That((result.Problem?.Kind, result.Problem?.Slug), Is.EqualTo((ApiFailureKind.Refused, "lock-held")));
        Assert.That(identity.IsInDoubt, Is.False);
    }

    [Test]
    public async Task What_was_met_before_a_place_is_not_the_last_word()
    {
        using var server = Answers(NoLeader, Place);
        using var client = new ConsensusClient(Options(null, server) with { WaitSlice = TimeSpan.FromMilliseconds(50) });

        Assert.That(
            await client.TryAcquireLockAsync("a", new LockOptions { Ttl = TimeSpan.FromSeconds(20) }, TimeSpan.FromSeconds(1)).InTimeAsync(),
            Is.Null,
            "members told that others hold it");
    }

    [Test]
    public async Task A_place_that_nobody_tells_of_any_more_is_an_unknown_outcome()
    {
        using var server = Answers(Place, NoLeader);
        using var api = new ConsensusApiClient(Options(TimeSpan.Zero, server) with { WaitSlice = TimeSpan.FromMilliseconds(100) });

        var result = await api.AcquireLockAsync(Wish with { Wait = TimeSpan.FromMilliseconds(300) }, default).InTimeAsync();
        Assert.That(result.Problem?.Kind, Is.EqualTo(ApiFailureKind.OutcomeUnknown), result.Problem?.Detail);
        Assert.That(Posts(server).Select(request => request.Header("Idempotency-Key")).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_wait_that_is_over_is_asked_for_no_more_even_where_no_member_says_so()
    {
        using var server = Answers(Place);
        using var api = new ConsensusApiClient(Options(TimeSpan.Zero, server) with { WaitSlice = TimeSpan.FromMilliseconds(50) });

        var result = await api.AcquireLockAsync(Wish with { Wait = TimeSpan.FromMilliseconds(200) }, default).InTimeAsync();

        Assert.That(result.Problem?.Kind, Is.EqualTo(ApiFailureKind.OutcomeUnknown), result.Problem?.Detail);
        Assert.That(result.Problem?.Detail, Does.Contain("stood in line"));
    }

    [TestCase("""{"position":0}""", 60_000)]
    [TestCase("""{"position":1}""", 60_000)]
    [TestCase("accepted", 60_000)]
    [TestCase("""{"position":1,"waitLeftMs":900}""", 1_000)]
    public async Task What_is_accepted_without_a_place_that_was_asked_for_is_no_success(string body, int waitMs)
    {
        using var server = Answers(new FakeAnswer(202, body), new FakeAnswer(202, body), new FakeAnswer(200, Granted));
        using var api = Api(null, server);

        var result = await api.AcquireLockAsync(Wish with { Wait = TimeSpan.FromMilliseconds(waitMs) }, default).InTimeAsync();

        Assert.That(result.Value?.FencingToken, Is.EqualTo(7), result.Problem?.Detail);
        Assert.That(Posts(server).Select(request => request.Header("Idempotency-Key")).Distinct().Count(), Is.EqualTo(1));
    }

    [TestCase("""{"position":0,"waitLeftMs":40000}""", 60_000)]
    [TestCase("""{"position":1}""", 60_000)]
    [TestCase("accepted", 60_000)]
    [TestCase("""{"position":1,"waitLeftMs":900}""", 1_000)]
    public async Task An_acceptance_that_tells_no_place_or_was_not_asked_for_is_nobodys_answer(string body, int waitMs)
    {
        // Who takes it for a place asks again, and is told no.
        using var server = Answers(new FakeAnswer(202, body), FakeAnswer.Problem(409, "lock-held", "Others hold it."));
        using var api = new ConsensusApiClient(Options(TimeSpan.Zero, server));

        var result = await api.AcquireLockAsync(Wish with { Wait = TimeSpan.FromMilliseconds(waitMs) }, default).InTimeAsync();

        Assert.That(result.Problem?.Kind, Is.EqualTo(ApiFailureKind.OutcomeUnknown));
        Assert.That(result.Problem?.Detail, Does.Contain("does not answer as a Consensus member does"));
    }

    [Test]
    public async Task What_a_session_acknowledges_passes_a_number_that_stands_in_line()
    {
        using var server = Answers(Place);
        using var api = (IConsensusApi)Api(null, server);
        var numbers = new SessionNumbers("00000000000000aa", _ => { }, _ => { });
        Assert.That(numbers.TryTake(out var waiting) && numbers.TryTake(out _), Is.True);
        using var end = new CancellationTokenSource();
        var identity = new RequestIdentity(numbers, waiting);
        var acquire = api.AcquireLockAsync(Wish with { Lease = numbers.Session, Ttl = null }, identity, end.Token);
        await Eventually.UntilAsync(() => numbers.Acked == 1 && Posts(server).Count > 1, "its place is told");
        Assert.That(
            Posts(server).Take(2).Select(request => request.Target),
            Is.EqualTo(new[] { "/v1/locks/a?poll=250ms", "/v1/locks/a?poll=20s" }),
            "the sooner it is told the fewer numbers wait for it");

        numbers.Close(2);

        Assert.That((numbers.Acked, numbers.IsUnderWay(waiting), identity.IsInDoubt), Is.EqualTo((2L, true, true)));
        await end.CancelAsync();
        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void A_slice_is_as_long_as_a_member_takes_it_for()
    {
        foreach (var slice in new[] { TimeSpan.Zero, TimeSpan.FromMinutes(-1), TimeSpan.FromMinutes(10) + TimeSpan.FromMilliseconds(1) })
        {
            var options = new ConsensusClientOptions { WaitSlice = slice };
            Assert.That(() => new ConsensusApiClient(options), Throws.ArgumentException);
            Assert.That(() => new ConsensusClient(options), Throws.ArgumentException);
        }
    }
}
