using System.Net;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Commands;

/// <summary>Rule 21: the same key and request gets the first answer again.</summary>
internal sealed class IdempotencyTests : ContractTest
{
    private static readonly (string, string) Identity = ("Idempotency-Key", "request-1");

    [Test]
    public async Task A_repeated_put_has_one_effect_and_the_same_answer()
    {
        var first = await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", Identity);
        using var between = await SendAsync("PUT", "/v1/kv/a", "y");
        var again = await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", Identity);
        Assert.That(again, Is.EqualTo(first));
        var now = await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "GET", "/v1/kv/a");
        Assert.That(now.Value, Is.EqualTo("y"));
    }

    [TestCase("PUT", "/v1/kv/a", "other", null)]
    [TestCase("PUT", "/v1/kv/b", "x", null)]
    [TestCase("PUT", "/v1/kv/a", "x", "\"2\"")]
    [TestCase("DELETE", "/v1/kv/a", null, null)]
    [TestCase("DELETE", "/v1/locks/a?fencingToken=2", null, null)]
    [TestCase("POST", "/v1/leases", """{"ttl":"15s"}""", null)]
    public async Task The_same_key_with_another_request_is_a_mismatch(string method, string target, string? body, string? ifMatch)
    {
        await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", Identity);
        (string, string)[] headers = ifMatch is null ? [Identity] : [Identity, ("If-Match", ifMatch)];
        await ProblemAsync(ProblemTypes.IdempotencyMismatch, method, target, body, headers);
    }

    [Test]
    public async Task A_repeat_whose_answer_is_no_longer_kept_is_told_that_it_comes_too_late()
    {
        await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", Identity);
        Node.Advance(TimeSpan.FromHours(24) + TimeSpan.FromSeconds(1));
        var problem = await ProblemAsync(ProblemTypes.RetryTooLate, "PUT", "/v1/kv/a", "x", Identity);
        Assert.That(problem.Detail, Does.Contain("nothing was done now"));
        var now = await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "GET", "/v1/kv/a");
        Assert.That(now.Version, Is.EqualTo(1));
    }

    [Test]
    public async Task Two_spellings_of_one_request_are_the_same_request()
    {
        var lease = await GrantLeaseAsync();
        var first = await AnswerAsync(
            ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", $"/v1/kv/a/b?lease={lease.Id}", "x", Identity);
        var again = await AnswerAsync(
            ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", $"/v1/kv/a%2Fb?%6Cease={lease.Id}", "x", Identity);
        Assert.That(again, Is.EqualTo(first));
    }

    [Test]
    public async Task A_repeated_acquire_is_granted_the_same_hold_though_another_lease_id_was_drawn()
    {
        const string Body = """{"owner":"me","ttl":"15s"}""";
        var first = await AnswerAsync(ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/l", Body, Identity);
        Node.Advance(TimeSpan.FromSeconds(5));
        var again = await AnswerAsync(ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/l", Body, Identity);
        Assert.That(again, Is.EqualTo(first with { ExpiresInMs = 10_000 }));
        Node.Advance(TimeSpan.FromSeconds(11));
        var problem = await ProblemAsync(ProblemTypes.LeaseExpired, "POST", "/v1/locks/l", Body, Identity);
        Assert.That(problem.Detail, Does.Contain("expired at revision"));
    }

    [Test]
    public async Task A_repeat_of_a_waiting_acquire_takes_its_place_over()
    {
        const string Body = """{"owner":"me","ttl":"15s","wait":"60s"}""";
        var held = await AcquireAsync("l", "other", "60s");
        var first = SendAsync("POST", "/v1/locks/l", Body, Identity);
        await UntilAsync(() => Node.Status.Counts.Waiters == 1, "it waits");
        var again = AnswerAsync(ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/l", Body, Identity);
        using var old = await first;
        await ReadProblemAsync(old, ProblemTypes.OutcomeUnknown);
        Assert.That(Node.Status.Counts.Waiters, Is.EqualTo(1));
        using var release = await SendAsync("DELETE", $"/v1/locks/l?fencingToken={held.FencingToken}");
        Assert.That((await again).Owner, Is.EqualTo("me"));
    }

    [Test]
    public async Task A_repeated_lease_grant_tells_what_is_left_of_it_or_that_it_is_gone()
    {
        const string Body = """{"ttl":"15s"}""";
        var first = await AnswerAsync(ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", Body, Identity);
        Node.Advance(TimeSpan.FromSeconds(5));
        var again = await AnswerAsync(ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", Body, Identity);
        Assert.That(again, Is.EqualTo(first with { ExpiresInMs = 10_000 }));
        Node.Advance(TimeSpan.FromSeconds(11));
        await ProblemAsync(ProblemTypes.LeaseExpired, "POST", "/v1/leases", Body, Identity);
    }

    [TestCase("")]
    [TestCase("gr\u00fcn")]
    public void A_key_that_is_not_printable_ASCII_is_refused(string key)
    {
        var answer = RawHttp.Ask(
            Port, $"PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: {key}\r\nContent-Length: 1\r\n\r\nx");
        Assert.That(answer.Status, Is.EqualTo(400));
        Assert.That(Node.AppliedCommands, Is.Zero);
    }

    [Test]
    public async Task The_longest_key_is_taken_and_a_longer_one_or_two_are_refused()
    {
        var longest = new string('k', ApiLimits.MaxIdempotencyKeyLength);
        await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", ("Idempotency-Key", longest));
        foreach (var (method, target, body) in new[]
        {
            ("PUT", "/v1/kv/a", "x"),
            ("DELETE", "/v1/kv/a", null),
            ("POST", "/v1/leases", """{"ttl":"15s"}"""),
            ("POST", "/v1/leases/1/keepalive", null),
            ("POST", "/v1/leases/keepalive", """{"ids":["1"]}"""),
            ("DELETE", "/v1/leases/1", null),
            ("POST", "/v1/locks/l", """{"owner":"me","ttl":"15s"}"""),
            ("PUT", "/v1/locks/l", """{"fencingToken":2}"""),
            ("DELETE", "/v1/locks/l?fencingToken=2", null),
        })
        {
            await RefusedAsync(ProblemTypes.BadRequest, method, target, body, ("Idempotency-Key", longest + "k"));
        }
        var two = RawHttp.Ask(
            Port, "PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: 1\r\nIdempotency-Key: 2\r\nContent-Length: 1\r\n\r\nx");
        Assert.That(two.Status, Is.EqualTo(400));
    }
}
