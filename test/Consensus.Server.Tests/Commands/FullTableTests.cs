using System.Net;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Tests.Commands;

/// <summary>A member whose table of kept outcomes takes five: what is done and what is refused when all of them are young.</summary>
internal sealed class FullTableTests : ContractTest
{
    private const int Room = 5;

    protected override InProcessNode CreateNode() => new(new Limits { MaxIdempotencyKeys = Room });

    private static (string, string) Key(string key) => ("Idempotency-Key", key);

    private async Task FillAsync()
    {
        for (var i = 0; i < Room; i++)
        {
            using var put = await SendAsync("PUT", "/v1/kv/full", "x", Key($"full{i}"));
            Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test]
    public async Task What_gives_back_takes_away_or_keeps_alive_is_done_and_a_new_effect_is_told_when_to_come_back()
    {
        var (kept, lost) = (await GrantLeaseAsync(), await GrantLeaseAsync());
        var (released, renewed, forced) = (await AcquireAsync("released"), await AcquireAsync("renewed"), await AcquireAsync("forced"));
        var permit = await AnswerAsync(
            ApiJson.Default.SemaphoreGrantAnswer, HttpStatusCode.OK, "POST", "/v1/semaphores/s", """{"owner":"me","ttl":"15s","permits":1}""");
        var leader = await AnswerAsync(ApiJson.Default.ElectedAnswer, HttpStatusCode.OK, "POST", "/v1/elections/e", """{"candidate":"me","ttl":"15s"}""");
        foreach (var key in new[] { "a", "b/1", "c" })
        {
            using var put = await SendAsync("PUT", "/v1/kv/" + key, "x");
        }
        using (var passed = await SendAsync("PUT", "/v1/fences/f", """{"fencingToken":1}"""))
        {
            Assert.That(passed.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
        await FillAsync();
        Node.Advance(TimeSpan.FromSeconds(12.5));
        foreach (var (method, target, body) in new[]
        {
            ("PUT", "/v1/kv/new", "x"),
            ("POST", "/v1/leases", """{"ttl":"15s"}"""),
            ("POST", "/v1/locks/new", """{"owner":"me","ttl":"15s"}"""),
            ("POST", "/v1/multilock", """{"names":["new"],"owner":"me","ttl":"15s"}"""),
            ("POST", "/v1/semaphores/new", """{"owner":"me","ttl":"15s","permits":1}"""),
            ("POST", "/v1/elections/new", """{"candidate":"me","ttl":"15s"}"""),
            ("PUT", "/v1/fences/new", """{"fencingToken":1}"""),
            ("POST", "/v1/txn", """{"success":[{"put":{"key":"new","value":"x"}}]}"""),
        })
        {
            using var refused = await SendAsync(method, target, body, Key($"refused {target}"));
            await ReadProblemAsync(refused, ProblemTypes.TooManyRequests);
            Assert.That(refused.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(48)), $"{method} {target}: 47.5 s, upwards");
        }
        var number = 0;
        foreach (var (method, target, body) in new[]
        {
            ("PUT", "/v1/locks/renewed", $$"""{"fencingToken":{{renewed.FencingToken}}}"""),
            ("PUT", "/v1/elections/e", $$"""{"fencingToken":{{leader.FencingToken}},"value":"new"}"""),
            ("POST", $"/v1/leases/{kept.Id}/keepalive", null),
            ("POST", "/v1/leases/keepalive", $$"""{"ids":["{{kept.Id}}"]}"""),
            ("DELETE", $"/v1/locks/released?fencingToken={released.FencingToken}", null),
            ("DELETE", "/v1/locks/forced?force=true", null),
            ("DELETE", $"/v1/semaphores/s?fencingToken={permit.FencingToken}", null),
            ("DELETE", $"/v1/elections/e?fencingToken={leader.FencingToken}", null),
            ("DELETE", $"/v1/leases/{lost.Id}", null),
            ("DELETE", "/v1/kv/a", null),
            ("DELETE", "/v1/kv/?prefix=b/", null),
            ("POST", "/v1/txn", """{"success":[{"delete":{"key":"c"}}]}"""),
            ("DELETE", "/v1/fences/f", (string?)null),
        })
        {
            using var done = await SendAsync(method, target, body, Key($"done{number++}"));
            Assert.That(done.IsSuccessStatusCode, $"{method} {target}: {await done.Content.ReadAsStringAsync()}");
        }
        Assert.That((await ShowLockAsync("released")).Holders, Is.Empty);
        Assert.That((Node.Status.Counts.Keys, Node.Status.Counts.Leases, Node.Status.Counts.HoldsInUse), Is.EqualTo((1L, 2L, 1L)));
        Node.Advance(TimeSpan.FromSeconds(48));
        using var later = await SendAsync("PUT", "/v1/kv/new", "x", Key("refused"));
        Assert.That(later.StatusCode, Is.EqualTo(HttpStatusCode.OK), "there was room when it was said to be");
    }

    [Test]
    public async Task A_hand_over_is_done_and_who_waited_is_answered()
    {
        var held = await AcquireAsync("l", "first", "60s");
        var waiting = AnswerAsync(ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/l", """{"owner":"next","ttl":"15s","wait":"30s"}""");
        await UntilAsync(() => Node.Status.Counts.Waiters == 1, "it waits");
        await FillAsync();
        var over = $$"""{"handOverTo":"next","fencingToken":{{held.FencingToken}}}""";
        var handed = await AnswerAsync(ApiJson.Default.HandOverAnswer, HttpStatusCode.OK, "PATCH", "/v1/locks/l", over, Key("over"));
        Assert.That((await waiting).FencingToken, Is.EqualTo(handed.FencingToken));
    }

    [Test]
    public async Task A_deletion_that_was_done_unkept_is_not_done_a_second_time()
    {
        using var put = await SendAsync("PUT", "/v1/kv/a", "x");
        await FillAsync();
        await AnswerAsync(ApiJson.Default.KeysDeletedAnswer, HttpStatusCode.OK, "DELETE", "/v1/kv/a", null, Key("delete"));
        using var another = await SendAsync("PUT", "/v1/kv/a", "of another");
        var problem = await ProblemAsync(ProblemTypes.RetryTooLate, "DELETE", "/v1/kv/a", null, Key("delete"));
        Assert.That(problem.Detail, Does.Contain("had its effect"));
        var held = await AcquireAsync("l");
        for (var i = 0; i < 2; i++)
        {
            using var released = await SendAsync("DELETE", $"/v1/locks/l?fencingToken={held.FencingToken}", null, Key("release"));
            Assert.That(released.StatusCode, Is.EqualTo(HttpStatusCode.NoContent), "a token is given once: released again is released");
        }
    }
}

/// <summary>The answers of transactions that read much.</summary>
internal sealed class LargeAnswerTests : ContractTest
{
    private const string Txn = """{"success":[{"put":{"key":"small","value":"NUMBER"}},{"get":{"prefix":"large/"}},{"get":{"key":"none"}}]}""";

    private static (string, string) Key(string key) => ("Idempotency-Key", key);

    private async Task<string> TransactAsync(int number)
    {
        using var response = await SendAsync("POST", "/v1/txn", Txn.Replace("NUMBER", $"{number}", StringComparison.Ordinal), Key($"txn{number}"));
        var text = await response.Content.ReadAsStringAsync();
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK), $"the transaction {number}: {(text.Length > 500 ? text.Length : text)}");
        return text;
    }

    [Test]
    public async Task Thirty_three_of_two_MiB_leave_room_for_others_and_are_read_again_for_retries()
    {
        foreach (var (key, bytes) in new[] { ("large/1", 1 << 20), ("large/2", (1 << 20) - 100) })
        {
            using var put = await SendAsync("PUT", "/v1/kv/" + key, new string('x', bytes));
        }
        var held = await AcquireAsync("l", ttl: "60s");
        var first = await TransactAsync(0);
        for (var i = 1; i < 33; i++)
        {
            await TransactAsync(i);
        }
        using (var put = await SendAsync("PUT", "/v1/kv/new", "x", Key("put")))
        {
            Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
        using (var released = await SendAsync("DELETE", $"/v1/locks/l?fencingToken={held.FencingToken}", null, Key("release")))
        {
            Assert.That(released.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        }
        using (var deleted = await SendAsync("DELETE", "/v1/kv/?prefix=large/"))
        {
            Assert.That(deleted.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
        Assert.That(await TransactAsync(0) == first, "the retry is answered as the first attempt was, from the past");
        Node.Propose(new CompactCommand(Node.Status.Revision));
        var omitted = await AnswerAsync(
            ApiJson.Default.TxnAnswer, HttpStatusCode.OK, "POST", "/v1/txn", Txn.Replace("NUMBER", "0", StringComparison.Ordinal), Key("txn0"));
        Assert.That(omitted.Results[0].Put?.Version, Is.EqualTo(1));
        Assert.That((omitted.Results[1].Get?.Omitted, omitted.Results[1].Get?.Items, omitted.Results[1].Get?.Count), Is.EqualTo(((bool?)true, (object?)null, (long?)null)));
        Assert.That((omitted.Results[2].Get?.Omitted, omitted.Results[2].Get?.Items?.Count, omitted.Results[2].Get?.Count), Is.EqualTo(((bool?)false, (int?)0, (long?)0)));
        using var raw = await SendAsync("POST", "/v1/txn", Txn.Replace("NUMBER", "0", StringComparison.Ordinal), Key("txn0"));
        Assert.That(await raw.Content.ReadAsStringAsync(), Does.Contain("""{"get":{"omitted":true}},{"get":{"items":[],"count":0}}"""));
    }
}
