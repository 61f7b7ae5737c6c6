using System.Globalization;
using Consensus.StateMachine.Policies;

namespace Consensus.Security.Tests.Access;

/// <summary>A hold and a lease are their principal's, whatever others know of them.</summary>
internal sealed class OwnershipTests : AccessTest
{
    private const string Ttl = """{"ttl":"60s"}""";

    private static string TokenOf(Told told) => told.Json.GetProperty("fencingToken").GetInt64().ToString(CultureInfo.InvariantCulture);

    [SetUp]
    public async Task AllowBothAsync()
    {
        const Spaces Held = Spaces.Locks | Spaces.Semaphores | Spaces.Elections;
        await AllowAsync("billing", Prefix(Verbs.Read | Verbs.Hold, Held, ""));
        await AllowAsync("orders", Prefix(Verbs.Read | Verbs.Hold, Held, ""));
    }

    [TestCase("locks", "{\"owner\":\"o\",\"ttl\":\"60s\"}")]
    [TestCase("semaphores", "{\"owner\":\"o\",\"ttl\":\"60s\",\"permits\":1}")]
    [TestCase("elections", "{\"candidate\":\"o\",\"ttl\":\"60s\"}")]
    public async Task Row_9_Who_knows_anothers_token_can_do_nothing_with_it(string space, string asked)
    {
        var token = TokenOf(await DoneAsync("billing", "POST", $"/v1/{space}/x", asked));
        var proclaims = space == "elections" ? $$"""{"fencingToken":{{token}},"value":"v"}""" : $$"""{"fencingToken":{{token}}}""";
        await ForbiddenAsync("orders", "PUT", $"/v1/{space}/x", proclaims);
        await ForbiddenAsync("orders", "PATCH", $"/v1/{space}/x", $$"""{"fencingToken":{{token}},"handOverTo":"p"}""");
        await ForbiddenAsync("orders", "DELETE", $"/v1/{space}/x?fencingToken={token}");
        await ForbiddenAsync("orders", "DELETE", $"/v1/{space}/x?force=true");
        await DoneAsync("billing", "PUT", $"/v1/{space}/x", $$"""{"fencingToken":{{token}}}""");
        await BindAsync("ops", BuiltInRoles.Operator);
        await DoneAsync("ops", "DELETE", $"/v1/{space}/x?force=true");
    }

    [TestCase("locks", "{\"owner\":\"secret\",\"ttl\":\"60s\"}")]
    [TestCase("semaphores", "{\"owner\":\"secret\",\"ttl\":\"60s\",\"permits\":1}")]
    [TestCase("elections", "{\"candidate\":\"secret\",\"ttl\":\"60s\"}")]
    public async Task Who_holds_what_one_may_hold_and_not_read_is_not_told(string space, string asked)
    {
        await AllowAsync("blind", Prefix(Verbs.Hold, Spaces.Locks | Spaces.Semaphores | Spaces.Elections, ""));
        var token = TokenOf(await DoneAsync("billing", "POST", $"/v1/{space}/x", asked));
        var mine = asked.Replace("secret", "me", StringComparison.Ordinal);
        var waiting = mine.Replace("60s\"", "60s\",\"wait\":\"1s\"", StringComparison.Ordinal);
        var wait = AskAsync("blind", "POST", $"/v1/{space}/x", waiting);
        await Patience.UntilAsync(() => Node.WaitingRequests == 1, "it waits");
        Node.Advance(TimeSpan.FromSeconds(2));
        Told[] told =
        [
            await AskAsync("blind", "POST", $"/v1/{space}/x", mine),
            await wait,
            await AskAsync("blind", "PUT", $"/v1/{space}/x", """{"fencingToken":1}"""),
            await AskAsync("blind", "PATCH", $"/v1/{space}/x", """{"fencingToken":1,"handOverTo":"p"}"""),
            await AskAsync("blind", "DELETE", $"/v1/{space}/x?fencingToken=1"),
        ];
        Assert.That(told.Select(one => one.Status), Is.EqualTo(new[] { 409, 409, 412, 412, 412 }));
        foreach (var one in told)
        {
            Assert.That(one.Body, Does.Not.Contain("secret").And.Not.Contain("\"fencingToken\"").And.Not.Contain($"token {token}"));
        }
        Assert.That(told[0].Body, Does.Contain("held by another principal"));
        Assert.That((await AskAsync("orders", "POST", $"/v1/{space}/x", mine)).Body, Does.Contain("secret").And.Contain(token));
    }

    [Test]
    public async Task Who_holds_one_of_several_locks_that_one_may_not_read_is_not_told()
    {
        await AllowAsync("blind", Prefix(Verbs.Hold, Spaces.Locks, ""));
        await DoneAsync("billing", "POST", "/v1/locks/b", """{"owner":"secret","ttl":"60s"}""");
        var told = await AskAsync("blind", "POST", "/v1/multilock", """{"owner":"o","ttl":"60s","names":["a","b"]}""");
        Assert.That((told.Status, told.Json.GetProperty("name").GetString()), Is.EqualTo((409, "b")));
        Assert.That(told.Body, Does.Not.Contain("secret").And.Not.Contain("\"fencingToken\""));
    }

    [Test]
    public async Task A_fence_that_one_may_pass_and_not_read_tells_no_token()
    {
        await AllowAsync("blind", Prefix(Verbs.Write, Spaces.Fences, ""));
        await AllowAsync("sees", Prefix(Verbs.Write | Verbs.Read, Spaces.Fences, ""));
        var token = TokenOf(await DoneAsync("billing", "POST", "/v1/locks/x", """{"owner":"o","ttl":"60s"}"""));
        await DoneAsync("sees", "PUT", "/v1/fences/f", $$"""{"fencingToken":{{token}}}""");
        var untold = await AskAsync("blind", "PUT", "/v1/fences/f", """{"fencingToken":1}""");
        Assert.That((untold.Status, untold.Json.TryGetProperty("highestToken", out _)), Is.EqualTo((412, false)), untold.Body);
        var told = await AskAsync("sees", "PUT", "/v1/fences/f", """{"fencingToken":1}""");
        Assert.That(told.Json.GetProperty("highestToken").GetInt64(), Is.EqualTo(long.Parse(token, CultureInfo.InvariantCulture)));
    }

    [Test]
    public async Task Row_10_Who_knows_anothers_lease_can_neither_keep_it_nor_use_it_nor_end_it()
    {
        var lease = (await DoneAsync("billing", "POST", "/v1/leases", Ttl)).Json.GetProperty("id").GetString();
        var own = (await DoneAsync("orders", "POST", "/v1/leases", Ttl)).Json.GetProperty("id").GetString();
        await ForbiddenAsync("orders", "POST", $"/v1/leases/{lease}/keepalive");
        await ForbiddenAsync("orders", "GET", $"/v1/leases/{lease}");
        await ForbiddenAsync("orders", "GET", $"/v1/leases/{lease}", null, ("Accept", "text/event-stream"));
        await ForbiddenAsync("orders", "DELETE", $"/v1/leases/{lease}");
        await ForbiddenAsync("orders", "POST", "/v1/multilock", $$"""{"owner":"o","lease":"{{lease}}","names":["a","b"]}""");
        var many = (
            await DoneAsync("orders", "POST", "/v1/leases/keepalive", $$"""{"ids":["{{lease}}","{{own}}"]}""")).Json.GetProperty("items");
        Assert.That(
            many.EnumerateArray().Select(item => item.GetProperty("alive").GetBoolean()),
            Is.EqualTo(new[] { false, true }),
            "each has its own answer");
        await DoneAsync("billing", "POST", $"/v1/leases/{lease}/keepalive");
        await ForbiddenAsync("billing", "GET", "/v1/leases");
    }

    [Test]
    public async Task Row_11_A_lock_in_its_delay_is_kept_for_its_principal_and_not_for_who_takes_its_owners_name()
    {
        await DoneAsync("billing", "POST", "/v1/locks/x", """{"owner":"o","ttl":"5s","lockDelay":"60s"}""");
        Node.Advance(TimeSpan.FromSeconds(6));
        var thief = await AskAsync("orders", "POST", "/v1/locks/x", """{"owner":"o","ttl":"5s"}""");
        Assert.That(thief.Status, Is.EqualTo(409), thief.Body);
        await DoneAsync("billing", "POST", "/v1/locks/x", """{"owner":"o","ttl":"5s"}""");
    }

    [Test]
    public async Task Row_12_The_same_idempotency_key_of_another_is_another_request()
    {
        var first = await DoneAsync("billing", "POST", "/v1/locks/a", """{"owner":"o","ttl":"60s"}""", ("Idempotency-Key", "k"));
        var other = await AskAsync("orders", "POST", "/v1/locks/a", """{"owner":"o","ttl":"60s"}""", ("Idempotency-Key", "k"));
        Assert.That(other.Status, Is.EqualTo(409), other.Body);
        await AllowAsync("nobody");
        await ForbiddenAsync("nobody", "POST", "/v1/locks/a", """{"owner":"o","ttl":"60s"}""", ("Idempotency-Key", "k"));
        var again = await DoneAsync("billing", "POST", "/v1/locks/a", """{"owner":"o","ttl":"60s"}""", ("Idempotency-Key", "k"));
        Assert.That(TokenOf(again), Is.EqualTo(TokenOf(first)));
    }

    [Test]
    public async Task What_was_done_is_told_again_to_who_lost_the_right_since()
    {
        await AllowAsync("writer", Prefix(Verbs.Write | Verbs.Read, Spaces.Keys, ""));
        const string Txn = """{"success":[{"put":{"key":"a","value":"1"}},{"get":{"key":"a"}}]}""";
        await DoneAsync("writer", "PUT", "/v1/kv/a?value=1", null, ("Idempotency-Key", "k"));
        await DoneAsync("writer", "POST", "/v1/txn", Txn, ("Idempotency-Key", "t"));
        await BindAsync("writer");
        await DoneAsync("writer", "PUT", "/v1/kv/a?value=1", null, ("Idempotency-Key", "k"));
        var told = await DoneAsync("writer", "POST", "/v1/txn", Txn, ("Idempotency-Key", "t"));
        Assert.That(told.Body, Does.Not.Contain("\"value\""), "what it read then it may not read now");
        await ForbiddenAsync("writer", "PUT", "/v1/kv/a?value=1", null, ("Idempotency-Key", "other"));
        await ForbiddenAsync("writer", "PUT", "/v1/kv/a?value=1", null, ("Idempotency-Key", "other"));
    }

    [Test]
    public async Task A_request_of_a_session_that_was_done_is_told_again_to_who_lost_the_right_since()
    {
        await AllowAsync("writer", Prefix(Verbs.Write, Spaces.Keys, ""));
        var session = (
            await DoneAsync("writer", "POST", "/v1/leases", """{"ttl":"60s","session":true}""")).Json.GetProperty("id").GetString();
        await DoneAsync("writer", "PUT", "/v1/kv/a?value=1", null, ("Consensus-Session", $"{session}; seq=1; acked=0"));
        await BindAsync("writer");
        await DoneAsync("writer", "PUT", "/v1/kv/a?value=1", null, ("Consensus-Session", $"{session}; seq=1; acked=0"));
        var commands = Node.AppliedCommands;
        await ForbiddenAsync("writer", "PUT", "/v1/kv/a?value=1", null, ("Consensus-Session", $"{session}; seq=2; acked=0"));
        Assert.That(Node.AppliedCommands, Is.EqualTo(commands));
    }
}
