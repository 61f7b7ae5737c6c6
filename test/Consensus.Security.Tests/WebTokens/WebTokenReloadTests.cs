using System.Text.Json.Nodes;
using Consensus.Security.Tests.Https.Support;
using Consensus.Server.Tests.Support;

namespace Consensus.Security.Tests.WebTokens;

/// <summary>What becomes of tokens, and of what stands on them, when other keys are believed or their time is over.</summary>
internal sealed class WebTokenReloadTests : WebTokenTest
{
    private const string Wait = """{"owner":"o","ttl":"60s","wait":"600s"}""";

    private string Curved => Maker.Sign(TokenMaker.Header("ES256", "e1"), Claims());

    [TestCase("1.1")]
    [TestCase("2.0")]
    public async Task A_token_of_a_removed_key_is_401_at_the_next_request_of_a_connection_that_stands(string version)
    {
        using var client = WithJwt(Jwt(), version);
        using var other = WithJwt(Curved, version);
        Assert.That((await AskAsync(client, "GET", "/v1/kv/a")).Status, Is.EqualTo(404));
        Assert.That((await AskAsync(other, "GET", "/v1/kv/a")).Status, Is.EqualTo(404));
        Write(Keys(Maker.CurveKey()));
        Reload.Look();
        Assert.That(Reload.Number, Is.EqualTo(2));
        var after = await AskAsync(client, "GET", "/v1/kv/a");
        Assert.That((after.Status, after.Json.GetProperty("detail").GetString()), Is.EqualTo((401, NotValid)));
        Assert.That((await AskAsync(other, "GET", "/v1/kv/a")).Status, Is.EqualTo(404), "of a key that is still there");
    }

    [TestCase("key")]
    [TestCase("issuer")]
    [TestCase("time")]
    public async Task What_waits_and_what_streams_ends_with_the_key_the_issuer_or_the_time_of_its_token(string with)
    {
        await DoneAsync(Admin, "POST", "/v1/locks/l", """{"owner":"holder","ttl":"3600s"}""");
        var token = await TokenAsync("svc", Everything);
        var jwt = Jwt();
        using var stream = await EventStream.OpenAsync(WithJwt(jwt, "2.0"), "/v1/kv/a");
        using var other = await EventStream.OpenAsync(With(token, "2.0"), "/v1/kv/a");
        await stream.ExpectAsync("open");
        await other.ExpectAsync("open");
        using var connection = TlsHttp.Open(Port, null);
        connection.Send(TlsHttp.Request("POST", "/v1/locks/l", Shown(jwt), $"Content-Length: {Wait.Length}") + Wait);
        await Patience.UntilAsync(() => Node.WaitingRequests == 1, "the request waits");
        switch (with)
        {
            case "key":
                Write(Keys(Maker.CurveKey()));
                Reload.Look();
                break;
            case "issuer":
                var description = TokenMaker.Description("other");
                description["issuer"] = "https://other.example";
                Put("issuers.json", new JsonArray(description).ToJsonString());
                Reload.Look();
                break;
            default:
                Pass(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(31));
                Tokens.Look();
                break;
        }
        Assert.That(async () => await stream.NextAsync(), Throws.InstanceOf<IOException>().Or.InstanceOf<HttpRequestException>());
        Assert.That(connection.IsEnded(), Is.True);
        await Patience.UntilAsync(() => Node.WaitingRequests == 0, "the place is given up");
        await DoneAsync(Admin, "PUT", "/v1/kv/a?value=1");
        await other.ExpectAsync("put");
    }

    [Test]
    public async Task Nothing_fails_while_keys_are_added()
    {
        using var client = WithJwt(Jwt(), "2.0");
        using var stream = await EventStream.OpenAsync(WithJwt(Curved), "/v1/kv/a");
        await stream.ExpectAsync("open");
        var failed = 0;
        using var stop = new CancellationTokenSource();
        var asking = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var told = await AskAsync(client, "GET", "/v1/kv/b");
                Interlocked.Add(ref failed, told.Status == 404 ? 0 : 1);
            }
        })).ToArray();
        for (var i = 0; i < 20; i++)
        {
            Write(Keys(Maker.RsaKey(), Maker.CurveKey(), Maker.RsaKey($"next{i}")));
            Reload.Look();
            Assert.That(Reload.Number, Is.EqualTo(i + 2));
        }
        Assert.That(AskAlone("GET", "/v1/kv/a", Shown(Maker.Sign(TokenMaker.Header(id: "next19"), Claims()))).Status, Is.EqualTo(404));
        await stop.CancelAsync();
        await Task.WhenAll(asking);
        Assert.That(failed, Is.Zero);
        await DoneAsync(Admin, "PUT", "/v1/kv/a?value=1");
        await stream.ExpectAsync("put");
    }

    [TestCase("jwks.json", "{", "it is no JSON")]
    [TestCase("jwks.json", """{"keys":[]}""", "it has no public key")]
    [TestCase("issuers.json", "[]", "it is no list of 1 to 16 issuers")]
    [TestCase("issuers.json", """[{"name":"uri","issuer":"i","audience":"a","jwks":"jwks.json","algorithms":["RS256"]}]""", "called uri")]
    public async Task Files_that_cannot_be_used_change_nothing_and_are_an_alarm(string name, string text, string sentence)
    {
        using var client = WithJwt(Jwt());
        Assert.That((await AskAsync(client, "GET", "/v1/kv/a")).Status, Is.EqualTo(404));
        Put(name, text);
        Reload.Look();
        Assert.That((await AskAsync(client, "GET", "/v1/kv/a")).Status, Is.EqualTo(404), "what was believed is");
        var status = await DoneAsync(Admin, "GET", "/v1/status");
        var alarms = status.Json.GetProperty("alarms").EnumerateArray().Select(alarm => alarm.GetString()).ToArray();
        Assert.That(alarms, Has.Some.Contains(sentence).And.Some.Contains("the issuers and keys from before go on"));
        Assert.That((await DoneAsync(Admin, "GET", "/metrics")).Body, Does.Contain("consensus_jwt_refused 1"));
        Put("issuers.json", new JsonArray(TokenMaker.Description()).ToJsonString());
        Write(Maker.KeySet());
        Reload.Look();
        Assert.That((Reload.Refusal, Reload.Number), Is.EqualTo(((string?)null, 1L)), "they hold what they held");
        var metrics = (await DoneAsync(Admin, "GET", "/metrics")).Body;
        Assert.That(metrics, Does.Contain("consensus_jwt_refused 0").And.Contain("consensus_jwt_generation 1")
            .And.Contain("consensus_jwt_remembered 1"));
    }

    /// <summary>The file of before is gone by the time that anybody looks, and is no file of what goes now.</summary>
    [Test]
    public void Issuers_that_name_another_key_set_are_read_although_the_one_before_is_gone()
    {
        var description = TokenMaker.Description();
        description["jwks"] = "jwks-2.json";
        Put("jwks-2.json", Keys(Maker.CurveKey()).ToJsonString());
        Put("issuers.json", new JsonArray(description).ToJsonString());
        Remove("jwks.json");
        Reload.Look();
        Assert.That((Reload.Refusal, Reload.Number), Is.EqualTo(((string?)null, 2L)));
        AssertUnknown(AskAlone("GET", "/v1/kv/a", Shown(Jwt())), NotValid);
        Assert.That(AskAlone("GET", "/v1/kv/a", Shown(Curved)).Status, Is.EqualTo(404));
        Remove("jwks-2.json");
        Reload.Look();
        Assert.That(Reload.Number, Is.EqualTo(2));
        Assert.That(Reload.Refusal, Does.Contain("jwks-2.json: there is no such file"), "one that they name");
        Assert.That(AskAlone("GET", "/v1/kv/a", Shown(Curved)).Status, Is.EqualTo(404), "what was believed is");
    }

    [Test]
    public void They_are_looked_at_every_ten_seconds()
    {
        Reload.Start(Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        Write(Keys(Maker.CurveKey()));
        Clock.Advance(Server.WebTokens.WebTokenReload.Every);
        Patience.Until(() => Reload.Number == 2, "the next content is used");
        AssertUnknown(AskAlone("GET", "/v1/kv/a", Shown(Jwt())), NotValid);
    }
}
