using Consensus.Cli.Tests.Support;
using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Holding;

/// <summary>What a holder makes of the answers of HTTP, by a clock that the test moves.</summary>
internal sealed class HandleOverHttpTests
{
    private static readonly LockOptions Options = new() { Ttl = TimeSpan.FromSeconds(20) };

    private static readonly FakeAnswer Granted = new(
        200,
        """{"name":"a","owner":"me","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":20000,"waitedMs":0,"expiresInMs":20000,"clusterId":"c"}""");

    private static readonly FakeAnswer Renewed = new(
        200, """{"name":"a","owner":"me","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":20000,"expiresInMs":20000,"clusterId":"c"}""");

    private ManualTimeProvider _time = null!;

    private static FakeAnswer RenewedAs(string ttlMs) =>
        Renewed with { Body = Renewed.Body.Replace("\"ttlMs\":20000", "\"ttlMs\":" + ttlMs, StringComparison.Ordinal) };

    [SetUp]
    public void Start() => _time = new ManualTimeProvider();

    [TestCase(503, "no-leader")]
    [TestCase(504, "outcome-unknown")]
    [TestCase(500, "internal")]
    [TestCase(404, "not-found")]
    [TestCase(412, "precondition-failed")]
    [TestCase(421, "misdirected")]
    public async Task Renewals_that_are_answered_otherwise_are_tried_again_until_the_safe_end(int status, string slug)
    {
        using var server = new FakeServer(request => request.Method == "POST" ? Granted : FakeAnswer.Problem(status, slug, "not now"));
        using var client = Client(server.Endpoint);
        var handle = await client.AcquireLockAsync("a", Options);

        _time.Advance(TimeSpan.FromSeconds(10));
        await Eventually.UntilAsync(() => Renewals(server) >= 1, "a first renewal");
        // Each further one is due a pause after the answer to the last.
        for (var renewals = 2; renewals < 5; renewals++)
        {
            var expected = renewals;
            await Eventually.UntilAsync(
                () =>
                {
                    if (handle.SafeFor > TimeSpan.FromSeconds(1))
                    {
                        _time.Advance(TimeSpan.FromMilliseconds(1));
                    }
                    return Renewals(server) >= expected;
                },
                "another renewal");
        }
        Assert.That(handle.HandleLost.IsCancellationRequested, Is.False);
        Assert.That(handle.IsHeld, Is.True);

        _time.Advance(handle.SafeFor);
        await handle.LostAsync();
        Assert.That(handle.LossReason, Is.EqualTo("not now"));
    }

    [TestCase(410, "lease-expired")]
    [TestCase(412, "not-holder")]
    public async Task The_clusters_word_that_it_is_gone_ends_the_hold_at_once(int status, string slug)
    {
        using var server = new FakeServer(request => request.Method == "POST" ? Granted : FakeAnswer.Problem(status, slug, "it is gone"));
        using var client = Client(server.Endpoint);
        var handle = await client.AcquireLockAsync("a", Options);

        _time.Advance(TimeSpan.FromSeconds(7));
        await handle.LostAsync();

        Assert.That(handle.LossReason, Is.EqualTo("it is gone"));
        Assert.That(await handle.ReleaseAsync(), Is.False);
        Assert.That(server.Requests.Any(request => request.Method == "DELETE"), Is.False, "there is nothing to give back");
    }

    [Test]
    public async Task A_renewal_counts_for_as_long_as_its_answer_says()
    {
        using var server = new FakeServer(request => request.Method == "POST" ? Granted : RenewedAs("8000"));
        using var client = Client(server.Endpoint);
        var start = _time.GetUtcNow();
        var handle = await client.AcquireLockAsync("a", Options);
        _time.Advance(TimeSpan.FromSeconds(7));
        await Eventually.UntilAsync(() => Renewals(server) == 1, "a first renewal, after which the lease ends no earlier than before");

        // Due after a third of the lease as it is now, rather than of what was granted.
        _time.Advance(TimeSpan.FromSeconds(5));

        await Eventually.UntilAsync(() => handle.SafeUntil == start + TimeSpan.FromSeconds(12 + (8 * 0.99) - 1), "the renewal after 12 s counts for 8 s");
        Assert.That(handle.IsHeld, Is.True);
    }

    [TestCase("<html>welcome</html>")]
    [TestCase("{}")]
    [TestCase("""{"ttlMs":20000}""")]
    [TestCase("")]
    public async Task A_success_that_no_member_gave_renews_nothing(string body) => await RenewsNothingAsync(body);

    [TestCase("-1")]
    [TestCase("null")]
    [TestCase("9223372036854775807")]
    [TestCase("\"long\"")]
    public async Task A_success_that_says_not_for_how_long_renews_nothing(string ttlMs) => await RenewsNothingAsync(RenewedAs(ttlMs).Body);

    private async Task RenewsNothingAsync(string body)
    {
        using var server = new FakeServer(request => request.Method == "POST" ? Granted : new FakeAnswer(200, body));
        using var client = Client(server.Endpoint);
        var handle = await client.AcquireLockAsync("a", Options);
        _time.Advance(TimeSpan.FromSeconds(7));
        // The second is due a pause after the answer to the first was taken in.
        await Eventually.UntilAsync(
            () =>
            {
                if (handle.SafeFor > TimeSpan.FromSeconds(1))
                {
                    _time.Advance(TimeSpan.FromMilliseconds(1));
                }
                return Renewals(server) >= 2;
            },
            "a second renewal");

        _time.Advance(handle.SafeFor);
        await handle.LostAsync();

        Assert.That(handle.LossReason, Does.StartWith($"{server.Endpoint.Authority} does not answer as a Consensus member does: "));
    }

    [Test]
    public async Task A_slow_grant_counts_from_when_it_was_first_sent()
    {
        using var server = new FakeServer(_ =>
        {
            _time.Advance(TimeSpan.FromSeconds(4));
            return Granted;
        });
        using var client = Client(server.Endpoint);
        var sentAt = _time.GetUtcNow();

        var handle = await client.AcquireLockAsync("a", Options);

        Assert.That(handle.SafeUntil, Is.EqualTo(sentAt + TimeSpan.FromSeconds((20 * 0.99) - 1)));
    }

    [Test]
    public async Task A_grant_that_comes_too_late_is_given_back_when_it_cannot_be_renewed()
    {
        var posts = 0;
        using var server = new FakeServer(request =>
        {
            if (request.Method == "POST" && ++posts == 1)
            {
                _time.Advance(TimeSpan.FromSeconds(30));
            }
            return request.Method switch
            {
                "POST" => Granted,
                "PUT" => FakeAnswer.Problem(503, "no-leader", "not now"),
                _ => new FakeAnswer(204),
            };
        });
        using var client = Client(server.Endpoint);

        Assert.That(await client.TryAcquireLockAsync("a", Options), Is.Null);

        await Eventually.UntilAsync(() => server.Requests.Count == 3, "it is given back");
        Assert.That(server.Requests.Select(request => request.Method), Is.EqualTo(new[] { "POST", "PUT", "DELETE" }));
    }

    [Test]
    public async Task A_grant_that_comes_too_late_is_used_when_it_can_be_renewed()
    {
        using var server = new FakeServer(request =>
        {
            if (request.Method == "POST")
            {
                _time.Advance(TimeSpan.FromSeconds(30));
                return Granted;
            }
            return Renewed;
        });
        using var client = Client(server.Endpoint);

        var handle = await client.TryAcquireLockAsync("a", Options);

        Assert.That(handle?.IsHeld, Is.True);
    }

    [Test]
    public async Task A_renewal_goes_to_the_next_endpoint_when_one_does_not_answer()
    {
        using var first = new FakeServer(request => request.Method == "POST" ? Granted : FakeAnswer.Abort);
        using var second = new FakeServer(_ => Renewed);
        using var client = Client(first.Endpoint, second.Endpoint);
        var handle = await client.AcquireLockAsync("a", Options);
        var granted = handle.SafeUntil;

        await Eventually.UntilAsync(
            () =>
            {
                if (handle.SafeFor > TimeSpan.FromSeconds(5))
                {
                    _time.Advance(TimeSpan.FromMilliseconds(20));
                }
                return handle.SafeUntil > granted;
            },
            "the second endpoint renews it");

        Assert.That(handle.HandleLost.IsCancellationRequested, Is.False);
        Assert.That(Renewals(first), Is.Positive);
    }

    [Test]
    public async Task A_release_that_nobody_answers_does_not_make_dispose_throw()
    {
        using var server = new FakeServer(request => request.Method == "POST" ? Granted : FakeAnswer.Abort);
        var options = new ConsensusClientOptions { Endpoints = [server.Endpoint], RetryFor = TimeSpan.Zero };
        using var client = new ConsensusClient(options);
        var handle = await client.AcquireLockAsync("a", Options);
        server.Stop();

        Assert.That(async () => await handle.DisposeAsync().AsTask().InTimeAsync(), Throws.Nothing);
        Assert.That(handle.IsHeld, Is.False);
    }

    [Test]
    public async Task A_release_that_was_cancelled_can_be_tried_again()
    {
        using var server = new FakeServer(request => request.Method == "POST" ? Granted : new FakeAnswer(204));
        using var client = Client(server.Endpoint);
        var handle = await client.AcquireLockAsync("a", Options);

        Assert.That(async () => await handle.ReleaseAsync(new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());

        Assert.That(await handle.ReleaseAsync(), Is.True);
    }

    private static int Renewals(FakeServer server) => server.Requests.Count(request => request.Method == "PUT");

    private ConsensusClient Client(params Uri[] endpoints) => new(new ConsensusClientOptions { Endpoints = endpoints, TimeProvider = _time });
}
