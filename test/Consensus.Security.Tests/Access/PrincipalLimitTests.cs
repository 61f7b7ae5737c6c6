using Consensus.Api.Problems;
using Consensus.StateMachine.Policies;

namespace Consensus.Security.Tests.Access;

/// <summary>Row 42: one principal that asks for all that there is. It is refused, and nobody else notices.</summary>
internal sealed class PrincipalLimitTests : AccessTest
{
    [SetUp]
    public async Task KnowThem()
    {
        foreach (var name in (string[])["greedy", "other"])
        {
            await AllowAsync(
                name, Prefix(Verbs.Hold, Spaces.Locks | Spaces.Semaphores | Spaces.Elections, ""), Prefix(Verbs.Write, Spaces.Keys, ""));
        }
    }

    private async Task BoundAsync(string limits) =>
        await DoneAsync(Admin, "PUT", "/v1/auth/principals/greedy", $$"""{"roles":["greedy-role"],"limits":{{limits}}}""");

    private async Task FullAsync(string detail, string method, string target, string? body, params (string Name, string Value)[] headers)
    {
        var told = await AskAsync("greedy", method, target, body, headers);
        Assert.That((told.Status, told.Type), Is.EqualTo((429, ProblemTypes.TooManyRequests.Uri)), $"{method} {target}: {told.Body}");
        Assert.That(told.Json.GetProperty("detail").GetString(), Is.EqualTo(detail));
        Assert.That(told.Response.Headers.RetryAfter?.Delta?.TotalSeconds, Is.Null.Or.GreaterThanOrEqualTo(1));
    }

    [Test]
    public async Task Row_42_Leases_and_sessions_end_at_its_bound()
    {
        const string Full = "leases of one principal: at most 3; nothing was done";
        await BoundAsync("""{"leases":3}""");
        var first = await DoneAsync("greedy", "POST", "/v1/leases", """{"ttl":"1m"}""");
        await DoneAsync("greedy", "POST", "/v1/leases", """{"ttl":"1m","session":true}""");
        await DoneAsync("greedy", "POST", "/v1/locks/a/acquire", """{"owner":"o","ttl":"1m"}""");
        await FullAsync(Full, "POST", "/v1/leases", """{"ttl":"1m"}""");
        await FullAsync(Full, "POST", "/v1/leases", """{"ttl":"1m","session":true}""");
        await FullAsync(Full, "POST", "/v1/locks/b/acquire", """{"owner":"o","ttl":"1m"}""");
        await DoneAsync("other", "POST", "/v1/locks/b/acquire", """{"owner":"o","ttl":"1m"}""");
        var lease = first.Json.GetProperty("id").GetString();
        await DoneAsync("greedy", "POST", $"/v1/leases/{lease}/keepalive");
        await DoneAsync("greedy", "DELETE", $"/v1/leases/{lease}");
        await DoneAsync("greedy", "POST", "/v1/leases", """{"ttl":"1m"}""");
    }

    [Test]
    public async Task Row_42_Holds_and_who_waits_end_at_its_bound_together()
    {
        const string Full = "holds and waiting places of one principal: at most 2; nothing was done";
        await BoundAsync("""{"holds":2}""");
        await DoneAsync("greedy", "POST", "/v1/locks/a/acquire", """{"owner":"o","ttl":"1m"}""");
        await DoneAsync("greedy", "POST", "/v1/locks/b/acquire", """{"owner":"o","ttl":"1m"}""");
        await FullAsync(Full, "POST", "/v1/locks/a/acquire", """{"owner":"p","ttl":"1m","wait":"1m"}""");
        await FullAsync(Full, "POST", "/v1/semaphores/s/acquire", """{"owner":"o","ttl":"1m","permits":1}""");
        await DoneAsync("other", "POST", "/v1/locks/c/acquire", """{"owner":"o","ttl":"1m"}""");
    }

    [Test]
    public async Task Row_42_What_is_kept_under_its_idempotency_keys_ends_at_its_bound()
    {
        await BoundAsync("""{"idempotencyBytes":1}""");
        await DoneAsync("greedy", "PUT", "/v1/kv/k?value=1", null, ("Idempotency-Key", "first"));
        await FullAsync(
            "bytes kept under the idempotency keys of one principal: at most 1; nothing was done", "PUT", "/v1/kv/k?value=2", null,
            ("Idempotency-Key", "second"));
        await DoneAsync("greedy", "DELETE", "/v1/kv/k", null, ("Idempotency-Key", "third"));
        await DoneAsync("other", "PUT", "/v1/kv/k?value=3", null, ("Idempotency-Key", "first"));
    }

    [Test]
    public async Task Bounds_are_set_shown_and_gone_again_with_the_next_change()
    {
        await BoundAsync("""{"leases":3,"holds":1000000000000}""");
        async Task<string> ShownAsync() =>
            (await DoneAsync(Admin, "GET", "/v1/auth/principals/greedy")).Json.GetProperty("limits").GetRawText();
        Assert.That(await ShownAsync(), Is.EqualTo("""{"leases":3,"holds":1000000000000}"""));
        await DoneAsync(Admin, "PUT", "/v1/auth/principals/greedy", """{"roles":["greedy-role"]}""");
        Assert.That(await ShownAsync(), Is.EqualTo("{}"));
    }

    [TestCase("""{"leases":0}""", "limits.leases")]
    [TestCase("""{"holds":1000000000001}""", "limits.holds")]
    [TestCase("""{"idempotencyBytes":-1}""", "limits.idempotencyBytes")]
    [TestCase("""{"leases":"many"}""", "limits.leases")]
    [TestCase("""{"leases":1,"leases":1}""", "leases")]
    [TestCase("""{"rate":1}""", "rate")]
    [TestCase("3", "limits")]
    public async Task A_bound_that_is_none_is_refused_and_named(string limits, string field)
    {
        var told = await AskAsync(Admin, "PUT", "/v1/auth/principals/greedy", $$"""{"roles":["greedy-role"],"limits":{{limits}}}""");
        Assert.That((told.Status, told.Type), Is.EqualTo((400, ProblemTypes.BadRequest.Uri)));
        Assert.That(told.Json.GetProperty("detail").GetString(), Does.Contain($"\"{field}\"").Or.Contain($".{field}\""));
    }
}
