using System.Net;
using Consensus.Api;
using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Locks;

internal sealed class LockTests : ContractTest
{
    private Task<HoldRenewedAnswer> RenewAsync(string name, long token) => AnswerAsync(
        ApiJson.Default.HoldRenewedAnswer, HttpStatusCode.OK, "PUT", "/v1/locks/" + name, $$"""{"fencingToken":{{token}}}""");

    private async Task ReleaseAsync(string name, long token)
    {
        using var response = await SendAsync("DELETE", $"/v1/locks/{name}?fencingToken={token}");
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(response.Headers.Contains("Consensus-Revision"), Is.True);
    }

    [Test]
    public async Task A_free_lock_is_granted_with_a_token_a_lease_and_the_cluster()
    {
        var grant = await AcquireAsync("reports/nightly", "worker-1");
        Assert.That(grant, Is.EqualTo(new LockGrantAnswer(
            "reports/nightly", "worker-1", "exclusive", 2, grant.Lease, 15_000, 0, 15_000, "00000000000000c1")));
        var next = await AcquireAsync("other");
        Assert.That(next.FencingToken, Is.GreaterThan(grant.FencingToken));
    }

    [Test]
    public async Task A_held_lock_is_refused_with_its_holder()
    {
        var grant = await AcquireAsync("l", "first");
        using var response = await SendAsync("POST", "/v1/locks/l", """{"owner":"second","ttl":"15s"}""");
        var problem = await ReadProblemAsync(response, ProblemTypes.LockHeld);
        Assert.That((problem.Holder, problem.FencingToken, problem.Waiters), Is.EqualTo(("first", (long?)grant.FencingToken, (long?)0)));
        Assert.That(response.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(1)));
    }

    [Test]
    public async Task A_lock_is_not_reentrant()
    {
        await AcquireAsync("l", "me");
        await ProblemAsync(ProblemTypes.LockHeld, "POST", "/v1/locks/l", """{"owner":"me","ttl":"15s"}""");
    }

    [Test]
    public async Task A_lock_shows_its_holder_and_an_unknown_one_is_unheld()
    {
        var grant = await AcquireAsync("l", "me");
        Node.Advance(TimeSpan.FromSeconds(5));
        var shown = await ShowLockAsync("l");
        Assert.That(shown.Holders.Single(), Is.EqualTo(
            new LockHolderAnswer("me", "exclusive", grant.FencingToken, grant.Lease, 15_000, grant.FencingToken, 10_000)));
        Assert.That((shown.Waiters.Count, shown.WaiterCount, shown.LastLoss), Is.EqualTo((0, 0L, (HoldLossAnswer?)null)));
        var unknown = await ShowLockAsync("unknown");
        Assert.That((unknown.Name, unknown.Holders.Count, unknown.Waiters.Count), Is.EqualTo(("unknown", 0, 0)));
    }

    [Test]
    public async Task A_renewal_moves_the_deadline_of_the_hold()
    {
        var grant = await AcquireAsync("l");
        Node.Advance(TimeSpan.FromSeconds(10));
        var renewed = await RenewAsync("l", grant.FencingToken);
        Assert.That(renewed.ExpiresInMs, Is.EqualTo(15_000));
        Assert.That(renewed.FencingToken, Is.EqualTo(grant.FencingToken));
        Node.Advance(TimeSpan.FromSeconds(10));
        Assert.That((await ShowLockAsync("l")).Holders, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_token_is_taken_as_a_string_too()
    {
        var grant = await AcquireAsync("l");
        await AnswerAsync(
            ApiJson.Default.HoldRenewedAnswer, HttpStatusCode.OK, "PUT", "/v1/locks/l", $$"""{"fencingToken":"{{grant.FencingToken}}"}""");
    }

    [Test]
    public async Task A_release_is_answered_alike_when_it_is_repeated()
    {
        var grant = await AcquireAsync("l");
        await ReleaseAsync("l", grant.FencingToken);
        await ReleaseAsync("l", grant.FencingToken);
        Assert.That((await ShowLockAsync("l")).Holders, Is.Empty);
    }

    [Test]
    public async Task A_lost_hold_is_told_with_its_reason_and_frees_nothing()
    {
        var lost = await AcquireAsync("l", "first");
        Node.Advance(TimeSpan.FromSeconds(16));
        var expiredAt = Node.Status.Revision.Value;
        var held = await AcquireAsync("l", "second");
        var renewal = await ProblemAsync(ProblemTypes.LeaseExpired, "PUT", "/v1/locks/l", $$"""{"fencingToken":{{lost.FencingToken}}}""");
        Assert.That(renewal.Detail, Does.Contain($"expired at revision {expiredAt}"));
        var release = await ProblemAsync(ProblemTypes.NotHolder, "DELETE", $"/v1/locks/l?fencingToken={lost.FencingToken}");
        Assert.That(release.Detail, Does.Contain($"expired at revision {expiredAt}"));
        Assert.That((release.Holder, release.FencingToken), Is.EqualTo(("second", (long?)held.FencingToken)));
        var shown = await ShowLockAsync("l");
        Assert.That(shown.Holders.Single().Owner, Is.EqualTo("second"));
        Assert.That(
            shown.LastLoss,
            Is.EqualTo(new HoldLossAnswer("first", lost.FencingToken, "expired", expiredAt, shown.LastLoss!.LostMsAgo, shown.LastLoss.RenewedMsBefore, shown.LastLoss.TtlMs)));
        Assert.That(shown.LastLoss.RenewedMsBefore, Is.GreaterThanOrEqualTo(shown.LastLoss.TtlMs));
    }

    [Test]
    public async Task Who_broke_a_lock_by_force_or_revoked_its_lease_is_told_of()
    {
        await AcquireAsync("l");
        using var broken = await SendAsync("DELETE", "/v1/locks/l?force=true");
        var forced = (await ShowLockAsync("l")).LastLoss!;
        Assert.That((forced.Reason, forced.By), Is.EqualTo(("forced", $"127.0.0.1 through {Node.Status.Name}")));
        var grant = await AcquireAsync("l");
        using var revocation = await SendAsync("DELETE", "/v1/leases/" + grant.Lease);
        var revoked = (await ShowLockAsync("l")).LastLoss!;
        Assert.That((revoked.Reason, revoked.By), Is.EqualTo(("revoked", forced.By)));
    }

    [Test]
    public async Task A_hold_whose_lease_was_revoked_is_not_renewed()
    {
        var grant = await AcquireAsync("l");
        using var revoke = await SendAsync("DELETE", "/v1/leases/" + grant.Lease);
        var problem = await ProblemAsync(ProblemTypes.NotHolder, "PUT", "/v1/locks/l", $$"""{"fencingToken":{{grant.FencingToken}}}""");
        Assert.That(problem.Detail, Does.Contain("revoked at revision"));
    }

    [Test]
    public async Task A_token_that_never_was_is_not_the_holder()
    {
        await AcquireAsync("l");
        await ProblemAsync(ProblemTypes.NotHolder, "DELETE", "/v1/locks/l?fencingToken=999");
        await ProblemAsync(ProblemTypes.NotHolder, "PUT", "/v1/locks/l", """{"fencingToken":999}""");
        await ProblemAsync(ProblemTypes.NotHolder, "DELETE", "/v1/locks/never?fencingToken=1");
    }

    [Test]
    public async Task Force_breaks_a_lock()
    {
        var grant = await AcquireAsync("l");
        using var other = await SendAsync("DELETE", "/v1/locks/l?force=true&fencingToken=999");
        await ReadProblemAsync(other, ProblemTypes.NotHolder);
        using var broken = await SendAsync("DELETE", "/v1/locks/l?force=true");
        Assert.That(broken.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        var problem = await ProblemAsync(ProblemTypes.NotHolder, "PUT", "/v1/locks/l", $$"""{"fencingToken":{{grant.FencingToken}}}""");
        Assert.That(problem.Detail, Does.Contain("broken by force at revision"));
    }

    [Test]
    public async Task One_lease_holds_many_locks()
    {
        var lease = await GrantLeaseAsync("30s");
        foreach (var name in new[] { "a", "b" })
        {
            var grant = await AnswerAsync(
                ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/" + name, $$"""{"owner":"me","lease":"{{lease.Id}}"}""");
            Assert.That((grant.Lease, grant.TtlMs), Is.EqualTo((lease.Id, 30_000)));
        }
        Node.Advance(TimeSpan.FromSeconds(31));
        Assert.That((await ShowLockAsync("a")).Holders, Is.Empty);
        await ProblemAsync(ProblemTypes.LeaseExpired, "POST", "/v1/locks/a", $$"""{"owner":"me","lease":"{{lease.Id}}"}""");
    }

    [TestCase("""{"ttl":"15s"}""", "owner")]
    [TestCase("""{"owner":"","ttl":"15s"}""", "owner")]
    [TestCase("""{"owner":null,"ttl":"15s"}""", "owner")]
    [TestCase("""{"owner":7,"ttl":"15s"}""", "owner")]
    [TestCase("""{"owner":"me"}""", "ttl")]
    [TestCase("""{"owner":"me","ttl":"0s"}""", "ttl")]
    [TestCase("""{"owner":"me","ttl":"3650d"}""", "ttl")]
    [TestCase("""{"owner":"me","ttl":"15s","lease":"1"}""", "together")]
    [TestCase("""{"owner":"me","lease":"nope"}""", "lease")]
    [TestCase("""{"owner":"me","ttl":"15s","wait":"11m"}""", "wait")]
    [TestCase("""{"owner":"me","ttl":"15s","wait":"soon"}""", "wait")]
    [TestCase("""{"owner":"me","ttl":"15s","mode":"other"}""", "mode")]
    [TestCase("""{"owner":"me","ttl":"15s","lockDelay":"2h"}""", "lockDelay")]
    [TestCase("""{"owner":"me","ttl":"15s","lockDelay":"-1s"}""", "lockDelay")]
    [TestCase("""{"owner":"me","ttl":"15s","maxHold":"10ms"}""", "maxHold")]
    [TestCase("""{"owner":"me","ttl":"15s","maxHold":"400d"}""", "maxHold")]
    [TestCase("""{"owner":"me","ttl":"15s","metadata":[]}""", "metadata")]
    [TestCase("""{"owner":"me","ttl":"15s","metadata":"text"}""", "metadata")]
    [TestCase("""{"owner":"me","ttl":"15s","metadata":{"a":}}""", "malformed")]
    [TestCase("""{"owner":"me","ttl":"15s","permits":3}""", "permits")]
    [TestCase("""{"owner":"me","ttl":"15s","color":"red"}""", "color")]
    [TestCase("""{"owner":"me","owner":"you","ttl":"15s"}""", "twice")]
    [TestCase("""{"owner":"me","ttl":"15s\u0000"}""", "ttl")]
    [TestCase("""not json""", "malformed")]
    public async Task A_bad_acquire_is_refused_by_name(string body, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/locks/l", body);
        Assert.That(problem.Detail, Does.Contain(named));
    }

    [Test]
    public async Task The_longest_owner_is_taken_and_a_longer_one_is_not()
    {
        var owner = new string('o', ApiLimits.MaxOwnerBytes);
        await AcquireAsync("l", owner);
        await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/locks/l", $$"""{"owner":"{{owner}}o","ttl":"15s"}""");
    }

    [TestCase("PUT", "/v1/locks/l", "{}", "fencingToken")]
    [TestCase("PUT", "/v1/locks/l", """{"fencingToken":0}""", "fencingToken")]
    [TestCase("PUT", "/v1/locks/l", """{"fencingToken":-1}""", "fencingToken")]
    [TestCase("PUT", "/v1/locks/l", """{"fencingToken":1.5}""", "fencingToken")]
    [TestCase("PUT", "/v1/locks/l", """{"fencingToken":"abc"}""", "fencingToken")]
    [TestCase("PUT", "/v1/locks/l", """{"fencingToken":99999999999999999999}""", "fencingToken")]
    [TestCase("PUT", "/v1/locks/l", """{"fencingToken":[1]}""", "fencingToken")]
    [TestCase("PUT", "/v1/locks/l", """{"fencingToken":1,"ttl":"5s"}""", "ttl")]
    [TestCase("DELETE", "/v1/locks/l", null, "fencingToken")]
    [TestCase("DELETE", "/v1/locks/l?fencingToken=0", null, "fencingToken")]
    [TestCase("DELETE", "/v1/locks/l?fencingToken=-2", null, "fencingToken")]
    [TestCase("DELETE", "/v1/locks/l?fencingToken=x", null, "fencingToken")]
    [TestCase("DELETE", "/v1/locks/l?fencingToken=2&fencingToken=2", null, "twice")]
    [TestCase("DELETE", "/v1/locks/l?force=maybe", null, "force")]
    [TestCase("DELETE", "/v1/locks/l?force=false", null, "fencingToken")]
    [TestCase("GET", "/v1/locks/l?limit=2", null, "limit")]
    public async Task A_bad_token_or_query_is_refused_by_name(string method, string target, string? body, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, method, target, body);
        Assert.That(problem.Detail, Does.Contain(named));
    }

    [Test]
    public async Task Locks_are_listed_by_prefix_page_by_page()
    {
        foreach (var name in new[] { "jobs/c", "jobs/a", "other", "jobs/b" })
        {
            await AcquireAsync(name);
        }
        var first = await AnswerAsync(ApiJson.Default.LockListAnswer, HttpStatusCode.OK, "GET", "/v1/locks/?prefix=jobs/&limit=2");
        Assert.That(first.Items.Select(item => item.Name), Is.EqualTo(new[] { "jobs/a", "jobs/b" }));
        var second = await AnswerAsync(
            ApiJson.Default.LockListAnswer, HttpStatusCode.OK, "GET", $"/v1/locks/?prefix=jobs/&limit=2&cursor={first.NextCursor}");
        Assert.That(second.Items.Select(item => item.Name), Is.EqualTo(new[] { "jobs/c" }));
        Assert.That(second.NextCursor, Is.Null);
    }

    [Test]
    public async Task A_lock_can_be_named_in_the_query()
    {
        const string Target = "/v1/locks/?key=..";
        var grant = await AnswerAsync(ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", Target, """{"owner":"me","ttl":"15s"}""");
        Assert.That(grant.Name, Is.EqualTo(".."));
        Assert.That((await AnswerAsync(ApiJson.Default.LockAnswer, HttpStatusCode.OK, "GET", Target)).Holders, Has.Count.EqualTo(1));
        using var release = await SendAsync("DELETE", $"{Target}&fencingToken={grant.FencingToken}");
        Assert.That(release.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }
}
