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

    /// <summary>A request that changes nothing at first, and what makes it one that would.</summary>
    private static readonly object[] Questions =
    [
        new object[] { ("PUT", "/v1/kv/a", "first"), ("PUT", "/v1/kv/a", "x", "If-None-Match", "*"), ("DELETE", "/v1/kv/a", (string?)null) },
        new object[] { ("PUT", "/v1/kv/a", "first"), ("PUT", "/v1/kv/a", "x", "If-Match", "\"3\""), ("PUT", "/v1/kv/a", "second") },
        new object[] { ("PUT", "/v1/kv/b", "first"), ("DELETE", "/v1/kv/a", (string?)null, "", ""), ("PUT", "/v1/kv/a", "x") },
        new object[]
        {
            ("POST", "/v1/locks/l", """{"owner":"other","ttl":"600s"}"""),
            ("POST", "/v1/locks/l", """{"owner":"me","ttl":"15s"}""", "", ""),
            ("DELETE", "/v1/locks/l?force=true", (string?)null),
        },
        new object[]
        {
            ("POST", "/v1/locks/l", """{"owner":"other","ttl":"600s"}"""),
            ("DELETE", "/v1/locks/l?fencingToken=3", (string?)null, "", ""),
            ("DELETE", "/v1/locks/l?force=true", (string?)null),
        },
        new object[]
        {
            ("POST", "/v1/semaphores/s", """{"owner":"other","ttl":"600s","permits":2}"""),
            ("POST", "/v1/semaphores/s", """{"owner":"me","ttl":"15s","permits":3}""", "", ""),
            ("DELETE", "/v1/semaphores/s?force=true", (string?)null),
        },
        new object[]
        {
            ("PUT", "/v1/kv/a", "first"),
            ("POST", "/v1/txn", """{"compare":[{"key":"a","target":"exists","operand":false}],"success":[{"put":{"key":"a","value":"x"}}]}""", "", ""),
            ("DELETE", "/v1/kv/a", (string?)null),
        },
        new object[]
        {
            ("PUT", "/v1/kv/a", "first"),
            ("PUT", "/v1/fences/f", """{"fencingToken":3}""", "", ""),
            ("PUT", "/v1/kv/a", "second"),
        },
    ];

    [TestCaseSource(nameof(Questions))]
    public async Task A_request_that_changed_nothing_is_told_the_same_again_and_never_changes_anything(
        (string Method, string Target, string? Body) before,
        (string Method, string Target, string? Body, string Header, string Value) asked,
        (string Method, string Target, string? Body) then)
    {
        async Task<(int, string, string)> AskAsync()
        {
            (string, string)[] headers = asked.Header.Length == 0 ? [Identity] : [Identity, (asked.Header, asked.Value)];
            using var response = await SendAsync(asked.Method, asked.Target, asked.Body, headers);
            return ((int)response.StatusCode, response.Headers.GetValues("Consensus-Revision").Single(), await response.Content.ReadAsStringAsync());
        }

        using var first = await SendAsync(before.Method, before.Target, before.Body);
        var revision = Node.Status.Revision;
        var told = await AskAsync();
        Assert.That(Node.Status.Revision, Is.EqualTo(revision), "it changed nothing");
        using var second = await SendAsync(then.Method, then.Target, then.Body);
        Assert.That(second.IsSuccessStatusCode);
        revision = Node.Status.Revision;
        Node.Advance(TimeSpan.FromSeconds(15));
        Assert.That(await AskAsync(), Is.EqualTo(told));
        Assert.That(Node.Status.Revision, Is.EqualTo(revision), "nor did its repetition");
        await ProblemAsync(ProblemTypes.IdempotencyMismatch, "PUT", "/v1/kv/other", "x", Identity);
    }

    [Test]
    public async Task A_wait_that_was_over_is_told_the_same_again_and_is_not_granted()
    {
        const string Body = """{"owner":"me","ttl":"15s","wait":"5s"}""";
        var held = await AcquireAsync("l", "other", "60s");
        var waiting = SendAsync("POST", "/v1/locks/l", Body, Identity);
        await UntilAsync(() => Node.Status.Counts.Waiters == 1, "it waits");
        Node.Advance(TimeSpan.FromSeconds(5));
        using var told = await waiting;
        var problem = await ReadProblemAsync(told, ProblemTypes.LockHeld);
        using var release = await SendAsync("DELETE", $"/v1/locks/l?fencingToken={held.FencingToken}");
        Assert.That(await ProblemAsync(ProblemTypes.LockHeld, "POST", "/v1/locks/l", Body, Identity), Is.EqualTo(problem));
        Assert.That(Node.Status.Counts.HoldsInUse, Is.Zero);
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
            ("DELETE", "/v1/kv/a", (string?)null),
            ("POST", "/v1/leases", """{"ttl":"15s"}"""),
            ("POST", "/v1/leases/1/keepalive", null),
            ("POST", "/v1/leases/keepalive", """{"ids":["1"]}"""),
            ("DELETE", "/v1/leases/1", (string?)null),
            ("POST", "/v1/locks/l", """{"owner":"me","ttl":"15s"}"""),
            ("PUT", "/v1/locks/l", """{"fencingToken":2}"""),
            ("DELETE", "/v1/locks/l?fencingToken=2", (string?)null),
        })
        {
            await RefusedAsync(ProblemTypes.BadRequest, method, target, body, ("Idempotency-Key", longest + "k"));
        }
        var two = RawHttp.Ask(
            Port, "PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: 1\r\nIdempotency-Key: 2\r\nContent-Length: 1\r\n\r\nx");
        Assert.That(two.Status, Is.EqualTo(400));
    }
}
