using System.Net;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Api.Semaphores;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Semaphores;

internal sealed class SemaphoreTests : ContractTest
{
    private Task<SemaphoreGrantAnswer> AcquireAsync(string owner, long permits, long count = 1, string wait = "0s") => AnswerAsync(
        ApiJson.Default.SemaphoreGrantAnswer,
        HttpStatusCode.OK,
        "POST",
        "/v1/semaphores/s",
        $$"""{"owner":"{{owner}}","ttl":"15s","permits":{{permits}},"count":{{count}},"wait":"{{wait}}"}""");

    private Task<SemaphoreAnswer> ShowAsync(string name = "s") =>
        AnswerAsync(ApiJson.Default.SemaphoreAnswer, HttpStatusCode.OK, "GET", "/v1/semaphores/" + name);

    private async Task ReleaseAsync(long token)
    {
        using var response = await SendAsync("DELETE", $"/v1/semaphores/s?fencingToken={token}");
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [Test]
    public async Task Permits_are_granted_up_to_the_limit()
    {
        var first = await AcquireAsync("a", 3, 2);
        Assert.That(first, Is.EqualTo(new SemaphoreGrantAnswer("s", "a", 3, 2, 2, first.Lease, 15_000, 0, 15_000, "00000000000000c1")));
        var second = await AcquireAsync("b", 3);
        var problem = await ProblemAsync(ProblemTypes.LockHeld, "POST", "/v1/semaphores/s", """{"owner":"c","ttl":"15s","permits":3}""");
        Assert.That(problem.Waiters, Is.Zero);
        var shown = await ShowAsync();
        Assert.That((shown.Permits, shown.PermitsUsed, shown.HolderCount), Is.EqualTo(((long?)3, 3L, 2L)));
        Assert.That(shown.Holders.Select(holder => (holder.Owner, holder.Count, holder.FencingToken)), Is.EqualTo(new[]
        {
            ("a", 2L, first.FencingToken), ("b", 1L, second.FencingToken),
        }));
        await ReleaseAsync(first.FencingToken);
        await ReleaseAsync(first.FencingToken);
        await AcquireAsync("c", 3, 2);
    }

    [Test]
    public async Task Waiters_are_served_in_order_as_permits_come_free()
    {
        var held = await AcquireAsync("a", 2, 2);
        var large = AcquireAsync("b", 2, 2, "60s");
        await UntilAsync(() => Node.Status.Counts.Waiters == 1, "the first waits");
        var small = AcquireAsync("c", 2, 1, "60s");
        await UntilAsync(() => Node.Status.Counts.Waiters == 2, "the second waits");
        var shown = await ShowAsync();
        Assert.That(shown.Waiters, Is.EqualTo(new[] { new SemaphoreWaiterAnswer("b", 1, 2), new SemaphoreWaiterAnswer("c", 2, 1) }));
        await ReleaseAsync(held.FencingToken);
        var granted = await large;
        Assert.That(small.IsCompleted, Is.False);
        await ReleaseAsync(granted.FencingToken);
        Assert.That((await small).Count, Is.EqualTo(1));
    }

    [Test]
    public async Task Another_limit_is_refused_while_it_is_in_use()
    {
        var held = await AcquireAsync("a", 3);
        var problem = await ProblemAsync(ProblemTypes.PermitsMismatch, "POST", "/v1/semaphores/s", """{"owner":"b","ttl":"15s","permits":4}""");
        Assert.That(problem.Permits, Is.EqualTo(3));
        await ReleaseAsync(held.FencingToken);
        Assert.That((await ShowAsync()).Permits, Is.Null);
        Assert.That((await AcquireAsync("b", 4)).Permits, Is.EqualTo(4));
    }

    private Task<PermitsChangedAnswer> ChangeAsync(long permits) => AnswerAsync(
        ApiJson.Default.PermitsChangedAnswer, HttpStatusCode.OK, "PATCH", "/v1/semaphores/s", $$"""{"permits":{{permits}}}""");

    [Test]
    public async Task The_limit_of_a_semaphore_in_use_is_changed_for_those_who_wait_and_those_to_come()
    {
        await AcquireAsync("a", 2, 2);
        var waiting = AcquireAsync("b", 2, 1, "60s");
        await UntilAsync(() => Node.Status.Counts.Waiters == 1, "it waits");
        var changed = await ChangeAsync(3);
        Assert.That(changed, Is.EqualTo(new PermitsChangedAnswer("s", 3, 3, changed.Revision)));
        Assert.That((await waiting).Permits, Is.EqualTo(3));
        Assert.That((await ShowAsync()).Permits, Is.EqualTo(3));
        var refused = await ProblemAsync(ProblemTypes.PermitsMismatch, "POST", "/v1/semaphores/s", """{"owner":"c","ttl":"15s","permits":2}""");
        Assert.That(refused.Permits, Is.EqualTo(3));
        await ChangeAsync(4);
        Assert.That((await AcquireAsync("c", 4)).Permits, Is.EqualTo(4));
    }

    [Test]
    public async Task A_limit_below_what_is_out_and_one_of_a_semaphore_that_nobody_uses_are_refused()
    {
        await ProblemAsync(ProblemTypes.NotFound, "PATCH", "/v1/semaphores/s", """{"permits":3}""");
        var held = await AcquireAsync("a", 5, 3);
        var problem = await ProblemAsync(ProblemTypes.PermitsOut, "PATCH", "/v1/semaphores/s", """{"permits":2}""");
        Assert.That((problem.Permits, problem.PermitsOut), Is.EqualTo(((long?)5, (long?)3)));
        await ReleaseAsync(held.FencingToken);
        await ProblemAsync(ProblemTypes.NotFound, "PATCH", "/v1/semaphores/s", """{"permits":3}""");
    }

    [TestCase("""{"permits":0}""", "permits")]
    [TestCase("""{"permits":1000000001}""", "permits")]
    [TestCase("""{"permits":"3"}""", "permits")]
    [TestCase("""{"permits":3,"handOverTo":"b","fencingToken":1}""", "two things")]
    [TestCase("""{"permits":3,"fencingToken":1}""", "two things")]
    [TestCase("""{"permits":3,"count":1}""", "count")]
    [TestCase("""{"permits":3,"fencingToken":1}""", "\"fencingToken\" ask for two things")]
    [TestCase("""{}""", "\"permits\" and \"handOverTo\"")]
    public async Task A_change_that_is_not_one_is_refused(string body, string named)
    {
        await AcquireAsync("a", 5);
        Assert.That((await ProblemAsync(ProblemTypes.BadRequest, "PATCH", "/v1/semaphores/s", body)).Detail, Does.Contain(named));
        Assert.That((await ShowAsync()).Permits, Is.EqualTo(5));
    }

    [Test]
    public async Task A_lock_has_no_permits_to_change()
    {
        Assert.That((await ProblemAsync(ProblemTypes.BadRequest, "PATCH", "/v1/locks/s", """{"permits":3}""")).Detail, Does.Contain("permits"));
    }

    [Test]
    public async Task Lost_permits_are_shown_as_kept_back_and_a_refusal_says_so()
    {
        using var lost = await SendAsync("POST", "/v1/semaphores/s", """{"owner":"a","ttl":"10s","permits":3,"count":2,"lockDelay":"20s"}""");
        Node.Advance(TimeSpan.FromSeconds(11));
        var shown = await ShowAsync();
        Assert.That((shown.Permits, shown.PermitsUsed), Is.EqualTo(((long?)3, 0L)));
        Assert.That(shown.Delays!.Select(delay => (delay.Owner, delay.Count, delay.Mode)), Is.EqualTo(new[] { ("a", (long?)2, (string?)null) }));
        Assert.That(shown.Delays![0].DelayMs, Is.InRange(18_000, 20_000).And.EqualTo(shown.DelayMs));
        var problem = await ProblemAsync(ProblemTypes.LockHeld, "POST", "/v1/semaphores/s", """{"owner":"b","ttl":"10s","permits":3,"count":2}""");
        Assert.That(problem.Detail, Does.Contain("lockDelay"));
        await AcquireAsync("b", 3);
    }

    [Test]
    public async Task A_hold_is_renewed_lost_and_broken_as_that_of_a_lock()
    {
        var grant = await AcquireAsync("a", 2);
        Node.Advance(TimeSpan.FromSeconds(10));
        var renewed = await AnswerAsync(
            ApiJson.Default.SemaphoreRenewedAnswer, HttpStatusCode.OK, "PUT", "/v1/semaphores/s", $$"""{"fencingToken":{{grant.FencingToken}}}""");
        Assert.That((renewed.Count, renewed.ExpiresInMs), Is.EqualTo((1, 15_000)));
        Node.Advance(TimeSpan.FromSeconds(16));
        await ProblemAsync(ProblemTypes.LeaseExpired, "PUT", "/v1/semaphores/s", $$"""{"fencingToken":{{grant.FencingToken}}}""");
        await ProblemAsync(ProblemTypes.NotHolder, "DELETE", $"/v1/semaphores/s?fencingToken={grant.FencingToken}");
        Assert.That((await ShowAsync()).LastLoss?.Reason, Is.EqualTo("expired"));
        await AcquireAsync("b", 2);
        using var broken = await SendAsync("DELETE", "/v1/semaphores/s?force=true");
        Assert.That(broken.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That((await ShowAsync()).PermitsUsed, Is.Zero);
    }

    [Test]
    public async Task Names_of_semaphores_and_locks_are_apart()
    {
        await AcquireAsync("a", 1);
        await base.AcquireAsync("s", "b");
        var list = await AnswerAsync(ApiJson.Default.SemaphoreListAnswer, HttpStatusCode.OK, "GET", "/v1/semaphores/?prefix=s");
        Assert.That((list.Items.Single().Name, list.Items.Single().Holders.Single().Owner), Is.EqualTo(("s", "a")));
        var locks = await AnswerAsync(ApiJson.Default.LockListAnswer, HttpStatusCode.OK, "GET", "/v1/locks/");
        Assert.That(locks.Items.Single().Holders.Single().Owner, Is.EqualTo("b"));
    }

    [Test]
    public async Task A_closed_connection_gives_up_its_place()
    {
        await AcquireAsync("a", 1);
        const string Waiting = """{"owner":"b","ttl":"15s","permits":1,"wait":"60s"}""";
        using (var connection = new RawHttp(Port))
        {
            connection.Send($"POST /v1/semaphores/s HTTP/1.1\r\nHost: localhost\r\nContent-Length: {Waiting.Length}\r\n\r\n{Waiting}");
            await UntilAsync(() => Node.Status.Counts.Waiters == 1, "it waits");
        }
        await UntilAsync(() => Node.Status.Counts.Waiters == 0, "its place is given up");
    }

    [Test]
    public async Task Semaphores_are_listed_page_by_page()
    {
        foreach (var name in new[] { "c", "a", "b" })
        {
            using var response = await SendAsync("POST", "/v1/semaphores/" + name, """{"owner":"me","ttl":"15s","permits":1}""");
        }
        var first = await AnswerAsync(ApiJson.Default.SemaphoreListAnswer, HttpStatusCode.OK, "GET", "/v1/semaphores/?limit=2");
        var second = await AnswerAsync(ApiJson.Default.SemaphoreListAnswer, HttpStatusCode.OK, "GET", "/v1/semaphores/?cursor=" + first.NextCursor);
        Assert.That(first.Items.Concat(second.Items).Select(item => item.Name), Is.EqualTo(new[] { "a", "b", "c" }));
        await RefusedAsync(ProblemTypes.BadRequest, "GET", "/v1/locks/?cursor=" + first.NextCursor);
    }

    [TestCase("""{"owner":"me","ttl":"15s"}""", "permits")]
    [TestCase("""{"owner":"me","ttl":"15s","permits":0}""", "permits")]
    [TestCase("""{"owner":"me","ttl":"15s","permits":-1}""", "permits")]
    [TestCase("""{"owner":"me","ttl":"15s","permits":1.5}""", "permits")]
    [TestCase("""{"owner":"me","ttl":"15s","permits":"3"}""", "permits")]
    [TestCase("""{"owner":"me","ttl":"15s","permits":1000000001}""", "permits")]
    [TestCase("""{"owner":"me","ttl":"15s","permits":99999999999999999999}""", "permits")]
    [TestCase("""{"owner":"me","ttl":"15s","permits":3,"count":0}""", "count")]
    [TestCase("""{"owner":"me","ttl":"15s","permits":3,"count":-2}""", "count")]
    [TestCase("""{"owner":"me","ttl":"15s","permits":3,"count":4}""", "count")]
    [TestCase("""{"owner":"me","ttl":"15s","permits":3,"mode":"shared"}""", "mode")]
    [TestCase("""{"ttl":"15s","permits":3}""", "owner")]
    [TestCase("""{"owner":"me","permits":3}""", "ttl")]
    public async Task A_bad_acquire_is_refused_by_name(string body, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/semaphores/s", body);
        Assert.That(problem.Detail, Does.Contain(named));
    }

    [TestCase("PUT", "/v1/semaphores/s", "{}", "fencingToken")]
    [TestCase("DELETE", "/v1/semaphores/s", null, "semaphore")]
    [TestCase("GET", "/v1/semaphores/s?limit=1", null, "limit")]
    [TestCase("GET", "/v1/semaphores/?cursor=x", null, "cursor")]
    [TestCase("POST", "/v1/semaphores/", "{}", "semaphore name")]
    public async Task A_bad_request_is_refused_by_name(string method, string target, string? body, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, method, target, body);
        Assert.That(problem.Detail, Does.Contain(named));
    }
}
