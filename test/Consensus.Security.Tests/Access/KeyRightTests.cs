using Consensus.Security.Tests.Https.Support;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine.Policies;

namespace Consensus.Security.Tests.Access;

/// <summary>What is read and written of keys, in every form in which it can be asked for.</summary>
internal sealed class KeyRightTests : AccessTest
{
    private const string Read = "{\"success\":[{\"get\":{\"key\":\"mine/a\"}}]}";

    [TestCase("""{"success":[{"put":{"key":"mine/a","value":"1"}}],"failure":[{"put":{"key":"other","value":"1"}}]}""")]
    [TestCase("""{"success":[{"put":{"key":"mine/a","value":"1"}}],"failure":[{"delete":{"prefix":""}}]}""")]
    [TestCase("""{"success":[{"put":{"key":"mine/a","value":"1"}}],"failure":[{"get":{"key":"other"}}]}""")]
    [TestCase("""{"compare":[{"key":"other","target":"version","op":"=","operand":0}],"success":[{"put":{"key":"mine/a","value":"1"}}]}""")]
    [TestCase("""{"compare":[{"lock":"other","fencingToken":12}],"success":[{"put":{"key":"mine/a","value":"1"}}]}""")]
    public async Task Row_2_A_transaction_that_touches_what_one_may_not_in_either_branch_is_refused_whole(string transaction)
    {
        await AllowAsync("billing", Prefix(Verbs.Read | Verbs.Write, Spaces.Keys, "mine/"));
        await DoneAsync("billing", "POST", "/v1/txn", Read);
        var told = await AskAsync("billing", "POST", "/v1/txn", transaction);
        Assert.That(told.Status, Is.EqualTo(403), told.Body);
        Assert.That((await AskAsync(Admin, "GET", "/v1/kv/mine/a")).Status, Is.EqualTo(404), "nothing was done");
    }

    [Test]
    public async Task Row_3_A_key_is_not_tied_to_the_lease_of_another_nor_is_a_put_of_a_transaction()
    {
        await AllowAsync("billing", Prefix(Verbs.Read | Verbs.Write, Spaces.Keys, ""));
        await AllowAsync("orders", Prefix(Verbs.Write, Spaces.Keys, ""));
        var lease = (await DoneAsync("orders", "POST", "/v1/leases", """{"ttl":"60s"}""")).Json.GetProperty("id").GetString();
        await ForbiddenAsync("billing", "PUT", $"/v1/kv/a?lease={lease}&value=1");
        await ForbiddenAsync("billing", "POST", "/v1/txn", $$$"""{"failure":[{"put":{"key":"a","value":"1","lease":"{{{lease}}}"}}]}""");
        await ForbiddenAsync("billing", "POST", "/v1/locks/l", $$"""{"owner":"o","lease":"{{lease}}"}""");
        await DoneAsync("orders", "PUT", $"/v1/kv/a?lease={lease}&value=1");
    }

    [Test]
    public async Task Row_4_Who_may_not_read_finds_nothing_out_by_a_watch_a_condition_or_a_compare()
    {
        await DoneAsync(Admin, "PUT", "/v1/kv/secret?value=7");
        await AllowAsync("billing", Prefix(Verbs.Write, Spaces.Keys, ""));
        await ForbiddenAsync("billing", "GET", "/v1/kv/secret?prev=true", null, ("Accept", "text/event-stream"));
        await ForbiddenAsync("billing", "GET", "/v1/kv/secret", null, ("If-None-Match", "\"2\""));
        await ForbiddenAsync("billing", "POST", "/v1/txn", """{"compare":[{"key":"secret","target":"value","op":"<","operand":"8"}]}""");
        var guess = await AskAsync("billing", "PUT", "/v1/kv/secret?value=8", null, ("If-Match", "\"99\""));
        Assert.That(guess.Status, Is.EqualTo(412), guess.Body);
        Assert.That(guess.Response.Headers.ETag, Is.Null);
        Assert.That(guess.Json.TryGetProperty("revision", out var revision) && revision.GetInt64() > 0, Is.False, guess.Body);
        Assert.That(
            guess.Json.GetProperty("detail").GetString(),
            Is.EqualTo("the condition does not hold, and whoever may not read the key is not told why"));
    }

    [TestCase("a", false)]
    [TestCase("a/", true)]
    [TestCase("ab", true)]
    public async Task Row_5_A_listing_and_a_watch_are_covered_by_one_rule_whose_prefix_begins_theirs(string rule, bool isPrefix)
    {
        await AllowAsync("billing", isPrefix ? Prefix(Verbs.Read, Spaces.Keys, rule) : Name(Verbs.Read, Spaces.Keys, rule));
        await ForbiddenAsync("billing", "GET", "/v1/kv/?prefix=a");
        await ForbiddenAsync("billing", "GET", "/v1/kv/?prefix=a", null, ("Accept", "text/event-stream"));
        await ForbiddenAsync("billing", "GET", "/v1/kv/");
        if (isPrefix)
        {
            await DoneAsync("billing", "GET", $"/v1/kv/?prefix={rule}");
            await DoneAsync("billing", "GET", $"/v1/kv/?prefix={rule}x");
        }
    }

    [Test]
    public async Task Row_5_Two_rules_do_not_cover_together_what_neither_covers_alone()
    {
        await AllowAsync("billing", Prefix(Verbs.Read, Spaces.Keys, "a/"), Name(Verbs.Read, Spaces.Keys, "a"));
        await ForbiddenAsync("billing", "GET", "/v1/kv/?prefix=a");
    }

    [TestCase("/v1/kv/mine%2Fa")]
    [TestCase("/v1/kv/?key=mine/a")]
    [TestCase("/v1/kv/?key=mine%2Fa")]
    [TestCase("/v1/kv/?keyBase64=bWluZS9h")]
    [TestCase("/v1/kv/%6Dine/a")]
    public async Task Row_6_A_key_is_judged_by_the_name_that_it_has_however_it_is_spelt(string target)
    {
        await AllowAsync("billing", Prefix(Verbs.Read | Verbs.Write, Spaces.Keys, "mine/"));
        await AllowAsync("orders", Prefix(Verbs.Read | Verbs.Write, Spaces.Keys, "other/"));
        var separator = target.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        await DoneAsync("billing", "PUT", $"{target}{separator}value=1");
        await DoneAsync("billing", "GET", target);
        await ForbiddenAsync("orders", "PUT", $"{target}{separator}value=1");
        await ForbiddenAsync("orders", "GET", target);
        await ForbiddenAsync("orders", "DELETE", target);
    }

    [TestCase("mine/a/../../other", 400)]
    [TestCase("mine/./a", 400)]
    [TestCase("mine/%00", 400)]
    [TestCase("?keyBase64=bWluZQAvYQ==", 403)]
    [TestCase("?keyBase64=", 400)]
    [TestCase("?prefix=", 403)]
    [TestCase("mine", 403)]
    [TestCase("/mine/a", 403)]
    public async Task Row_6_No_spelling_leads_out_of_a_prefix(string name, int status)
    {
        await AllowAsync("billing", Prefix(Verbs.Read | Verbs.Write, Spaces.Keys, "mine/"));
        foreach (var method in (string[])["GET", "DELETE"])
        {
            Assert.That(TlsHttp.Ask(Port, CertificateOf("billing"), method, "/v1/kv/" + name).Status, Is.EqualTo(status), method);
        }
    }

    [Test]
    public async Task Row_7_A_deletion_of_a_prefix_wider_than_the_rule_deletes_nothing()
    {
        await DoneAsync(Admin, "PUT", "/v1/kv/mine/a?value=1");
        await DoneAsync(Admin, "PUT", "/v1/kv/mine-too?value=1");
        await AllowAsync("billing", Prefix(Verbs.Write, Spaces.Keys, "mine/"));
        await ForbiddenAsync("billing", "DELETE", "/v1/kv/?prefix=mine");
        await ForbiddenAsync("billing", "DELETE", "/v1/kv/?prefix=");
        await ForbiddenAsync("billing", "POST", "/v1/txn", """{"success":[{"delete":{"prefix":"mine"}}]}""");
        await DoneAsync("billing", "DELETE", "/v1/kv/?prefix=mine/");
        await DoneAsync(Admin, "GET", "/v1/kv/mine-too");
    }

    [Test]
    public async Task Row_8_A_lease_does_not_tell_the_names_of_what_its_reader_may_not_read()
    {
        await AllowAsync(
            "billing",
            Prefix(Verbs.Write, Spaces.Keys, ""),
            Prefix(Verbs.Read, Spaces.Keys, "open/"),
            Prefix(Verbs.Hold, Spaces.Locks, ""));
        var lease = (await DoneAsync("billing", "POST", "/v1/leases", """{"ttl":"60s"}""")).Json.GetProperty("id").GetString();
        await DoneAsync("billing", "PUT", $"/v1/kv/open/a?lease={lease}&value=1");
        await DoneAsync("billing", "PUT", $"/v1/kv/shut?lease={lease}&value=1");
        await DoneAsync("billing", "POST", "/v1/locks/l", $$"""{"owner":"o","lease":"{{lease}}"}""");
        var told = (await DoneAsync("billing", "GET", $"/v1/leases/{lease}")).Json;
        Assert.That(told.GetProperty("keys").EnumerateArray().Select(key => key.GetString()), Is.EqualTo(new[] { "open/a" }));
        Assert.That(told.GetProperty("locks").GetArrayLength(), Is.Zero);
        Assert.That((told.GetProperty("hiddenNames").GetInt64(), told.GetProperty("keyCount").GetInt64()), Is.EqualTo((2L, 2L)));
        using var stream = await EventStream.OpenAsync(As("billing"), $"/v1/leases/{lease}");
        Assert.That((await stream.ExpectAsync("lease")).Data, Does.Contain("open/a").And.Not.Contain("shut").And.Not.Contain("\"l\""));
        var whole = (await DoneAsync(Admin, "GET", $"/v1/leases/{lease}")).Json;
        Assert.That((whole.GetProperty("keys").GetArrayLength(), whole.TryGetProperty("hiddenNames", out _)), Is.EqualTo((2, false)));
    }

    [Test]
    public async Task Row_16_The_past_is_told_by_the_policy_of_now()
    {
        await DoneAsync(Admin, "PUT", "/v1/kv/a?value=1");
        await AllowAsync("billing", Prefix(Verbs.Read, Spaces.Keys, ""));
        var revision = Node.View.Revision;
        await DoneAsync("billing", "GET", $"/v1/kv/a?revision={revision}");
        await BindAsync("billing");
        await ForbiddenAsync("billing", "GET", $"/v1/kv/a?revision={revision}");
        await ForbiddenAsync("billing", "GET", $"/v1/kv/?revision={revision}");
        await ForbiddenAsync("billing", "GET", "/v1/kv/a", null, ("Accept", "text/event-stream"), ("Last-Event-ID", $"{revision}"));
        await ForbiddenAsync("billing", "GET", $"/v1/kv/a?fromRevision={revision}", null, ("Accept", "text/event-stream"));
    }

    [Test]
    public async Task What_is_not_there_is_forbidden_as_what_is()
    {
        await DoneAsync(Admin, "PUT", "/v1/kv/there?value=1");
        var there = await ForbiddenAsync("billing", "GET", "/v1/kv/there");
        var absent = await ForbiddenAsync("billing", "GET", "/v1/kv/not-there");
        Assert.That(
            absent.Json.GetProperty("detail").GetString(),
            Is.EqualTo(there.Json.GetProperty("detail").GetString()!.Replace("there", "not-there", StringComparison.Ordinal)));
        Assert.That(
            there.Json.GetProperty("detail").GetString(), Is.EqualTo("this needs \"read\" of the keys \"there\"; nothing was done"));
    }
}
