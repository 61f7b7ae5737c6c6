using Consensus.Cli.Tests.Support;
using Consensus.Client;
using Consensus.Client.Testing;

namespace Consensus.Cli.Tests.Client;

internal sealed class ConsensusApiClientTests
{
    private const string Deleted = """{"deleted":1,"revision":7}""";
    private const string Item = """{"key":"a","createRevision":2,"modRevision":3,"version":2,"lease":null}""";

    private static readonly FakeAnswer NoLeader = FakeAnswer.Problem(503, "no-leader", "No leader is known.");
    private static readonly FakeAnswer Unknown = FakeAnswer.Problem(504, "outcome-unknown", "It may or may not take effect.");

    [Test]
    public async Task A_refused_connection_moves_on_to_the_next_endpoint()
    {
        using var dead = new FakeServer(_ => FakeAnswer.Abort);
        dead.Stop();
        using var alive = new FakeServer(_ => new FakeAnswer(200, Deleted));
        using var client = Client(dead, alive);

        var result = await client.DeleteKeyAsync("a", null, default);

        Assert.That(result.Succeeded, result.Problem?.Detail);
        Assert.That(alive.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task When_nobody_is_there_all_endpoints_are_named()
    {
        using var one = new FakeServer(_ => FakeAnswer.Abort);
        using var two = new FakeServer(_ => FakeAnswer.Abort);
        one.Stop();
        two.Stop();
        using var client = Client(TimeSpan.Zero, one, two);

        var result = await client.DeleteKeyAsync("a", null, default);

        Assert.That(result.Problem?.Kind, Is.EqualTo(ApiFailureKind.Unavailable));
        Assert.That(result.Problem?.Detail, Is.EqualTo($"none of {one.Endpoint.Authority}, {two.Endpoint.Authority} accepts a connection."));
    }

    [Test]
    public async Task What_a_member_said_tells_more_than_that_another_is_away()
    {
        using var leaderless = new FakeServer(_ => NoLeader);
        using var dead = new FakeServer(_ => FakeAnswer.Abort);
        dead.Stop();
        using var client = Client(TimeSpan.Zero, leaderless, dead);

        var result = await client.DeleteKeyAsync("a", null, default);

        Assert.That(result.Problem?.Slug, Is.EqualTo("no-leader"));
    }

    [Test]
    public async Task The_endpoint_that_answered_is_asked_first_from_then_on()
    {
        using var leaderless = new FakeServer(_ => NoLeader);
        using var alive = new FakeServer(_ => new FakeAnswer(200, Item));
        using var client = Client(leaderless, alive);

        _ = await client.GetKeyAsync("a", default);
        _ = await client.GetKeyAsync("a", default);

        Assert.That(leaderless.Requests, Has.Count.EqualTo(1));
        Assert.That(alive.Requests, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_write_without_a_leader_is_sent_again_until_there_is_one()
    {
        var answers = 0;
        using var server = new FakeServer(_ => ++answers < 4 ? NoLeader : new FakeAnswer(200, Deleted));
        using var client = Client(server);

        var result = await client.DeleteKeyAsync("a", null, default);

        Assert.That(result.Succeeded, result.Problem?.Detail);
    }

    [TestCase(504)]
    [TestCase(0)]
    [TestCase(502)]
    public async Task A_write_of_unknown_outcome_is_sent_again_under_the_same_key(int first)
    {
        var answers = 0;
        using var server = new FakeServer(_ => ++answers > 1
            ? new FakeAnswer(200, Deleted)
            : first switch { 0 => FakeAnswer.Abort, 504 => Unknown, _ => new FakeAnswer(first, "bad gateway", "text/plain") });
        using var client = Client(server);

        var result = await client.DeleteKeyAsync("a", null, default);
        _ = await client.DeleteKeyAsync("a", null, default);

        var keys = server.Requests.Select(request => request.Header("Idempotency-Key")).ToList();
        Assert.That(result.Succeeded, result.Problem?.Detail);
        Assert.That(keys, Has.Count.EqualTo(3).And.All.Not.Empty);
        Assert.That(keys[1], Is.EqualTo(keys[0]));
        Assert.That(keys[2], Is.Not.EqualTo(keys[0]), "another write has a key of its own");
    }

    [Test]
    public async Task A_read_carries_no_key_and_is_sent_again_when_the_connection_breaks()
    {
        var answers = 0;
        using var server = new FakeServer(_ => ++answers > 1 ? new FakeAnswer(200, Item) : FakeAnswer.Abort);
        using var client = Client(server);

        var result = await client.GetKeyAsync("a", default);

        Assert.That(result.Succeeded, result.Problem?.Detail);
        Assert.That(server.Requests.Select(request => request.Header("Idempotency-Key")), Is.All.Null);
    }

    [Test]
    public async Task Once_an_outcome_is_unknown_nothing_done_does_not_make_it_known()
    {
        var answers = 0;
        var time = new ManualTimeProvider();
        using var server = new FakeServer(_ => Interlocked.Increment(ref answers) == 1 ? Unknown : NoLeader);
        using var client = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [server.Endpoint], RetryFor = TimeSpan.FromMinutes(1), TimeProvider = time });

        var deleting = client.DeleteKeyAsync("a", null, default);
        await Eventually.True(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(1));
                return Volatile.Read(ref answers) > 1;
            },
            "it is sent again");
        await Eventually.True(
            () =>
            {
                time.Advance(TimeSpan.FromMinutes(1));
                return deleting.IsCompleted;
            },
            "the time for it is over");

        Assert.That((await deleting).Problem?.Kind, Is.EqualTo(ApiFailureKind.OutcomeUnknown));
    }

    [Test]
    public async Task Nor_does_a_refused_connection()
    {
        FakeServer? self = null;
        using var server = self = new FakeServer(_ =>
        {
            self!.Stop();
            return FakeAnswer.Abort;
        });
        using var client = Client(TimeSpan.FromMilliseconds(200), server);

        var result = await client.DeleteKeyAsync("a", null, default);

        Assert.That(result.Problem?.Kind, Is.EqualTo(ApiFailureKind.OutcomeUnknown));
    }

    [Test]
    public async Task A_kept_connection_that_breaks_under_a_write_without_a_body_is_unknown_and_not_unreachable()
    {
        // HttpClient itself sends again what it thinks was never sent; here that would meet a refused connection.
        FakeServer? self = null;
        using var server = self = new FakeServer(request =>
        {
            if (request.Method == "GET")
            {
                return new FakeAnswer(200, Item);
            }
            self!.Stop();
            return FakeAnswer.Abort;
        });
        using var client = Client(TimeSpan.Zero, server);

        _ = await client.GetKeyAsync("a", default);
        var result = await client.DeleteKeyAsync("a", null, default);

        Assert.That(result.Problem?.Kind, Is.EqualTo(ApiFailureKind.OutcomeUnknown));
    }

    [Test]
    public async Task A_no_after_an_unknown_attempt_leaves_it_unknown_for_the_first_may_still_arrive()
    {
        var answers = 0;
        using var server = new FakeServer(_ => ++answers == 1 ? FakeAnswer.Abort : FakeAnswer.Problem(409, "lock-held", "Held by b."));
        using var client = Client(server);

        var result = await client.AcquireLockAsync(new LockWish("a", "me") { Ttl = TimeSpan.FromSeconds(5) }, default);

        Assert.That(result.Problem?.Kind, Is.EqualTo(ApiFailureKind.OutcomeUnknown));
    }

    [Test]
    public async Task A_missed_revision_after_an_unknown_attempt_is_a_no_for_revisions_never_come_back()
    {
        var answers = 0;
        using var server = new FakeServer(_ =>
            ++answers == 1 ? FakeAnswer.Abort : FakeAnswer.Problem(412, "precondition-failed", "The revision is 9."));
        using var client = Client(server);

        var result = await client.DeleteKeyAsync("a", 4, default);

        Assert.That(result.Problem?.Kind, Is.EqualTo(ApiFailureKind.Refused));
        Assert.That(server.Requests.Select(request => request.Header("If-Match")), Is.All.EqualTo("\"4\""));
    }

    [Test]
    public async Task A_definite_no_is_not_sent_again()
    {
        using var server = new FakeServer(_ => FakeAnswer.Problem(404, "not-found", "There is no key a."));
        using var client = Client(server);

        var result = await client.GetKeyAsync("a", default);

        Assert.That(result.Problem, Is.EqualTo(new ApiProblem(ApiFailureKind.Refused, 404, "not-found", "There is no key a.")
        {
            Json = result.Json,
        }));
        Assert.That(server.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_success_that_is_not_of_the_contract_is_not_taken_for_one()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, "<html>welcome</html>", "text/html"));
        using var client = Client(server);

        Assert.That((await client.GetKeyAsync("a", default)).Problem?.Kind, Is.EqualTo(ApiFailureKind.Unavailable));
        Assert.That((await client.DeleteKeyAsync("a", null, default)).Problem?.Kind, Is.EqualTo(ApiFailureKind.OutcomeUnknown));
    }

    [Test]
    public async Task Members_unknown_to_this_version_are_passed_over()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, """{"deleted":1,"revision":7,"from":"the future"}"""));
        using var client = Client(server);

        Assert.That((await client.DeleteKeyAsync("a", null, default)).Value?.Revision, Is.EqualTo(7));
    }

    [Test]
    public void Cancellation_ends_a_request_that_waits()
    {
        using var arrived = new SemaphoreSlim(0);
        using var server = new FakeServer(async _ =>
        {
            arrived.Release();
            await Task.Delay(Timeout.Infinite);
            return FakeAnswer.Abort;
        });
        using var client = Client(server);
        using var cancellation = new CancellationTokenSource();

        var waiting = client.AcquireLockAsync(new LockWish("a", "me") { Wait = TimeSpan.FromMinutes(5) }, cancellation.Token);
        Assert.That(arrived.Wait(Patience.Limit));
        cancellation.Cancel();

        Assert.That(async () => await waiting, Throws.InstanceOf<OperationCanceledException>());
    }

    [TestCase("plain/path", "/v1/kv/plain/path")]
    [TestCase("a b%c?d#e&f", "/v1/kv/a%20b%25c%3Fd%23e%26f")]
    [TestCase("ä//x/", "/v1/kv/%C3%A4//x/")]
    [TestCase("a/../b", "/v1/kv/?key=a%2F..%2Fb")]
    public async Task A_key_reaches_the_server_byte_for_byte(string key, string target)
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Item));
        using var client = Client(server);

        _ = await client.GetKeyAsync(key, default);

        Assert.That(server.Requests.Single().Target, Is.EqualTo(target));
    }

    [TestCase("{\"type\":\"urn:consensus:problem:no-leader\",\"detail\":\"\\udc00 alone\"}")]
    [TestCase("{\"\\ud800\":1}")]
    public async Task A_problem_with_half_a_surrogate_pair_is_a_failure_and_no_exception(string body)
    {
        using var server = new FakeServer(_ => new FakeAnswer(504, body, "application/problem+json"));
        using var client = Client(TimeSpan.Zero, server);

        var result = await client.DeleteKeyAsync("a", null, default);

        Assert.That(result.Problem?.Kind, Is.EqualTo(ApiFailureKind.OutcomeUnknown), "the write may have taken effect");
    }

    private static ConsensusApiClient Client(params FakeServer[] servers) => Client(TimeSpan.FromSeconds(60), servers);

    private static ConsensusApiClient Client(TimeSpan retryFor, params FakeServer[] servers) => new(new ConsensusClientOptions
    {
        Endpoints = [.. servers.Select(server => server.Endpoint)],
        RetryFor = retryFor,
        RetryUnreachableFor = retryFor,
    });
}
