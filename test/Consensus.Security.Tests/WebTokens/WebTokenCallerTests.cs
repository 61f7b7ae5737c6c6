using System.Buffers.Text;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Consensus.Security.Tests.Https.Support;
using Consensus.Security.Tokens;
using Consensus.Server.Tokens;

namespace Consensus.Security.Tests.WebTokens;

/// <summary>Who a JSON Web Token makes of its holder, over the wire, and who is nobody with it.</summary>
internal sealed class WebTokenCallerTests : WebTokenTest
{
    [TestCase("1.1")]
    [TestCase("2.0")]
    public async Task A_workload_is_its_issuers_name_and_its_subject_and_has_what_is_bound_to_those_alike(string version)
    {
        using var client = WithJwt(Jwt(), version);
        var put = await AskAsync(client, "PUT", "/v1/kv/a?value=1");
        Assert.That(put.Status, Is.EqualTo(200), put.Body);
        var who = await AskAsync(client, "GET", "/v1/auth");
        Assert.That(
            (who.Json.GetProperty("principal").GetString(), who.Json.GetProperty("credential").GetString()),
            Is.EqualTo(($"k8s:{TokenMaker.Subject}", "j:k8s")));
        Assert.That(Reload.Judge.Remembered, Is.EqualTo(1), "its signature is verified once");
        using var other = WithJwt(Jwt(("sub", "system:serviceaccount:test:billing")), version);
        Assert.That((await AskAsync(other, "GET", "/v1/kv/a")).Status, Is.EqualTo(403), "of another name space");
    }

    [Test]
    public void Row_27_What_is_not_plain_is_nobodys_and_no_socket_is_opened()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var keys = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/keys";
        string Headed(string header) => Maker.SignText(header, Claims().ToJsonString());
        var unsigned = $"{TokenMaker.Encode("""{"alg":"none","kid":"r1"}""")}.{TokenMaker.Encode(Claims().ToJsonString())}.";
        var secret = $"{TokenMaker.Encode("""{"alg":"HS256","kid":"r1"}""")}.{TokenMaker.Encode(Claims().ToJsonString())}";
        var mac = HMACSHA256.HashData(Maker.Rsa.ExportSubjectPublicKeyInfo(), Encoding.ASCII.GetBytes(secret));
        foreach (var (why, jwt) in (IEnumerable<(string, string)>)
        [
            ("alg none", unsigned),
            ("alg none with a signature", Headed("""{"alg":"none","kid":"r1"}""")),
            ("HS256 with the public key", $"{secret}.{Base64Url.EncodeToString(mac)}"),
            ("another audience", Jwt(("aud", "another"))),
            ("another issuer", Jwt(("iss", "https://evil.example"))),
            ("no exp", Jwt(("exp", null))),
            ("too long", Jwt(("exp", Time.GetUtcNow().AddDays(2).ToUnixTimeSeconds()))),
            ("not yet", Jwt(("nbf", Time.GetUtcNow().AddHours(1).ToUnixTimeSeconds()))),
            ("crit", Headed("""{"alg":"RS256","kid":"r1","crit":["x"],"x":1}""")),
            ("jku", Headed($$"""{"alg":"RS256","kid":"r1","jku":"{{keys}}"}""")),
            ("x5u", Headed($$"""{"alg":"RS256","kid":"r1","x5u":"{{keys}}"}""")),
            ("kid twice", Headed("""{"alg":"RS256","kid":"r2","kid":"r1"}""")),
            ("no kid", Headed("""{"alg":"RS256"}""")),
            ("an unknown kid", Headed($$"""{"alg":"RS256","kid":"{{keys}}"}""")),
            ("five parts", $"{TokenMaker.Encode("""{"alg":"dir","enc":"A128GCM","zip":"DEF"}""")}..AA.{Bomb()}.AA"),
            ("no token", "a.b.c"),
        ])
        {
            AssertUnknown(AskAlone("GET", "/v1/kv/a", Shown(jwt)), NotValid);
            Assert.That(listener.Pending(), Is.False, why);
        }
        Assert.That(Reload.Judge.Remembered, Is.Zero, "nothing is kept of one that failed");
        Assert.That(AskAlone("GET", "/v1/kv/a", Shown(Jwt())).Status, Is.EqualTo(404), "a plain one is taken");
    }

    [Test]
    public async Task Row_27_What_is_nobodys_is_so_on_a_connection_that_goes_on_as_well()
    {
        foreach (var jwt in (string[])
        [
            $"{TokenMaker.Encode("""{"alg":"none","kid":"r1"}""")}.{TokenMaker.Encode(Claims().ToJsonString())}.",
            Jwt(("aud", "another")),
            Jwt(("iss", "https://evil.example")),
            Jwt(("sub", "a\nb")),
            Maker.Sign(TokenMaker.Header(id: "r2"), Claims()),
        ])
        {
            using var client = WithJwt(jwt, "2.0");
            var told = await AskAsync(client, "GET", "/v1/kv/a");
            Assert.That((told.Status, told.Json.GetProperty("detail").GetString()), Is.EqualTo((401, NotValid)));
        }
    }

    /// <summary>The cluster knows no more of it than the member: nobody waits for it.</summary>
    [Test]
    public void Whose_a_web_token_is_does_a_member_say_that_does_not_hear_the_cluster()
    {
        Node.PolicyBehind = Node.Policy;
        Node.IsCutOff = true;
        Assert.That(AskAlone("GET", "/v1/kv/a?consistency=stale", Shown(Jwt())).Status, Is.EqualTo(404));
        AssertUnknown(AskAlone("GET", "/v1/kv/a", Shown(Maker.Sign(TokenMaker.Header(id: "r2"), Claims()))), NotValid);
        var unheard = AskAlone("GET", "/v1/kv/a", Header(BearerToken.Create()));
        Assert.That(unheard.Status, Is.EqualTo(503), "of its own tokens the cluster may know more");
    }

    /// <summary>A megabyte of nothing, in some hundred characters.</summary>
    private static string Bomb()
    {
        using var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, CompressionLevel.SmallestSize))
        {
            deflate.Write(new byte[1 << 20]);
        }
        return Base64Url.EncodeToString(packed.ToArray());
    }

    [Test]
    public void Row_27_Unknown_keys_are_guesses_and_bounded_as_those_are()
    {
        using var known = TlsHttp.Open(Port, null);
        var good = Shown(Jwt());
        Assert.That(known.Ask("GET", "/v1/kv/a", good).Status, Is.EqualTo(404));
        for (var i = 0; i < FailedCredentials.Burst; i++)
        {
            var jwt = Maker.Sign(TokenMaker.Header(id: $"k{i}"), Claims());
            Assert.That(AskAlone("GET", "/v1/kv/a", Shown(jwt)).Status, Is.EqualTo(401));
        }
        Assert.That(AskAlone("GET", "/v1/kv/a", good).Status, Is.EqualTo(429), "not even a good one");
        Assert.That(known.Ask("GET", "/v1/kv/a", good).Status, Is.EqualTo(404), "it has shown it before");
        Assert.That(Reload.Judge.Remembered, Is.EqualTo(1));
    }

    /// <summary>By the codes of what stands in it: a case with U+001F in its name is not run.</summary>
    [TestCase(0x1f)]
    [TestCase('*')]
    [TestCase('\n')]
    [TestCase(' ')]
    [TestCase(0xe9)]
    public void Row_28_A_subject_with_what_is_in_no_name_is_nobodys(int code) =>
        AssertUnknown(AskAlone("GET", "/v1/kv/a", Shown(Jwt(("sub", $"{TokenMaker.Subject}{(char)code}")))), NotValid);

    [TestCase(0)]
    [TestCase(300)]
    [TestCase(10_240)]
    public void Row_28_A_subject_that_is_too_short_or_too_long_is_nobodys(int length) =>
        AssertUnknown(AskAlone("GET", "/v1/kv/a", Shown(Jwt(("sub", new string('a', length))))), NotValid);

    [Test]
    public async Task Row_28_A_subject_called_admin_is_no_administrator()
    {
        using var client = WithJwt(Jwt(("sub", "admin")));
        var who = await AskAsync(client, "GET", "/v1/auth");
        Assert.That(who.Json.GetProperty("principal").GetString(), Is.EqualTo("k8s:admin"));
        Assert.That((await AskAsync(client, "GET", "/v1/auth/roles")).Status, Is.EqualTo(403));
    }

    [Test]
    public async Task Row_29_A_token_and_a_certificate_have_to_name_the_same()
    {
        await AllowAsync("billing", Everything);
        using (var connection = TlsHttp.Open(Port, Billing))
        {
            Assert.That(connection.Ask("GET", "/v1/kv/a").Status, Is.EqualTo(404));
            AssertUnknown(connection.Ask("GET", "/v1/kv/a", Shown(Jwt())), NotValid);
            Assert.That(connection.IsEnded(), Is.True);
        }
        AssertUnknown(TlsHttp.Ask(Port, Billing, "GET", "/v1/kv/a", Shown(Jwt(("sub", "billing")))), NotValid);
    }

    [Test]
    public async Task Row_25_One_header_and_one_scheme()
    {
        var token = await TokenAsync("svc", Everything);
        foreach (var headers in (string[][])
        [
            [Shown(Jwt()), Shown(Jwt())],
            [Shown(Jwt()), Header(token)],
            [Shown(Jwt() + ", Bearer " + Jwt())],
            ["Authorization: " + Jwt()],
            ["Authorization: Bearer  " + Jwt()],
        ])
        {
            AssertUnknown(AskAlone("GET", "/v1/kv/a", headers), NotValid);
        }
        Assert.That(AskAlone("GET", $"/v1/kv/a?access_token={Jwt()}").Status, Is.EqualTo(401));
    }

    [Test]
    public void Row_24_Only_who_shows_a_good_signature_is_told_that_it_expired()
    {
        var jwt = Jwt();
        Pass(TimeSpan.FromHours(1));
        Assert.That(AskAlone("GET", "/v1/kv/a", Shown(jwt)).Status, Is.EqualTo(404), "clocks may be half a minute apart");
        Pass(TimeSpan.FromMinutes(1));
        AssertUnknown(AskAlone("GET", "/v1/kv/a", Shown(jwt)), $"the token of k8s:{TokenMaker.Subject} expired on {Now}");
        var forged = jwt[..^4] + (jwt[^4] == 'A' ? "B" : "A") + jwt[^3..];
        AssertUnknown(AskAlone("GET", "/v1/kv/a", Shown(forged)), NotValid);
        for (var i = 0; i <= FailedCredentials.Burst; i++)
        {
            Assert.That(AskAlone("GET", "/v1/kv/a", Shown(jwt)).Status, Is.EqualTo(401), "whoever has one that is over guesses nothing");
        }
    }

    [Test]
    public async Task Row_1_A_principal_to_whom_nothing_is_bound_may_nothing()
    {
        await DoAsync(new StateMachine.Commands.DeletePrincipalCommand("k8s:system:serviceaccount:prod:*"));
        Assert.That(AskAlone("GET", "/v1/kv/a", Shown(Jwt())).Status, Is.EqualTo(403));
    }
}
