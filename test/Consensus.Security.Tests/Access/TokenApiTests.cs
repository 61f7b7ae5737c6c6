using Consensus.Api.Problems;
using Consensus.Security.Tokens;
using Consensus.StateMachine.Policies;

namespace Consensus.Security.Tests.Access;

/// <summary><c>/v1/auth/tokens</c>: how tokens are made, shown, put in the place of others and ended.</summary>
internal sealed class TokenApiTests : TokenTest
{
    private static readonly AccessRule Reads = Prefix(Verbs.Read, Spaces.Keys, "");

    private static string HashOf(BearerToken token) => Convert.ToHexStringLower(token.SecretHash);

    private static string Body(BearerToken token, string? principal = "svc", string? ttl = null)
    {
        var (whose, time) = (principal is null ? "" : $",\"principal\":\"{principal}\"", ttl is null ? "" : $",\"ttl\":\"{ttl}\"");
        return $$"""{"hash":"{{HashOf(token)}}"{{whose}}{{time}}}""";
    }

    private static string Target(BearerToken token, string query = "") => $"/v1/auth/tokens/{token.Id}{query}";

    private string In(TimeSpan time) =>
        Time.GetUtcNow().Add(time).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);

    private async Task<int> StatusAsync(BearerToken token) => (await AskAsync(With(token), "GET", "/v1/kv/a")).Status;

    private async Task RefusedAsync(ProblemType type, string detail, string method, string target, string? body = null)
    {
        var revision = Node.Policy.Revision;
        var told = await AskAsync(Admin, method, target, body);
        Assert.That((told.Status, told.Type), Is.EqualTo((type.Status, type.Uri)), $"{method} {target}: {told.Body}");
        Assert.That(told.Json.GetProperty("detail").GetString(), Does.Contain(detail));
        Assert.That(Node.Policy.Revision, Is.EqualTo(revision));
    }

    [Test]
    public async Task A_token_of_ones_own_making_is_put_however_often_shown_and_ended()
    {
        await AllowAsync("svc", Reads);
        var token = BearerToken.Create();
        Assert.That((await DoneAsync(Admin, "PUT", Target(token), Body(token))).Json.GetProperty("changed").GetBoolean(), Is.True);
        var first = (await DoneAsync(Admin, "GET", Target(token))).Json;
        Pass(TimeSpan.FromDays(1));
        Assert.That((await DoneAsync(Admin, "PUT", Target(token), Body(token))).Json.GetProperty("changed").GetBoolean(), Is.False);
        var again = (await DoneAsync(Admin, "GET", Target(token))).Json;
        Assert.That(again.GetRawText(), Is.EqualTo(first.GetRawText()), "a retry makes it no longer");
        Assert.That(
            (first.GetProperty("principal").GetString(), first.GetProperty("family").GetString(), first.GetProperty("ttlMs").GetInt64()),
            Is.EqualTo(("svc", token.Id, 90 * Day * 1_000)));
        Assert.That(first.GetProperty("notAfter").GetString(), Does.StartWith(In(TimeSpan.FromDays(89))));
        Assert.That(await StatusAsync(token), Is.EqualTo(404));
        await DoneAsync(Admin, "DELETE", Target(token));
        await RefusedAsync(ProblemTypes.NotFound, "there is no such token", "GET", Target(token));
        await RefusedAsync(ProblemTypes.NotFound, "there is no such", "DELETE", Target(token));
        Assert.That(await StatusAsync(token), Is.EqualTo(401));
    }

    [Test]
    public async Task A_token_that_the_member_makes_is_told_once_and_takes_no_identity()
    {
        await AllowAsync("svc", Reads);
        var made = (await DoneAsync(Admin, "POST", "/v1/auth/tokens", """{"principal":"svc","ttl":"2d"}""")).Json;
        Assert.That(BearerToken.TryParse(made.GetProperty("token").GetString(), out var token), Is.True);
        Assert.That(
            (made.GetProperty("id").GetString(), made.GetProperty("principal").GetString(), made.GetProperty("ttlMs").GetInt64()),
            Is.EqualTo((token!.Id, "svc", 2 * Day * 1_000)));
        Assert.That(made.GetProperty("notAfter").GetString(), Does.StartWith(In(TimeSpan.FromDays(2))));
        Assert.That(await StatusAsync(token), Is.EqualTo(404));
        foreach (var header in (string[])["Idempotency-Key", "Consensus-Session"])
        {
            var told = await AskAsync(Admin, "POST", "/v1/auth/tokens", """{"principal":"svc"}""", (header, "k"));
            Assert.That((told.Status, told.Json.GetProperty("detail").GetString()), Is.EqualTo((400,
                "the token is told once and kept nowhere, so that Idempotency-Key and Consensus-Session are not taken: "
                + "put a token of your own making instead, which may be repeated")));
        }
        Assert.That(Node.View.Counts.Tokens, Is.EqualTo(1));
    }

    [Test]
    public async Task Row_21_No_answer_has_a_hash_and_only_an_administrator_sees_the_tokens()
    {
        var (first, second) = (await TokenAsync("svc", Reads), await TokenAsync("other"));
        var ids = new List<string?>();
        for (var target = "/v1/auth/tokens?limit=1"; ;)
        {
            var page = await DoneAsync(Admin, "GET", target);
            Assert.That(page.Body, Does.Not.Contain(HashOf(first)).And.Not.Contain(HashOf(second)).And.Not.Contain("hash"));
            ids.AddRange(page.Json.GetProperty("items").EnumerateArray().Select(static item => item.GetProperty("id").GetString()));
            if (page.Json.GetProperty("nextCursor").GetString() is not { } cursor)
            {
                break;
            }
            target = $"/v1/auth/tokens?limit=1&cursor={cursor}";
        }
        Assert.That(ids, Is.EquivalentTo(new[] { first.Id, second.Id }).And.Ordered.Using((IComparer<string?>)StringComparer.Ordinal));
        foreach (var role in BuiltInRoles.Names.Where(static role => role != BuiltInRoles.Admin))
        {
            await BindAsync("svc", role);
            using var client = With(first);
            foreach (var target in (string[])["/v1/auth/tokens", Target(second), "/v1/auth/tokens/aaaaaaaaaaa"])
            {
                Assert.That((await AskAsync(client, "GET", target)).Status, Is.EqualTo(403), $"{role} {target}");
            }
            Assert.That((await AskAsync(client, "PUT", Target(BearerToken.Create()), Body(second))).Status, Is.EqualTo(403));
            Assert.That((await AskAsync(client, "POST", "/v1/auth/tokens", """{"principal":"svc"}""")).Status, Is.EqualTo(403));
            Assert.That((await AskAsync(client, "DELETE", Target(second))).Status, Is.EqualTo(403));
            Assert.That((await AskAsync(client, "DELETE", Target(second, "?only=true"))).Status, Is.EqualTo(403));
            Assert.That((await AskAsync(client, "DELETE", Target(first))).Status, Is.EqualTo(403), "its family is more than its own");
            Assert.That((await AskAsync(client, "GET", Target(first))).Status, Is.EqualTo(200), "its own");
        }
    }

    [Test]
    public async Task Row_22_The_state_in_a_backup_and_the_tables_have_no_secret()
    {
        var token = await TokenAsync("svc", Reads);
        await BindAsync("svc", BuiltInRoles.Backup);
        using var client = With(token);
        var secret = token.Text[16..59];
        var snapshot = await client.GetByteArrayAsync(new Uri("/v1/snapshot", UriKind.Relative));
        Assert.That(System.Text.Encoding.Latin1.GetString(snapshot), Does.Contain(token.Id).And.Not.Contain(secret));
    }

    [Test]
    public async Task A_holder_has_another_in_the_place_of_its_own_and_the_old_one_ends_after_a_while()
    {
        await AllowAsync("svc", Reads);
        var (before, next) = (await TokenAsync("svc", ttlSeconds: 10 * Day), BearerToken.Create());
        using var client = With(before);
        Pass(TimeSpan.FromDays(9));
        Assert.That((await AskAsync(client, "PUT", Target(next), Body(next, principal: null))).Status, Is.EqualTo(200));
        var shown = (await AskAsync(client, "GET", Target(next))).Json;
        Assert.That(
            (shown.GetProperty("principal").GetString(), shown.GetProperty("family").GetString(), shown.GetProperty("ttlMs").GetInt64()),
            Is.EqualTo(("svc", before.Id, 10 * Day * 1_000)));
        Assert.That(shown.GetProperty("notAfter").GetString(), Does.StartWith(In(TimeSpan.FromDays(10))));
        Assert.That((await AskAsync(client, "DELETE", Target(before, "?only=true&after=5m"))).Status, Is.EqualTo(200));
        Assert.That(await StatusAsync(before), Is.EqualTo(404));
        Pass(TimeSpan.FromMinutes(6));
        Assert.That((await StatusAsync(before), await StatusAsync(next)), Is.EqualTo((401, 404)));
        await DoneAsync(Admin, "DELETE", Target(before));
        Assert.That(await StatusAsync(next), Is.EqualTo(401), "they are one family");
    }

    [Test]
    public async Task A_holder_makes_none_for_longer_than_its_own_and_none_without_one()
    {
        await AllowAsync("svc", Reads);
        var (own, next) = (await TokenAsync("svc", ttlSeconds: Day), BearerToken.Create());
        using var client = With(own);
        var longer = await AskAsync(client, "PUT", Target(next), Body(next, principal: null, ttl: "25h"));
        Assert.That((longer.Status, longer.Json.GetProperty("detail").GetString()), Is.EqualTo((400,
            "the token would be good for longer than the one that it is made with, or than a year; nothing was done")));
        Assert.That((await AskAsync(client, "POST", "/v1/auth/tokens", """{"ttl":"23h"}""")).Status, Is.EqualTo(200));
        await RefusedAsync(ProblemTypes.BadRequest, "\"principal\" is missing", "PUT", Target(next), Body(next, principal: null));
        await RefusedAsync(ProblemTypes.BadRequest, "\"principal\" is missing", "POST", "/v1/auth/tokens");
    }

    [Test]
    public async Task Only_one_of_a_family_is_ended_where_that_is_asked_for()
    {
        await AllowAsync("svc", Reads);
        var first = await TokenAsync("svc");
        var made = (await AskAsync(With(first), "POST", "/v1/auth/tokens", "{}")).Json.GetProperty("token").GetString();
        Assert.That(BearerToken.TryParse(made, out var second), Is.True);
        await DoneAsync(Admin, "DELETE", Target(first, "?only=true"));
        Assert.That((await StatusAsync(first), await StatusAsync(second!)), Is.EqualTo((401, 404)));
    }

    [Test]
    public async Task What_is_no_token_is_told_so()
    {
        var token = BearerToken.Create();
        foreach (var id in (string[])["a", token.Text, "aaaaaaaaaa-", "%C3%A9aaaaaaaaa"])
        {
            await RefusedAsync(ProblemTypes.BadRequest, "the path does not name a token", "PUT", $"/v1/auth/tokens/{id}", Body(token));
            await RefusedAsync(ProblemTypes.BadRequest, "the path does not name a token", "GET", $"/v1/auth/tokens/{id}");
            await RefusedAsync(ProblemTypes.BadRequest, "the path does not name a token", "DELETE", $"/v1/auth/tokens/{id}");
        }
        foreach (var (body, detail) in ((string Body, string Detail)[])
        [
            ("", "\"hash\" is not the SHA-256"),
            ("""{"hash":"00","principal":"svc"}""", "\"hash\" is not the SHA-256"),
            (Body(token, "a*"), "malformed"),
            (Body(token, "local"), "malformed"),
            (Body(token, ttl: "0s"), "\"ttl\" is below 1s"),
            (Body(token, ttl: "366d"), "than a year"),
            (Body(token, ttl: "soon"), "\"ttl\" is not a duration"),
            (Body(token)[..^1] + ",\"x\":1}", "x"),
        ])
        {
            await RefusedAsync(ProblemTypes.BadRequest, detail, "PUT", Target(token), body);
        }
        await RefusedAsync(ProblemTypes.BadRequest, "the secret is to be made here", "POST", "/v1/auth/tokens", Body(token));
        await RefusedAsync(ProblemTypes.BadRequest, "only", "DELETE", Target(token, "?only=perhaps"));
        await RefusedAsync(ProblemTypes.BadRequest, "after", "DELETE", Target(token, "?after=soon"));
        await DoneAsync(Admin, "PUT", Target(token), Body(token));
        await RefusedAsync(ProblemTypes.PreconditionFailed, "is another one", "PUT", Target(token), Body(token, "other"));
    }
}
