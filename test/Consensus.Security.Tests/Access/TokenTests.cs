using System.Net;
using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.Security.Tests.Https.Support;
using Consensus.Security.Tokens;
using Consensus.Server.Tests.Support;
using Consensus.Server.Tls;
using Consensus.Server.Tokens;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;
using Microsoft.AspNetCore.Http;

namespace Consensus.Security.Tests.Access;

/// <summary>Who a token makes of its holder, for how long, and what becomes of what is under way when it ends.</summary>
internal sealed class TokenTests : TokenTest
{
    private const string NotValid = "the credential is not valid";
    private const string Wait = """{"owner":"o","ttl":"60s","wait":"600s"}""";

    private static readonly AccessRule Everything = Prefix(Verbs.Read | Verbs.Write | Verbs.Hold, Spaces.Keys | Spaces.Locks, "");

    [TestCase("1.1")]
    [TestCase("2.0")]
    public async Task Who_shows_a_token_and_no_certificate_is_its_principal(string version)
    {
        var token = await TokenAsync("svc", Everything);
        using var client = With(token, version);
        var put = await AskAsync(client, "PUT", "/v1/kv/a?value=1");
        Assert.That((put.Status, put.Response.Headers.Contains("Consensus-Revision")), Is.EqualTo((200, true)), put.Body);
        var who = await AskAsync(client, "GET", "/v1/auth");
        Assert.That(
            (who.Json.GetProperty("principal").GetString(), who.Json.GetProperty("credential").GetString()),
            Is.EqualTo(("svc", "t:" + token.Id)));
        Assert.That((await AskAsync(client, "GET", "/v1/auth/roles")).Status, Is.EqualTo(403), "it is no administrator");
    }

    [Test]
    public async Task Row_24_A_wrong_checksum_an_unknown_id_a_revoked_one_and_another_secret_are_answered_alike()
    {
        var (token, revoked) = (await TokenAsync("svc", Everything), await TokenAsync("svc"));
        await RevokeAsync(revoked);
        var cut = token.Text[..^1] + (token.Text[^1] == 'x' ? 'y' : 'x');
        var answers = new List<string>();
        foreach (var shown in (string[])[cut, BearerToken.Create().Text, revoked.Text, OfId(token.Id).Text])
        {
            var answer = AskAlone("GET", "/v1/kv/a", $"Authorization: Bearer {shown}");
            AssertUnknown(answer, NotValid);
            answers.Add(answer.Body);
        }
        Assert.That(answers.Distinct().Count(), Is.EqualTo(1), string.Join("\n", answers));
        Assert.That(AskAlone("GET", "/v1/kv/a", Header(token)).Status, Is.EqualTo(404));
    }

    /// <summary>A whole token of somebody else's id.</summary>
    private static BearerToken OfId(string id)
    {
        const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        var begin = "cns1_" + id + BearerToken.Create().Text[16..59];
        var number = (long)Crc32C.Of(System.Text.Encoding.ASCII.GetBytes(begin));
        var checksum = "";
        for (var i = 0; i < 6; i++)
        {
            (number, var digit) = Math.DivRem(number, 62);
            checksum = Digits[(int)digit] + checksum;
        }
        Assert.That(BearerToken.TryParse(begin + checksum, out var token), Is.True);
        return token!;
    }

    [Test]
    public async Task Row_24_Only_who_has_the_secret_is_told_that_a_token_expired_and_it_is_of_use_up_to_that_moment()
    {
        await AllowAsync("svc", Everything);
        var token = await TokenAsync("svc", ttlSeconds: Day);
        using var connection = TlsHttp.Open(Port, null);
        Pass(TimeSpan.FromDays(1) - TimeSpan.FromMinutes(1));
        Assert.That(connection.Ask("GET", "/v1/kv/a", Header(token)).Status, Is.EqualTo(404));
        Pass(TimeSpan.FromMinutes(1));
        var told = connection.Ask("GET", "/v1/kv/a", Header(token));
        AssertUnknown(told, $"the token {token.Id} expired on {Now}");
        Assert.That(connection.IsEnded(), Is.True);
        AssertUnknown(AskAlone("GET", "/v1/kv/a", Header(OfId(token.Id))), NotValid);
    }

    [Test]
    public async Task Row_25_One_header_one_scheme_and_never_in_the_query()
    {
        var token = await TokenAsync("svc", Everything);
        foreach (var headers in (string[][])
        [
            [Header(token), Header(token)],
            [Header(token), "Authorization: Basic YTpi"],
            ["Authorization: Basic YTpi"],
            ["Authorization: Token " + token.Text],
            ["Authorization: " + token.Text],
            ["Authorization: Bearer  " + token.Text],
            ["Authorization: Bearer " + token.Text + ", Bearer " + token.Text],
            ["Authorization: Bearer"],
            ["Authorization:"],
        ])
        {
            AssertUnknown(AskAlone("GET", "/v1/kv/a", headers), NotValid);
        }
        foreach (var wrong in (string[])["a\0b", token.Text + "\u00e9"])
        {
            Assert.That(AskAlone("GET", "/v1/kv/a", "Authorization: bearer " + wrong).Status, Is.EqualTo(400));
        }
        Assert.That(AskAlone("GET", $"/v1/kv/a?access_token={token.Text}").Status, Is.EqualTo(401));
        Assert.That(AskAlone("GET", "/v1/kv/a", "authorization: bearer " + token.Text).Status, Is.EqualTo(404), "schemes have no case");
        using var connection = TlsHttp.Open(Port, null);
        try
        {
            connection.Send(TlsHttp.Request("GET", "/v1/kv/a", "Authorization: Bearer " + new string('x', 1 << 20)));
            Assert.That(connection.Receive().Status, Is.EqualTo(431));
        }
        catch (IOException)
        {
            // It was closed before all of it was sent.
        }
    }

    [Test]
    public async Task Row_29_A_token_and_a_certificate_have_to_name_the_same()
    {
        var token = await TokenAsync("billing", Everything);
        var other = await TokenAsync("orders", Everything);
        using (var connection = TlsHttp.Open(Port, Billing))
        {
            Assert.That(connection.Ask("GET", "/v1/kv/a", Header(token)).Status, Is.EqualTo(404));
            AssertUnknown(connection.Ask("GET", "/v1/kv/a", Header(other)), NotValid);
            Assert.That(connection.IsEnded(), Is.True);
        }
        var member = Certificates.WithUris(new Consensus.Security.Certificates.CertificateName(
            Certificates.Authority.Domain, Consensus.Security.Certificates.CertificateRole.Member, "billing").Uri);
        AssertUnknown(TlsHttp.Ask(Port, member, "GET", "/v1/kv/a", Header(token)), "the certificate is that of the member billing");
        var stolen = Client("billing");
        using (var connection = TlsHttp.Open(Port, stolen))
        {
            Assert.That(connection.Ask("GET", "/v1/kv/a", Header(token)).Status, Is.EqualTo(404));
            var print = System.Security.Cryptography.SHA256.HashData(stolen.Leaf.RawData);
            await DoAsync(new PutRevocationCommand(new Key(print), "stolen"));
            AssertUnknown(connection.Ask("GET", "/v1/kv/a", Header(token)), "the client certificate is revoked");
        }
    }

    [TestCase("1.1")]
    [TestCase("2.0")]
    public async Task Row_14_A_revoked_token_is_401_at_the_next_request_of_a_connection_that_stands(string version)
    {
        var token = await TokenAsync("svc", Everything);
        using var client = With(token, version);
        Assert.That((await AskAsync(client, "GET", "/v1/kv/a")).Status, Is.EqualTo(404));
        await RevokeAsync(token);
        var after = await AskAsync(client, "GET", "/v1/kv/a");
        Assert.That((after.Status, after.Type), Is.EqualTo((401, ProblemTypes.Unauthenticated.Uri)), after.Body);
        Assert.That(after.Response.Headers.Contains("Consensus-Leader"), Is.False);
    }

    [TestCase("/v1/kv/a", "1.1")]
    [TestCase("/v1/kv/?prefix=", "2.0")]
    [TestCase("/v1/locks/a", "1.1")]
    public async Task Row_14_A_stream_of_a_revoked_token_ends_and_tells_nothing_more(string target, string version)
    {
        var token = await TokenAsync("svc", Everything);
        using var stream = await EventStream.OpenAsync(With(token, version), target);
        await stream.NextAsync();
        await RevokeAsync(token);
        await DoneAsync(Admin, "PUT", "/v1/kv/a?value=secret");
        await DoneAsync(Admin, "POST", "/v1/locks/a", """{"owner":"secret","ttl":"60s"}""");
        Assert.That((await stream.NextAsync())?.Event, Is.EqualTo("forbidden"));
        Assert.That(await stream.NextAsync(), Is.Null, "it is over");
    }

    [Test]
    public async Task Row_14_A_wait_of_a_revoked_token_is_told_so_and_who_is_behind_is_granted()
    {
        await DoneAsync(Admin, "POST", "/v1/locks/l", """{"owner":"holder","ttl":"3600s"}""");
        var token = await TokenAsync("svc", Everything);
        await AllowAsync("orders", Everything);
        var first = AskAsync(With(token), "POST", "/v1/locks/l", Wait);
        await Patience.UntilAsync(() => Node.WaitingRequests == 1, "the first waits");
        var second = AskAsync("orders", "POST", "/v1/locks/l", Wait);
        await Patience.UntilAsync(() => Node.WaitingRequests == 2, "the second waits");
        await RevokeAsync(token);
        await DoneAsync(Admin, "DELETE", "/v1/locks/l?force=true");
        Assert.That((await second).Status, Is.EqualTo(200));
        Node.Advance(TimeSpan.FromSeconds(1));
        var told = await first;
        Assert.That((told.Status, told.Type), Is.EqualTo((403, ProblemTypes.Forbidden.Uri)), told.Body);
    }

    [Test]
    public async Task Row_14_A_cursor_of_a_revoked_token_is_of_no_use_to_another()
    {
        var (token, other) = (await TokenAsync("svc", Everything), await TokenAsync("svc"));
        foreach (var name in (string[])["a", "b"])
        {
            await DoneAsync(Admin, "PUT", $"/v1/kv/{name}?value=1");
        }
        using var client = With(token);
        var page = await AskAsync(client, "GET", "/v1/kv/?limit=1");
        var next = $"/v1/kv/?limit=1&cursor={page.Json.GetProperty("nextCursor").GetString()}";
        await RevokeAsync(token);
        Assert.That((await AskAsync(client, "GET", next)).Status, Is.EqualTo(401), "and never an empty 200");
        Assert.That((await AskAsync(With(other), "GET", next)).Status, Is.EqualTo(200), "the principal has another");
    }

    [Test]
    public async Task Row_14_What_stands_on_a_token_ends_when_its_time_is_over()
    {
        await DoneAsync(Admin, "POST", "/v1/locks/l", """{"owner":"holder","ttl":"3600s"}""");
        await AllowAsync("svc", Everything);
        var (token, longer) = (await TokenAsync("svc", ttlSeconds: Day), await TokenAsync("svc", ttlSeconds: 2 * Day));
        using var stream = await EventStream.OpenAsync(With(token, "2.0"), "/v1/kv/a");
        using var other = await EventStream.OpenAsync(With(longer, "2.0"), "/v1/kv/a");
        await stream.ExpectAsync("open");
        await other.ExpectAsync("open");
        using var connection = TlsHttp.Open(Port, null);
        connection.Send(TlsHttp.Request("POST", "/v1/locks/l", Header(token), $"Content-Length: {Wait.Length}") + Wait);
        await Patience.UntilAsync(() => Node.WaitingRequests == 1, "the request waits");
        Pass(TimeSpan.FromDays(1));
        Tokens.Look();
        Assert.That(async () => await stream.NextAsync(), Throws.InstanceOf<IOException>().Or.InstanceOf<HttpRequestException>());
        Assert.That(connection.IsEnded(), Is.True);
        await Patience.UntilAsync(() => Node.WaitingRequests == 0, "the place is given up");
        await DoneAsync(Admin, "PUT", "/v1/kv/a?value=1");
        await other.ExpectAsync("put");
    }

    [Test]
    public async Task Certificates_that_are_looked_at_end_nothing_that_stands_on_a_token()
    {
        var token = await TokenAsync("svc", Everything);
        using var stream = await EventStream.OpenAsync(With(token), "/v1/kv/a");
        await stream.ExpectAsync("open");
        ChangeAuthority();
        Tls.Look();
        Tokens.Look();
        await DoAsync(new PutCommand(Key.FromText("a"), "1"u8.ToArray(), LeaseId.None, KeyCondition.None));
        await stream.ExpectAsync("put");
    }

    [Test]
    public async Task Row_13_What_is_asked_with_a_revoked_token_through_a_member_that_is_behind_does_nothing()
    {
        var token = await TokenAsync("svc", Everything);
        Node.PolicyBehind = Node.Policy;
        await RevokeAsync(token);
        using var client = With(token);
        var revision = Node.View.Revision;
        for (var i = 0; i < 20; i++)
        {
            var told = await AskAsync(client, "PUT", $"/v1/kv/{i}?value=1", null, ("Idempotency-Key", "k"));
            Assert.That((told.Status, told.Type), Is.EqualTo((403, ProblemTypes.Forbidden.Uri)), told.Body);
        }
        Assert.That(Node.View.Revision, Is.EqualTo(revision));
    }

    [TestCase("1.1")]
    [TestCase("2.0")]
    public async Task A_token_is_good_at_a_member_that_has_not_heard_of_it_and_is_no_guess(string version)
    {
        Node.PolicyBehind = Node.Policy;
        var token = await TokenAsync("svc", Everything);
        for (var i = 0; i < FailedCredentials.Burst + 10; i++)
        {
            using var client = With(token, version);
            var told = await AskAsync(client, "PUT", $"/v1/kv/{i}?value=1");
            Assert.That(told.Status, Is.EqualTo(200), told.Body);
        }
        using var stranger = With(BearerToken.Create(), version);
        Assert.That((await AskAsync(stranger, "GET", "/v1/kv/1")).Status, Is.EqualTo(401));
    }

    [Test]
    public async Task Whose_a_token_is_cannot_be_told_by_a_member_that_does_not_hear_the_cluster()
    {
        Node.PolicyBehind = Node.Policy;
        var token = await TokenAsync("svc", Everything);
        Node.IsCutOff = true;
        foreach (var shown in new[] { token, BearerToken.Create() })
        {
            var told = AskAlone("GET", "/v1/kv/a?consistency=stale", Header(shown));
            Assert.That((told.Status, told.Headers["Retry-After"]), Is.EqualTo((503, "1")), told.Body);
            Assert.That(told.Body, Does.Contain("whose token this is cannot be told"));
            Assert.That(told.Headers.Keys.Where(name => name.StartsWith("Consensus-", StringComparison.OrdinalIgnoreCase)), Is.Empty);
        }
        Node.PolicyBehind = null;
        Assert.That(AskAlone("GET", "/v1/kv/a?consistency=stale", Header(token)).Status, Is.EqualTo(404), "whom it knows it serves");
    }

    [Test]
    public void Guesses_that_wait_at_a_time_for_the_cluster_are_counted_while_they_wait()
    {
        Node.HoldsReads = true;
        var waiting = Enumerable.Range(0, FailedCredentials.Burst).Select(_ => TlsHttp.Open(Port, null)).ToList();
        foreach (var one in waiting)
        {
            one.Send(TlsHttp.Request("GET", "/v1/kv/a", Header(BearerToken.Create())));
        }
        Patience.Until(() => Node.ReadsHeld == waiting.Count, "each waits");
        Assert.That(AskAlone("GET", "/v1/kv/a", Header(BearerToken.Create())).Status, Is.EqualTo(429));
        waiting.ForEach(static one => one.Dispose());
        Patience.Until(() => Node.ReadsHeld == 0, "all went away");
        Assert.That(AskAlone("GET", "/v1/kv/a", Header(BearerToken.Create())).Status, Is.EqualTo(429), "which takes back no guess");
    }

    [TestCase("/livez")]
    [TestCase("/readyz")]
    public void A_probe_with_a_token_that_nobody_has_heard_of_waits_for_nobody(string target)
    {
        Node.IsCutOff = true;
        Assert.That(AskAlone("GET", target, Header(BearerToken.Create())).Status, Is.EqualTo(401));
    }

    [Test]
    public async Task An_address_that_guesses_is_not_listened_to_for_a_while_and_nobody_else_is_kept_out()
    {
        var token = await TokenAsync("svc", Everything);
        using var known = TlsHttp.Open(Port, null);
        Assert.That(known.Ask("GET", "/v1/kv/a", Header(token)).Status, Is.EqualTo(404));
        for (var i = 0; i < FailedCredentials.Burst; i++)
        {
            Assert.That(AskAlone("GET", "/v1/kv/a", Header(BearerToken.Create())).Status, Is.EqualTo(401));
        }
        var bounded = AskAlone("GET", "/v1/kv/a", Header(token));
        Assert.That((bounded.Status, bounded.Headers["Retry-After"]), Is.EqualTo((429, "1")), "not even the right one");
        Assert.That(bounded.Headers.Keys.Where(name => name.StartsWith("Consensus-", StringComparison.OrdinalIgnoreCase)), Is.Empty);
        Assert.That(known.Ask("GET", "/v1/kv/a", Header(token)).Status, Is.EqualTo(404), "it has shown it before");
        using (var elsewhere = TlsHttp.Open(Port, null, from: "127.0.0.2"))
        {
            Assert.That(elsewhere.Ask("GET", "/v1/kv/a", Header(token)).Status, Is.EqualTo(404), "the principal is not locked out");
        }
        Assert.That(TlsHttp.Ask(Port, Client("admin"), "GET", "/v1/status").Status, Is.EqualTo(200), "certificates are no guesses");
    }

    [Test]
    public async Task Who_has_the_secret_guesses_nothing_be_it_over_or_revoked()
    {
        var token = await TokenAsync("svc", Everything);
        using (var known = TlsHttp.Open(Port, null))
        {
            Assert.That(known.Ask("GET", "/v1/kv/a", Header(token)).Status, Is.EqualTo(404));
        }
        var ended = await TokenAsync("svc", Everything);
        await DoneAsync(Admin, "DELETE", $"/v1/auth/tokens/{ended.Id}?after=1s");
        Pass(TimeSpan.FromSeconds(2));
        for (var i = 0; i <= FailedCredentials.Burst; i++)
        {
            Assert.That(AskAlone("GET", "/v1/kv/a", Header(ended)).Status, Is.EqualTo(401));
        }
        Assert.That(AskAlone("GET", "/v1/kv/a", Header(token)).Status, Is.EqualTo(404), "another's first question is looked at");
    }

    [Test]
    public async Task Row_18_A_token_that_is_made_or_revoked_disturbs_nobody_else()
    {
        var token = await TokenAsync("svc", Everything);
        using var stream = await EventStream.OpenAsync(With(token), "/v1/kv/a");
        await stream.ExpectAsync("open");
        using var client = With(token);
        for (var i = 0; i < 5; i++)
        {
            var other = await TokenAsync("other");
            Assert.That((await AskAsync(client, "PUT", $"/v1/kv/b?value={i}")).Status, Is.EqualTo(200));
            await RevokeAsync(other);
        }
        await DoneAsync(Admin, "PUT", "/v1/kv/a?value=1");
        await stream.ExpectAsync("put");
    }

    [TestCase("127.0.0.1", "127.0.0.1", true)]
    [TestCase("::1", "::1", true)]
    [TestCase("::ffff:127.0.0.1", "::ffff:127.0.0.1", true)]
    [TestCase("10.0.0.9", "10.0.0.1", false)]
    [TestCase("10.0.0.1", "127.0.0.1", false)]
    [TestCase("127.0.0.1", "10.0.0.1", false)]
    [TestCase(null, null, false)]
    public async Task Row_26_Without_TLS_a_token_is_taken_on_loopback_alone(string? from, string? to, bool isTaken)
    {
        var token = await TokenAsync("svc", Everything);
        var http = new DefaultHttpContext();
        http.Connection.RemoteIpAddress = from is null ? null : IPAddress.Parse(from);
        http.Connection.LocalIpAddress = to is null ? null : IPAddress.Parse(to);
        http.Request.Headers.Authorization = "Bearer " + token.Text;
        var guard = new CallerGuard(null, Tokens);
        var refusal = guard.Refusal(http, "/v1/kv/a", null, out var actor);
        Assert.That((refusal?.Type.Status, actor.Name), Is.EqualTo(isTaken ? ((int?)null, "svc") : (401, "")));
        http.Request.Headers.Authorization = "Bearer " + BearerToken.Create().Text;
        Assert.That(guard.Refusal(http, "/livez", null, out _)?.Type.Status, Is.EqualTo(401), "a wrong one makes nobody of anonymous");
        http.Request.Headers.Remove("Authorization");
        Assert.That(guard.Refusal(http, "/v1/kv/a", null, out actor), Is.Null);
        Assert.That(actor, Is.EqualTo(Actor.Nobody));
    }
}
