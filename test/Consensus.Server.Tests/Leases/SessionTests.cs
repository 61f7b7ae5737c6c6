using System.Net;
using Consensus.Api;
using Consensus.Api.Leases;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Leases;

/// <summary>Sessions over HTTP: a lease with a table of answers, and the header that numbers a request.</summary>
internal sealed class SessionTests : ContractTest
{
    private string _id = "";

    [SetUp]
    public async Task OpenSessionAsync()
    {
        var session = await AnswerAsync(ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", """{"ttl":"60s","session":true}""");
        _id = session.Id;
        Assert.That(session.Session, Is.True);
    }

    private (string, string) Number(long seq, long acked = 0) => (ApiHeaders.Session, $"{_id}; seq={seq}; acked={acked}");

    private async Task<SessionAnswer?> ShowAsync(string id) =>
        (await AnswerAsync(ApiJson.Default.LeaseDetailAnswer, HttpStatusCode.OK, "GET", "/v1/leases/" + id)).Session;

    private Task<SettleAnswer> SettleAsync(long seq) =>
        AnswerAsync(ApiJson.Default.SettleAnswer, HttpStatusCode.OK, "POST", $"/v1/leases/{_id}/settle", $$"""{"seq":{{seq}}}""");

    private string Hold(string wait = "0s") => $$"""{"owner":"me","lease":"{{_id}}","wait":"{{wait}}"}""";

    [Test]
    public async Task A_session_shows_its_numbers_and_another_lease_has_none()
    {
        Assert.That(await ShowAsync(_id), Is.EqualTo(new SessionAnswer(0, 0, 0, 0)));
        Assert.That(await ShowAsync((await GrantLeaseAsync()).Id), Is.Null);
        await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", Number(3));
        await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", Number(5, acked: 2));
        Assert.That(await ShowAsync(_id), Is.EqualTo(new SessionAnswer(5, 2, 2, 0)));
        Assert.That((await GrantLeaseAsync()).Session, Is.False);
    }

    [TestCase("""{"ttl":"15s","session":1}""")]
    [TestCase("""{"ttl":"15s","session":"true"}""")]
    [TestCase("""{"ttl":"15s","session":{}}""")]
    [TestCase("""{"ttl":"15s","session":true,"session":true}""")]
    public async Task A_session_that_is_neither_true_nor_false_is_refused(string body)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/leases", body);
        Assert.That(problem.Detail, Does.Contain("session"));
    }

    [TestCase("""{"ttl":"15s","session":false}""")]
    [TestCase("""{"ttl":"15s","session":null}""")]
    public async Task A_lease_may_be_said_to_be_no_session(string body)
    {
        var lease = await AnswerAsync(ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", body);
        Assert.That(await ShowAsync(lease.Id), Is.Null);
    }

    [Test]
    public async Task A_number_has_one_effect_and_one_answer_and_another_request_under_it_is_a_mismatch()
    {
        var first = await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", Number(1));
        using var between = await SendAsync("PUT", "/v1/kv/a", "y");
        Assert.That(await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", Number(1)), Is.EqualTo(first));
        await ProblemAsync(ProblemTypes.IdempotencyMismatch, "PUT", "/v1/kv/a", "z", Number(1));
        await ProblemAsync(ProblemTypes.IdempotencyMismatch, "DELETE", "/v1/kv/a", null, Number(1));
        await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/b", "x", Number(2, acked: 1));
        await ProblemAsync(ProblemTypes.RetryTooLate, "PUT", "/v1/kv/a", "x", Number(1));
    }

    [Test]
    public async Task Every_write_takes_a_number_and_does_nothing_under_a_session_that_is_gone()
    {
        await AnswerAsync(ApiJson.Default.LeaseRevokedAnswer, HttpStatusCode.OK, "DELETE", "/v1/leases/" + _id);
        foreach (var (method, target, body) in new (string, string, string?)[]
        {
            ("PUT", "/v1/kv/a", "x"), ("PUT", "/v1/kv/?key=a", "x"), ("DELETE", "/v1/kv/a", null), ("DELETE", "/v1/kv/?prefix=a", null),
            ("POST", "/v1/leases", """{"ttl":"15s"}"""), ("POST", "/v1/leases/1/keepalive", null), ("POST", "/v1/leases/keepalive", """{"ids":["1"]}"""), ("DELETE", "/v1/leases/1", null),
            ("POST", "/v1/locks/l", Hold()), ("PUT", "/v1/locks/l", """{"fencingToken":2}"""), ("PATCH", "/v1/locks/l", """{"handOverTo":"you","fencingToken":2}"""),
            ("DELETE", "/v1/locks/l?fencingToken=2", null), ("POST", "/v1/multilock", $$"""{"names":["l"],"owner":"me","lease":"{{_id}}"}"""),
            ("POST", "/v1/semaphores/s", $$"""{"owner":"me","lease":"{{_id}}","permits":1}"""), ("PUT", "/v1/semaphores/s", """{"fencingToken":2}"""),
            ("PATCH", "/v1/semaphores/s", """{"handOverTo":"you","fencingToken":2}"""), ("DELETE", "/v1/semaphores/s?force=true", null),
            ("POST", "/v1/elections/e", $$"""{"candidate":"me","lease":"{{_id}}"}"""), ("PUT", "/v1/elections/e", """{"fencingToken":2,"value":"v"}"""),
            ("PATCH", "/v1/elections/e", """{"handOverTo":"you","fencingToken":2}"""), ("DELETE", "/v1/elections/e?fencingToken=2", null),
            ("PUT", "/v1/fences/f", """{"fencingToken":2}"""), ("DELETE", "/v1/fences/f", null), ("POST", "/v1/txn", """{"success":[{"put":{"key":"a","value":"x"}}]}"""),
            ("PATCH", "/v1/semaphores/s", """{"permits":3}"""), ("PUT", "/v1/settings/max-leases", """{"value":5000}"""), ("DELETE", "/v1/settings/max-leases", null),
        })
        {
            var problem = await ProblemAsync(ProblemTypes.SessionEnded, method, target, body, Number(1));
            Assert.That(problem.Detail, Does.Contain("this attempt did nothing").And.Contain("unknown"), $"{method} {target}");
        }
    }

    [TestCase("", "does not begin with a session")]
    [TestCase("; seq=1; acked=0", "does not begin with a session")]
    [TestCase("xyz; seq=1; acked=0", "does not begin with a session")]
    [TestCase("12345678901234567; seq=1; acked=0", "does not begin with a session")]
    [TestCase("0; seq=1; acked=0", "does not begin with a session")]
    [TestCase("seq=1; acked=0", "does not begin with a session")]
    [TestCase("1f", "\"seq\" is missing")]
    [TestCase("1f; acked=0", "\"seq\" is missing")]
    [TestCase("1f; seq=1", "\"acked\" is missing")]
    [TestCase("1f; seq=1; acked=0;", "no parameter \"\"")]
    [TestCase("1f; seq=1; acked=0; x=1", "no parameter \"x\"")]
    [TestCase("1f; Seq=1; acked=0", "no parameter \"Seq\"")]
    [TestCase("1f; seq=1; seq=2; acked=0", "\"seq\" twice")]
    [TestCase("1f; seq; acked=0", "\"seq\" is not a whole number")]
    [TestCase("1f; seq=; acked=0", "\"seq\" is not a whole number")]
    [TestCase("1f; seq= 1; acked=0", "\"seq\" is not a whole number")]
    [TestCase("1f; seq=+1; acked=0", "\"seq\" is not a whole number")]
    [TestCase("1f; seq=-1; acked=0", "\"seq\" is not a whole number")]
    [TestCase("1f; seq=1.0; acked=0", "\"seq\" is not a whole number")]
    [TestCase("1f; seq=0x1; acked=0", "\"seq\" is not a whole number")]
    [TestCase("1f; seq=9223372036854775808; acked=0", "\"seq\" is not a whole number")]
    [TestCase("1f; seq=1; acked=x", "\"acked\" is not a whole number")]
    [TestCase("1f; seq=0; acked=0", "numbers begin with 1")]
    [TestCase("1f; seq=1; acked=1", "not below \"seq\"")]
    [TestCase("1f; seq=1; acked=2", "not below \"seq\"")]
    [TestCase("1f, seq=1, acked=0", "does not begin with a session")]
    public async Task A_header_that_is_not_as_it_has_to_be_is_refused_by_name(string header, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "PUT", "/v1/kv/a", "x", (ApiHeaders.Session, header));
        Assert.That(problem.Detail, Does.Contain(named).And.Contain(ApiHeaders.Session));
    }

    [Test]
    public async Task The_parameters_come_in_any_order_with_or_without_blanks()
    {
        foreach (var (seq, header) in new[] { (1, $"{_id};seq=1;acked=0"), (2, $"{_id} ; acked=1 ;  seq=2"), (3, $"{_id.ToUpperInvariant()}; seq=03; acked=00") })
        {
            await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", (ApiHeaders.Session, header));
            Assert.That((await ShowAsync(_id))!.Seq, Is.EqualTo(seq));
        }
    }

    [Test]
    public async Task Two_sessions_or_a_session_and_a_key_are_refused()
    {
        var both = await RefusedAsync(ProblemTypes.BadRequest, "PUT", "/v1/kv/a", "x", Number(1), (ApiHeaders.IdempotencyKey, "k"));
        Assert.That(both.Detail, Does.Contain(ApiHeaders.IdempotencyKey).And.Contain(ApiHeaders.Session));
        var twice = await RefusedAsync(ProblemTypes.BadRequest, "PUT", "/v1/kv/a", "x", Number(1), Number(2));
        Assert.That(twice.Detail, Does.Contain(ApiHeaders.Session), "on their way they may become one, which is none");
    }

    [Test]
    public async Task A_hold_under_a_session_hangs_on_it()
    {
        var problem = await ProblemAsync(ProblemTypes.BadRequest, "POST", "/v1/locks/l", """{"owner":"me","ttl":"15s"}""", Number(1));
        Assert.That(problem.Detail, Does.Contain(_id));
        await AnswerAsync(ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/l", Hold(), Number(1));
    }

    [Test]
    public async Task A_number_that_is_too_far_ahead_is_refused_and_stays_new()
    {
        var problem = await ProblemAsync(ProblemTypes.TooManyRequests, "PUT", "/v1/kv/a", "x", Number(1_001));
        Assert.That(problem.Detail, Does.Contain("at most 1000"));
        await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", Number(1_001, acked: 1));
    }

    [Test]
    public async Task A_place_stands_when_its_connection_breaks_and_its_grant_stays_the_sessions()
    {
        var held = await AcquireAsync("l", "other", "60s");
        using (var broken = new CancellationTokenSource())
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/locks/l") { Content = new StringContent(Hold("50s")) };
            var (name, value) = Number(1);
            request.Headers.TryAddWithoutValidation(name, value);
            var waiting = Client.SendAsync(request, broken.Token);
            await UntilAsync(() => Node.Status.Counts.Waiters == 1, "it waits");
            var applied = Node.AppliedCommands;
            await broken.CancelAsync();
            Assert.That(async () => await waiting, Throws.InstanceOf<OperationCanceledException>());
            await UntilAsync(() => Node.AppliedCommands > applied, "its member noticed");
        }
        using var released = await SendAsync("DELETE", $"/v1/locks/l?fencingToken={held.FencingToken}");
        Assert.That((await ShowLockAsync("l")).Holders.Single().Owner, Is.EqualTo("me"));
        var found = await AnswerAsync(ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/l", Hold("50s"), Number(1));
        Assert.That(found.Lease, Is.EqualTo(_id));
    }

    [Test]
    public async Task A_number_is_settled_as_done_refused_or_never()
    {
        var put = await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", Number(1));
        await ProblemAsync(ProblemTypes.PreconditionFailed, "PUT", "/v1/kv/a", "x", Number(2), ("If-None-Match", "*"));
        var hold = await AnswerAsync(ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/l", Hold(), Number(3));
        var lease = await AnswerAsync(ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", """{"ttl":"15s"}""", Number(4));
        var many = await AnswerAsync(
            ApiJson.Default.MultiLockAnswer, HttpStatusCode.OK, "POST", "/v1/multilock", $$"""{"names":["m","n"],"owner":"me","lease":"{{_id}}"}""", Number(5));
        using var change = await SendAsync("PUT", "/v1/kv/b", "y");

        var done = await SettleAsync(1);
        Assert.That((done.Seq, done.Result, done.Revision, done.Problem), Is.EqualTo((1, SettleResults.Done, put.ModRevision, (ProblemAnswer?)null)));
        var refused = await SettleAsync(2);
        Assert.That((refused.Result, refused.Problem!.Status, refused.Problem.Revision), Is.EqualTo((SettleResults.Refused, 412, put.ModRevision)));
        var granted = await SettleAsync(3);
        Assert.That(granted.Holds, Is.EqualTo(new[] { new SettledHold("lock", "l", hold.FencingToken) }));
        Assert.That((await SettleAsync(4)).Lease, Is.EqualTo(lease.Id));
        Assert.That((await SettleAsync(5)).Holds, Is.EqualTo(many.Locks.Select(l => new SettledHold("lock", l.Name, l.FencingToken))));
        var never = await SettleAsync(6);
        Assert.That((never.Result, never.Holds, never.Problem), Is.EqualTo((SettleResults.NotDone, (IReadOnlyList<SettledHold>?)null, (ProblemAnswer?)null)));
        await ProblemAsync(ProblemTypes.Withdrawn, "PUT", "/v1/kv/c", "x", Number(6));

        using var released = await SendAsync("DELETE", $"/v1/locks/l?fencingToken={hold.FencingToken}");
        var gone = await SettleAsync(3);
        Assert.That((gone.Result, gone.Holds, gone.Problem!.Type), Is.EqualTo((SettleResults.Done, (IReadOnlyList<SettledHold>?)null, ProblemTypes.LeaseExpired.Uri)));

        using var forced = await SendAsync("DELETE", "/v1/locks/m?force=true");
        var rest = await SettleAsync(5);
        Assert.That(rest.Holds, Is.EqualTo(new[] { new SettledHold("lock", "n", many.Locks[1].FencingToken) }));
        Assert.That(rest.Result, Is.EqualTo(SettleResults.Done));
        Assert.That(rest.Problem!.Detail, Does.Contain("has 1 of its holds still, but another is gone: it was broken by force"));
    }

    [Test]
    public async Task What_was_refused_is_settled_with_the_problem_that_it_was_told()
    {
        var held = await AcquireAsync("l", "other", "60s");
        var seq = 0L;
        foreach (var (type, method, target, body) in new (ProblemType, string, string, string?)[]
        {
            (ProblemTypes.NotHolder, "DELETE", "/v1/locks/l?fencingToken=1", null), (ProblemTypes.NotHolder, "PUT", "/v1/locks/l", """{"fencingToken":1}"""),
            (ProblemTypes.NotHolder, "PATCH", "/v1/locks/l", """{"handOverTo":"you","fencingToken":1}"""),
            (ProblemTypes.NotFound, "PATCH", "/v1/locks/l", $$"""{"handOverTo":"you","fencingToken":{{held.FencingToken}}}"""),
            (ProblemTypes.NotFound, "DELETE", "/v1/leases/1", null), (ProblemTypes.LeaseExpired, "PUT", "/v1/kv/a?lease=1", "x"),
            (ProblemTypes.LockHeld, "POST", "/v1/locks/l", Hold()), (ProblemTypes.NotFound, "PATCH", "/v1/semaphores/s", """{"permits":3}"""),
            (ProblemTypes.BadRequest, "PUT", "/v1/settings/quota-bytes", """{"value":1}"""),
        })
        {
            var told = await ProblemAsync(type, method, target, body, Number(++seq));
            var settled = await SettleAsync(seq);
            Assert.That((settled.Result, settled.Problem!.Type, settled.Problem.Detail), Is.EqualTo((SettleResults.Refused, told.Type, told.Detail)), $"{method} {target}");
        }
    }

    [Test]
    public async Task What_cannot_be_settled_says_why()
    {
        await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", Number(2, acked: 1));
        var settle = $"/v1/leases/{_id}/settle";
        await ProblemAsync(ProblemTypes.RetryTooLate, "POST", settle, """{"seq":1}""");
        await ProblemAsync(ProblemTypes.TooManyRequests, "POST", settle, """{"seq":1002}""");
        await ProblemAsync(ProblemTypes.SessionEnded, "POST", "/v1/leases/1/settle", """{"seq":1}""");
        await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/leases/xyz/settle", """{"seq":1}""");
        foreach (var body in new[] { "{}", """{"seq":0}""", """{"seq":-1}""", """{"seq":"1"}""", """{"seq":1.5}""", """{"seq":null}""", """{"seq":1,"x":1}""", "[1]", "" })
        {
            await RefusedAsync(ProblemTypes.BadRequest, "POST", settle, body);
        }
        await RefusedAsync(ProblemTypes.NotFound, "POST", $"/v1/leases/{_id}/x/settle", """{"seq":1}""");
    }
}
