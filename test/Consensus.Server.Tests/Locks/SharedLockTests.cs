using System.Net;
using Consensus.Api;
using Consensus.Api.Json;
using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Locks;

/// <summary>What a lock has beside being held: modes, delay, limit and metadata.</summary>
internal sealed class SharedLockTests : ContractTest
{
    private Task<LockGrantAnswer> AcquireWithAsync(string name, string fields) =>
        AnswerAsync(ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/" + name, "{" + fields + "}");

    [Test]
    public async Task Shared_holds_stand_beside_each_other_and_not_beside_an_exclusive_one()
    {
        var first = await AcquireWithAsync("l", "\"owner\":\"r1\",\"ttl\":\"15s\",\"mode\":\"shared\"");
        var second = await AcquireWithAsync("l", "\"owner\":\"r2\",\"ttl\":\"15s\",\"mode\":\"shared\"");
        Assert.That((first.Mode, second.Mode), Is.EqualTo(("shared", "shared")));
        Assert.That(second.FencingToken, Is.GreaterThan(first.FencingToken));
        await ProblemAsync(ProblemTypes.LockHeld, "POST", "/v1/locks/l", """{"owner":"w","ttl":"15s"}""");
        var shown = await ShowLockAsync("l");
        Assert.That(shown.Holders.Select(holder => (holder.Owner, holder.Mode)), Is.EqualTo(new[] { ("r1", "shared"), ("r2", "shared") }));
        Assert.That(shown.HolderCount, Is.EqualTo(2));
    }

    [Test]
    public async Task A_waiting_writer_is_not_overtaken_by_readers()
    {
        var reader = await AcquireWithAsync("l", "\"owner\":\"r1\",\"ttl\":\"15s\",\"mode\":\"shared\"");
        var writer = AcquireWithAsync("l", "\"owner\":\"w\",\"ttl\":\"15s\",\"wait\":\"60s\"");
        await UntilAsync(() => Node.Status.Counts.Waiters == 1, "the writer waits");
        await AnswerHeldAsync("""{"owner":"r2","ttl":"15s","mode":"shared"}""");
        var shown = await ShowLockAsync("l");
        Assert.That(shown.Waiters.Single(), Is.EqualTo(new LockWaiterAnswer("w", 1, "exclusive")));
        using var release = await SendAsync("DELETE", $"/v1/locks/l?fencingToken={reader.FencingToken}");
        Assert.That((await writer).Owner, Is.EqualTo("w"));
    }

    [Test]
    public async Task Metadata_is_shown_as_it_was_given()
    {
        const string Metadata = """{ "pid" : 7, "Host":"a\u0062",  "deep": [ {"x": 1.50e2 }, null ] }""";
        await AcquireWithAsync("l", "\"metadata\":" + Metadata + ",\"owner\":\"me\",\"ttl\":\"15s\"");
        Assert.That((await ShowLockAsync("l")).Holders.Single().Metadata, Is.EqualTo(new RawJson(Metadata)));
    }

    [TestCase("""{"a":"\ud800"}""")]
    [TestCase("""{"\udc00":1}""")]
    [TestCase("""{"a":[{"b":"x\ud800y"}]}""")]
    public async Task Metadata_that_nobody_could_read_again_is_refused(string metadata)
    {
        foreach (var (target, rest) in new[]
        {
            ("/v1/locks/l", "\"owner\":\"me\""), ("/v1/semaphores/l", "\"owner\":\"me\",\"permits\":2"),
            ("/v1/elections/l", "\"candidate\":\"me\""), ("/v1/multilock", "\"owner\":\"me\",\"names\":[\"l\"]"),
        })
        {
            var problem = await RefusedAsync(
                ProblemTypes.BadRequest, "POST", target, $$"""{{{rest}},"ttl":"15s","metadata":{{metadata}}}""");
            Assert.That(problem.Detail, Does.Contain("\"metadata\" is not valid Unicode"));
        }
        await AcquireWithAsync("l", """ "owner":"me","ttl":"15s","metadata":{"a":"\ud83d\ude00"} """);
    }

    [Test]
    public async Task The_longest_metadata_is_taken_and_longer_is_not()
    {
        var text = new string('m', ApiLimits.MaxMetadataBytes - "{\"a\":\"\"}".Length);
        await AcquireWithAsync("l", $"\"owner\":\"me\",\"ttl\":\"15s\",\"metadata\":{{\"a\":\"{text}\"}}");
        var problem = await RefusedAsync(
            ProblemTypes.BadRequest, "POST", "/v1/locks/m", $"{{\"owner\":\"me\",\"ttl\":\"15s\",\"metadata\":{{\"a\":\"{text}m\"}}}}");
        Assert.That(problem.Detail, Does.Contain("metadata").And.Contain("4096"));
        await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/locks/m", """{"owner":"me","ttl":"15s","metadata":""" + new string('[', 100));
    }

    [Test]
    public async Task A_hold_ends_with_its_limit_however_often_it_is_renewed()
    {
        var grant = await AcquireWithAsync("l", "\"owner\":\"me\",\"ttl\":\"15s\",\"maxHold\":\"25s\"");
        Node.Advance(TimeSpan.FromSeconds(10));
        var renewed = await AnswerAsync(
            ApiJson.Default.HoldRenewedAnswer, HttpStatusCode.OK, "PUT", "/v1/locks/l", $$"""{"fencingToken":{{grant.FencingToken}}}""");
        Assert.That(renewed.ExpiresInMs, Is.EqualTo(15_000));
        Assert.That((await ShowLockAsync("l")).Holders.Single().MaxHoldEndsInMs, Is.EqualTo(15_000));
        Node.Advance(TimeSpan.FromSeconds(14));
        await AnswerAsync(ApiJson.Default.HoldRenewedAnswer, HttpStatusCode.OK, "PUT", "/v1/locks/l", $$"""{"fencingToken":{{grant.FencingToken}}}""");
        Node.Advance(TimeSpan.FromSeconds(2));
        var shown = await ShowLockAsync("l");
        Assert.That((shown.Holders.Count, shown.LastLoss?.Reason), Is.EqualTo((0, "held-too-long")));
        var problem = await ProblemAsync(ProblemTypes.NotHolder, "PUT", "/v1/locks/l", $$"""{"fencingToken":{{grant.FencingToken}}}""");
        Assert.That(problem.Detail, Does.Contain("maxHold"));
    }

    [Test]
    public async Task A_lost_lock_is_for_a_while_only_for_its_last_owner()
    {
        await AcquireWithAsync("l", "\"owner\":\"first\",\"ttl\":\"10s\",\"lockDelay\":\"20s\"");
        Assert.That((await ShowLockAsync("l")).Holders.Single().LockDelayMs, Is.EqualTo(20_000));
        Node.Advance(TimeSpan.FromSeconds(11));
        var shown = await ShowLockAsync("l");
        Assert.That((shown.Holders.Count, shown.LastLoss?.Owner), Is.EqualTo((0, "first")));
        Assert.That(shown.DelayMs, Is.InRange(18_000, 20_000));
        Node.Advance(TimeSpan.FromSeconds(5));
        using var refused = await SendAsync("POST", "/v1/locks/l", """{"owner":"second","ttl":"10s"}""");
        var problem = await ReadProblemAsync(refused, ProblemTypes.LockHeld);
        Assert.That((problem.Holder, problem.FencingToken), Is.EqualTo(((string?)null, (long?)null)));
        Assert.That(problem.Detail, Does.Contain("lockDelay"));
        Assert.That(refused.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(15)), "of 20 s, 5 have passed");
        var again = await AcquireWithAsync("l", "\"owner\":\"first\",\"ttl\":\"10s\"");
        using var release = await SendAsync("DELETE", $"/v1/locks/l?fencingToken={again.FencingToken}");
        await AcquireWithAsync("l", "\"owner\":\"second\",\"ttl\":\"10s\"");
    }

    [Test]
    public async Task A_hold_by_an_existing_lease_shows_what_else_the_lease_has()
    {
        var lease = await GrantLeaseAsync();
        await AcquireWithAsync("l", $"\"owner\":\"me\",\"lease\":\"{lease.Id}\"");
        using var semaphore = await SendAsync("POST", "/v1/semaphores/s", $$"""{"owner":"me","lease":"{{lease.Id}}","permits":2}""");
        using var election = await SendAsync("POST", "/v1/elections/e", $$"""{"candidate":"me","lease":"{{lease.Id}}"}""");
        var shown = await AnswerAsync(ApiJson.Default.LeaseDetailAnswer, HttpStatusCode.OK, "GET", "/v1/leases/" + lease.Id);
        Assert.That((shown.Locks.Single(), shown.Semaphores.Single(), shown.Elections.Single(), shown.LockCount), Is.EqualTo(("l", "s", "e", 3L)));
    }

    private async Task<ProblemAnswer> AnswerHeldAsync(string body)
    {
        using var response = await SendAsync("POST", "/v1/locks/l", body);
        return await ReadProblemAsync(response, ProblemTypes.LockHeld);
    }
}
