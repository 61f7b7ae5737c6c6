using System.Text.Json;
using Consensus.Api.Problems;
using Consensus.Security.Generations;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;

namespace Consensus.Security.Tests.Access;

/// <summary><c>/v1/auth</c>: what an administrator sets, and what each is told of itself.</summary>
internal sealed class PolicyApiTests : AccessTest
{
    private const string Rules =
        """
        {"rules":[{"verbs":["hold","read"],"spaces":["locks"],"prefix":"billing/"},{"verbs":["read"],"spaces":["keys"],"name":"config"},
        {"verbs":["read"],"spaces":["keys"],"nameBase64":"/w=="}]}
        """;

    private static long RevisionOf(Told told) => told.Json.GetProperty("policyRevision").GetInt64();

    private async Task RefusedAsync(
        ProblemType type, string detail, string method, string target, string? body = null, params (string Name, string Value)[] headers)
    {
        var revision = Node.Policy.Revision;
        var told = await AskAsync(Admin, method, target, body, headers);
        Assert.That((told.Status, told.Type), Is.EqualTo((type.Status, type.Uri)), $"{method} {target}: {told.Body}");
        Assert.That(told.Json.GetProperty("detail").GetString(), Does.Contain(detail));
        Assert.That(Node.Policy.Revision, Is.EqualTo(revision));
    }

    [Test]
    public async Task A_role_is_made_shown_changed_and_deleted()
    {
        var before = Node.Policy.Revision;
        var put = await DoneAsync(Admin, "PUT", "/v1/auth/roles/billing", Rules);
        Assert.That((RevisionOf(put), put.Json.GetProperty("changed").GetBoolean()), Is.EqualTo((before + 1, true)));
        Assert.That(put.Response.Headers.ETag?.Tag, Is.EqualTo($"\"{before + 1}\""));
        var again = await DoneAsync(Admin, "PUT", "/v1/auth/roles/billing", Rules);
        Assert.That((RevisionOf(again), again.Json.GetProperty("changed").GetBoolean()), Is.EqualTo((before + 1, false)));
        var role = await DoneAsync(Admin, "GET", "/v1/auth/roles/billing");
        var rules = role.Json.GetProperty("rules").EnumerateArray().Select(static rule => rule.GetRawText());
        Assert.That(rules, Is.EqualTo(new[]
        {
            """{"verbs":["read","hold"],"spaces":["locks"],"name":null,"nameBase64":null,"prefix":"billing/","prefixBase64":null}""",
            """{"verbs":["read"],"spaces":["keys"],"name":"config","nameBase64":null,"prefix":null,"prefixBase64":null}""",
            """{"verbs":["read"],"spaces":["keys"],"name":null,"nameBase64":"/w==","prefix":null,"prefixBase64":null}""",
        }));
        Assert.That(role.Json.GetProperty("rights").GetRawText(), Is.EqualTo("[\"leases\"]"));
        Assert.That(role.Response.Headers.ETag?.Tag, Is.EqualTo($"\"{before + 1}-json\""));
        await DoneAsync(Admin, "DELETE", "/v1/auth/roles/billing");
        await RefusedAsync(ProblemTypes.NotFound, "there is no role", "GET", "/v1/auth/roles/billing");
        await RefusedAsync(ProblemTypes.NotFound, "there is no such role", "DELETE", "/v1/auth/roles/billing");
    }

    [Test]
    public async Task A_role_that_is_built_in_is_shown_and_stays()
    {
        var role = await DoneAsync(Admin, "GET", "/v1/auth/roles/operator");
        Assert.That(role.Json.GetProperty("rights").GetRawText(), Is.EqualTo("[\"status\",\"hash\",\"operate\"]"));
        await RefusedAsync(ProblemTypes.BadRequest, "built in", "PUT", "/v1/auth/roles/admin", """{"rules":[]}""");
        await RefusedAsync(ProblemTypes.BadRequest, "built in", "DELETE", "/v1/auth/roles/operator");
    }

    [Test]
    public async Task A_role_that_somebody_has_is_not_deleted()
    {
        await AllowAsync("svc", Prefix(Verbs.Read, Spaces.Keys, ""));
        await RefusedAsync(ProblemTypes.PreconditionFailed, "the principal \"svc\" has the role", "DELETE", "/v1/auth/roles/svc-role");
    }

    [Test]
    public async Task A_principal_is_bound_by_a_name_with_slashes_and_colons_or_by_the_longest_that_its_name_begins_with()
    {
        await DoneAsync(Admin, "PUT", "/v1/auth/principals/uri:spiffe://prod/billing", """{"roles":["reader"]}""");
        var principal = await DoneAsync(Admin, "GET", "/v1/auth/principals/uri:spiffe://prod/billing");
        Assert.That(principal.Json.GetProperty("name").GetString(), Is.EqualTo("uri:spiffe://prod/billing"));
        await DoneAsync(Admin, "PUT", "/v1/auth/principals/team-*", """{"roles":["reader"]}""");
        await DoneAsync(Admin, "PUT", "/v1/auth/principals/team-b*", """{"roles":[]}""");
        Assert.That((await AskAsync("team-a", "GET", "/v1/kv/x")).Status, Is.EqualTo(404));
        await ForbiddenAsync("team-b1", "GET", "/v1/kv/x");
        var who = (await DoneAsync("team-b1", "GET", "/v1/auth")).Json;
        Assert.That((who.GetProperty("principal").GetString(), who.GetProperty("boundAs").GetString()), Is.EqualTo(("team-b1", "team-b*")));
        await DoneAsync(Admin, "DELETE", "/v1/auth/principals/team-b*");
        Assert.That((await AskAsync("team-b1", "GET", "/v1/kv/x")).Status, Is.EqualTo(404));
        await RefusedAsync(
            ProblemTypes.BadRequest, "there is no role \"none\"", "PUT", "/v1/auth/principals/svc", """{"roles":["none"]}""");
    }

    [Test]
    public async Task Lists_go_on_where_the_page_before_ended()
    {
        foreach (var name in (string[])["a", "b", "c"])
        {
            await AllowAsync(name, Prefix(Verbs.Read, Spaces.Keys, name));
            await DoneAsync(Admin, "PUT", $"/v1/auth/revocations/{new string(name[0], 64)}", """{"note":"lost"}""");
        }
        Assert.That(
            await NamesAsync("/v1/auth/roles", "name"),
            Is.EqualTo(new[] { "admin", "operator", "backup", "reader", "monitor", "a-role", "b-role", "c-role" }));
        Assert.That(await NamesAsync("/v1/auth/principals", "name"), Is.EqualTo(new[] { "a", "admin", "b", "c" }));
        Assert.That(
            await NamesAsync("/v1/auth/revocations", "fingerprint"),
            Is.EqualTo(new[] { new string('a', 64), new string('b', 64), new string('c', 64) }));
        await RefusedAsync(ProblemTypes.BadRequest, "cursor", "GET", "/v1/auth/roles?cursor=x");
        await RefusedAsync(ProblemTypes.BadRequest, "limit", "GET", "/v1/auth/roles?limit=0");
    }

    private async Task<List<string?>> NamesAsync(string target, string member)
    {
        var names = new List<string?>();
        for (string? cursor = null; ;)
        {
            var page = (await DoneAsync(Admin, "GET", $"{target}?limit=1{(cursor is null ? "" : $"&cursor={cursor}")}")).Json;
            names.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty(member).GetString()));
            cursor = page.GetProperty("nextCursor").GetString();
            if (cursor is null)
            {
                return names;
            }
        }
    }

    [Test]
    public async Task Row_19_Of_two_administrators_that_edit_one_role_at_the_same_revision_one_is_told_so()
    {
        await DoneAsync(Admin, "PUT", "/v1/auth/roles/billing", """{"rules":[]}""");
        var seen = await DoneAsync(Admin, "GET", "/v1/auth/roles/billing");
        var tag = seen.Response.Headers.ETag!.Tag;
        await DoneAsync(Admin, "PUT", "/v1/auth/roles/billing", Rules, ("If-Match", tag));
        await RefusedAsync(
            ProblemTypes.PreconditionFailed,
            $"the policy is at revision {RevisionOf(seen) + 1}",
            "PUT",
            "/v1/auth/roles/billing",
            """{"rules":[]}""",
            ("If-Match", tag));
        await RefusedAsync(ProblemTypes.PreconditionFailed, "revision", "DELETE", "/v1/auth/principals/admin", null, ("If-Match", "\"1\""));
        await RefusedAsync(ProblemTypes.BadRequest, "If-Match takes", "PUT", "/v1/auth/roles/billing", Rules, ("If-Match", "*"));
    }

    [TestCase("", "empty")]
    [TestCase("[]", "not a JSON object")]
    [TestCase("{}", "\"rules\" is missing")]
    [TestCase("""{"rules":{}}""", "not an array of rules")]
    [TestCase("""{"rules":[1]}""", "\"rules[0]\" is not")]
    [TestCase("""{"rules":[null]}""", "\"rules[0]\" is not")]
    [TestCase("""{"rules":[{"verbs":["read"],"spaces":["keys"]}]}""", "does not name one thing")]
    [TestCase("""{"rules":[{"verbs":["read"],"spaces":["keys"],"name":"a","prefix":"b"}]}""", "does not name one thing")]
    [TestCase("""{"rules":[{"verbs":["read"],"spaces":["keys"],"name":""}]}""", "empty name")]
    [TestCase("""{"rules":[{"verbs":["grow"],"spaces":["keys"],"prefix":""}]}""", "\"grow\", which is none of read, write, hold, break")]
    [TestCase("""{"rules":[{"verbs":[],"spaces":["keys"],"prefix":""}]}""", "names no verb")]
    [TestCase("""{"rules":[{"verbs":["read"],"spaces":["doors"],"prefix":""}]}""", "\"doors\", which is none of keys, locks")]
    [TestCase("""{"rules":[{"verbs":["read"],"prefix":""}]}""", "names no space")]
    [TestCase("""{"rules":[{"verbs":["read"],"spaces":["keys"],"prefix":"","deny":true}]}""", "unknown")]
    [TestCase("""{"rules":[{"verbs":[1],"spaces":["keys"],"prefix":""}]}""", "not a string")]
    public async Task A_role_that_makes_no_sense_is_refused_in_a_sentence(string body, string detail) =>
        await RefusedAsync(ProblemTypes.BadRequest, detail, "PUT", "/v1/auth/roles/billing", body);

    [Test]
    public async Task Names_and_bounds_have_answers()
    {
        var many = string.Join(',', Enumerable.Repeat("""{"verbs":["read"],"spaces":["keys"],"prefix":"a"}""", 101));
        await RefusedAsync(
            ProblemTypes.TooManyRequests, "rules of one role: at most 100", "PUT", "/v1/auth/roles/billing", $$"""{"rules":[{{many}}]}""");
        await RefusedAsync(ProblemTypes.TooLarge, "has 257 bytes", "PUT", $"/v1/auth/roles/{new string('a', 257)}", """{"rules":[]}""");
        await RefusedAsync(ProblemTypes.BadRequest, "malformed", "PUT", "/v1/auth/roles/a%20b", """{"rules":[]}""");
        await RefusedAsync(ProblemTypes.BadRequest, "malformed", "PUT", "/v1/auth/principals/a*b", """{"roles":[]}""");
        await RefusedAsync(ProblemTypes.BadRequest, "malformed", "PUT", "/v1/auth/principals/a%1Fb", """{"roles":[]}""");
        await RefusedAsync(ProblemTypes.BadRequest, "malformed", "PUT", "/v1/auth/principals/local", """{"roles":[]}""");
        await RefusedAsync(ProblemTypes.BadRequest, "malformed", "PUT", "/v1/auth/principals/svc", """{"roles":["reader","reader"]}""");
        await RefusedAsync(ProblemTypes.TooLarge, "has 257 bytes", "GET", $"/v1/auth/principals/{new string('a', 257)}");
        await RefusedAsync(ProblemTypes.BadRequest, "does not name a certificate", "PUT", "/v1/auth/revocations/12ab");
        await RefusedAsync(ProblemTypes.BadRequest, "does not name a certificate", "GET", $"/v1/auth/revocations/{new string('g', 64)}");
        await RefusedAsync(
            ProblemTypes.BadRequest, "\"note\" is not a string", "PUT", $"/v1/auth/revocations/{new string('a', 64)}", """{"note":1}""");
        await RefusedAsync(ProblemTypes.NotFound, "not revoked", "GET", $"/v1/auth/revocations/{new string('a', 64)}");
        await RefusedAsync(ProblemTypes.NotFound, "", "GET", "/v1/auth/roles/");
        await RefusedAsync(ProblemTypes.NotFound, "", "GET", "/v1/auth/");
        await RefusedAsync(ProblemTypes.NotFound, "", "GET", "/v1/authority");
    }

    [Test]
    public async Task A_fingerprint_is_taken_as_openssl_shows_it()
    {
        var shown = string.Join(':', Convert.FromHexString(FingerprintOf("billing")).Select(part => $"{part:X2}"));
        await DoneAsync(Admin, "PUT", $"/v1/auth/revocations/{shown}");
        var told = await DoneAsync(Admin, "GET", $"/v1/auth/revocations/{FingerprintOf("billing")}");
        Assert.That(told.Json.GetProperty("fingerprint").GetString(), Is.EqualTo(FingerprintOf("billing")));
        AssertHandshakeFails(CertificateOf("billing"), "it is revoked");
        await DoneAsync(Admin, "DELETE", $"/v1/auth/revocations/{shown}");
        await DoneAsync("billing", "GET", "/v1/auth");
    }

    [Test]
    public async Task Whoever_is_known_is_told_who_it_is_and_what_it_may()
    {
        await AllowAsync("billing", Prefix(Verbs.Read, Spaces.Keys, "a"));
        var who = (await DoneAsync("billing", "GET", "/v1/auth")).Json;
        Assert.That(who.GetProperty("credential").GetString(), Is.EqualTo("c:" + FingerprintOf("billing")));
        Assert.That(
            (who.GetProperty("enabled").GetBoolean(), who.GetProperty("roles")[0].GetProperty("name").GetString()),
            Is.EqualTo((true, "billing-role")));
        var nobody = (await DoneAsync("nobody", "GET", "/v1/auth")).Json;
        Assert.That(
            (nobody.GetProperty("roles").GetArrayLength(), nobody.GetProperty("boundAs").ValueKind), Is.EqualTo((0, JsonValueKind.Null)));
    }

    [TestCase("billing", "read", "keys", "\"name\":\"ab\"", true)]
    [TestCase("billing", "read", "keys", "\"prefix\":\"ab\"", true)]
    [TestCase("billing", "read", "keys", "\"prefix\":\"\"", false)]
    [TestCase("billing", "write", "keys", "\"name\":\"ab\"", false)]
    [TestCase("billing", "read", "locks", "\"name\":\"ab\"", false)]
    [TestCase("admin", "break", "fences", "\"name\":\"x\"", true)]
    [TestCase("nobody", "read", "keys", "\"name\":\"ab\"", false)]
    public async Task What_another_may_is_asked_by_name(string principal, string verb, string space, string name, bool allowed)
    {
        await AllowAsync("billing", Prefix(Verbs.Read, Spaces.Keys, "a"));
        var asked = $$"""{"principal":"{{principal}}","verb":"{{verb}}","space":"{{space}}",{{name}}}""";
        var told = (await DoneAsync(Admin, "POST", "/v1/auth/check", asked)).Json;
        Assert.That(told.GetProperty("allowed").GetBoolean(), Is.EqualTo(allowed));
        Assert.That(told.GetProperty("reason").GetString(), allowed ? Is.Null : Is.EqualTo("no rule of its roles covers it"));
    }

    [TestCase("""{"verb":"read","space":"keys","name":"a"}""", "\"principal\" is missing")]
    [TestCase("""{"principal":"p","verb":"see","space":"keys","name":"a"}""", "\"verb\" is none of")]
    [TestCase("""{"principal":"p","verb":"read","name":"a"}""", "\"space\" is none of")]
    [TestCase("""{"principal":"p","verb":"read","space":"keys"}""", "does not name one thing")]
    public async Task A_question_that_makes_no_sense_is_refused_in_a_sentence(string body, string detail) =>
        await RefusedAsync(ProblemTypes.BadRequest, detail, "POST", "/v1/auth/check", body);

    [Test]
    public async Task Answers_are_MessagePack_to_who_would_rather_have_it()
    {
        var told = await DoneAsync(Admin, "GET", "/v1/auth", null, ("Accept", "application/msgpack"));
        Assert.That(told.Response.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/msgpack"));
        Assert.That(told.Body, Does.Contain("principal"));
    }

    [Test]
    public async Task A_revocation_of_what_a_member_goes_by_is_refused_after_the_rights_and_not_where_it_is_done()
    {
        var own = MemberCertificates.FingerprintOf(Tls.Source.Current.Own.Leaf);
        var target = $"/v1/auth/revocations/{Convert.ToHexStringLower(own)}";
        await ForbiddenAsync("billing", "PUT", target);
        await RefusedAsync(ProblemTypes.PreconditionFailed, "is the one that the member n1 goes by", "PUT", target);
        Node.PolicyBehind = Node.Policy;
        await DoAsync(new PutRevocationCommand(Key.Own(own), ""));
        var again = await AskAsync(Admin, "PUT", target);
        Assert.That((again.Status, again.Json.GetProperty("changed").GetBoolean()), Is.EqualTo((200, false)), again.Body);
    }
}
