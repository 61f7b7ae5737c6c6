using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Consensus.Fuzzing;
using Consensus.Server.WebTokens;

namespace Consensus.Security.Tests.WebTokens;

internal sealed class WebTokenJudgeTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    private TokenMaker _maker = null!;
    private WebTokenJudge _judge = null!;

    [OneTimeSetUp]
    public void Make()
    {
        _maker = new TokenMaker();
        _judge = _maker.Judge();
    }

    [OneTimeTearDown]
    public void End() => _maker.Dispose();

    [TestCase("RS256", "r1")]
    [TestCase("ES256", "e1")]
    public void A_token_of_a_believed_issuer_is_its_subject(string algorithm, string id)
    {
        var verdict = _judge.Judge(_maker.Sign(TokenMaker.Header(algorithm, id), TokenMaker.Claims(Now)), Now);
        Assert.That(verdict, Is.EqualTo(new WebTokenVerdict(
            $"k8s:{TokenMaker.Subject}", "k8s", Now.AddHours(1) + WebTokenJudge.Skew, HasExpired: false)));
    }

    [Test]
    public void It_is_that_each_time_and_with_one_audience_that_is_no_list()
    {
        var claims = TokenMaker.Claims(Now);
        claims["aud"] = TokenMaker.Audience;
        var token = _maker.Sign(TokenMaker.Header(), claims);
        var first = _judge.Judge(token, Now);
        Assert.That(first.Principal, Is.Not.Null);
        Assert.That(_judge.Judge(token, Now), Is.EqualTo(first));
    }

    /// <summary>Attack rows 27 and 28: what the header says.</summary>
    [TestCase("""{"alg":"none","kid":"r1"}""", ExpectedResult = false)]
    [TestCase("""{"alg":"None","kid":"r1"}""", ExpectedResult = false)]
    [TestCase("""{"alg":"rs256","kid":"r1"}""", ExpectedResult = false)]
    [TestCase("""{"alg":"RS512","kid":"r1"}""", Description = "known, and not taken of this issuer", ExpectedResult = false)]
    [TestCase("""{"alg":"ES256","kid":"r1"}""", Description = "of another kind of key", ExpectedResult = false)]
    [TestCase("""{"alg":"RS256","kid":"e1"}""", ExpectedResult = false)]
    [TestCase("""{"alg":"RS256"}""", ExpectedResult = false)]
    [TestCase("""{"alg":"RS256","kid":"r2"}""", ExpectedResult = false)]
    [TestCase("""{"alg":"RS256","kid":1}""", ExpectedResult = false)]
    [TestCase("""{"kid":"r1"}""", ExpectedResult = false)]
    [TestCase("""{"alg":"RS256","kid":"r1","crit":["exp"]}""", ExpectedResult = false)]
    [TestCase("""{"alg":"RS256","kid":"r1","jku":"https://evil.example/keys"}""", ExpectedResult = false)]
    [TestCase("""{"alg":"RS256","kid":"r1","x5u":"https://evil.example/cert"}""", ExpectedResult = false)]
    [TestCase("""{"alg":"RS256","kid":"r1","jwk":{}}""", ExpectedResult = false)]
    [TestCase("""{"alg":"RS256","kid":"r1","zip":"DEF"}""", ExpectedResult = false)]
    [TestCase("""{"alg":"RS256","kid":"r1","enc":"A256GCM"}""", ExpectedResult = false)]
    [TestCase("""{"alg":"RS256","kid":"r1","typ":"JWE"}""", ExpectedResult = false)]
    [TestCase("""{"alg":"RS256","kid":"r1","kid":"r1"}""", Description = "twice", ExpectedResult = false)]
    [TestCase("""{"alg":"RS256","kid":"r1"} """, Description = "by itself no fault", ExpectedResult = true)]
    [TestCase("""["RS256"]""", ExpectedResult = false)]
    [TestCase("""{"alg":"RS256","kid":"r1"}x""", ExpectedResult = false)]
    [TestCase("", ExpectedResult = false)]
    public bool A_header_is_believed_only_where_it_is_plain(string header) =>
        IsOfSomebody(_maker.SignText(header, TokenMaker.Claims(Now).ToJsonString()));

    /// <summary>Attack rows 27 and 28: what the claims say. Each stands in place of the claim of its name.</summary>
    [TestCase("iss", "\"https://kubernetes.default.svc/\"", ExpectedResult = false)]
    [TestCase("iss", "\"HTTPS://kubernetes.default.svc\"", ExpectedResult = false)]
    [TestCase("iss", "null", ExpectedResult = false)]
    [TestCase("iss", null, ExpectedResult = false)]
    [TestCase("aud", "\"other\"", ExpectedResult = false)]
    [TestCase("aud", "[\"other\"]", ExpectedResult = false)]
    [TestCase("aud", "[\"consensus\",1]", ExpectedResult = false)]
    [TestCase("aud", "[]", ExpectedResult = false)]
    [TestCase("aud", "{}", ExpectedResult = false)]
    [TestCase("aud", null, ExpectedResult = false)]
    [TestCase("aud", "[\"other\",\"consensus\"]", ExpectedResult = true)]
    [TestCase("sub", null, ExpectedResult = false)]
    [TestCase("sub", "\"\"", ExpectedResult = false)]
    [TestCase("sub", "7", ExpectedResult = false)]
    [TestCase("sub", "\"prod\\u001ft:abc\"", ExpectedResult = false)]
    [TestCase("sub", "\"prod:*\"", ExpectedResult = false)]
    [TestCase("sub", "\"two lines\\n\"", ExpectedResult = false)]
    [TestCase("sub", "\"a b\"", ExpectedResult = false)]
    [TestCase("sub", "\"ä\"", ExpectedResult = false)]
    [TestCase("sub", "\"admin\"", ExpectedResult = true, Description = "is k8s:admin")]
    [TestCase("exp", null, ExpectedResult = false)]
    [TestCase("exp", "\"1796040000\"", ExpectedResult = false)]
    [TestCase("exp", "1e300", ExpectedResult = false)]
    [TestCase("exp", "-1", ExpectedResult = false)]
    [TestCase("nbf", "1e300", ExpectedResult = false)]
    [TestCase("nbf", "\"0\"", ExpectedResult = false)]
    [TestCase("nbf", null, ExpectedResult = true)]
    [TestCase("iat", null, ExpectedResult = true)]
    [TestCase("more", "{\"deep\":[1]}", ExpectedResult = true)]
    public bool Claims_are_believed_only_where_they_are_plain(string name, string? json)
    {
        var claims = TokenMaker.Claims(Now);
        claims.Remove(name);
        if (json is not null)
        {
            claims[name] = JsonNode.Parse(json);
        }
        return IsOfSomebody(_maker.Sign(TokenMaker.Header(), claims));
    }

    [Test]
    public void A_subject_that_is_admin_is_not_the_administrator()
    {
        var claims = TokenMaker.Claims(Now);
        claims["sub"] = "admin";
        Assert.That(_judge.Judge(_maker.Sign(TokenMaker.Header(), claims), Now).Principal, Is.EqualTo("k8s:admin"));
    }

    [Test]
    public void A_principal_has_as_many_bytes_as_a_name_of_the_policy_and_no_more()
    {
        string With(int length)
        {
            var claims = TokenMaker.Claims(Now);
            claims["sub"] = new string('s', length - "k8s:".Length);
            return _maker.Sign(TokenMaker.Header(), claims);
        }
        Assert.That((IsOfSomebody(With(WebTokenJudge.MostPrincipalBytes)), IsOfSomebody(With(WebTokenJudge.MostPrincipalBytes + 1))),
            Is.EqualTo((true, false)));
    }

    [TestCase("\"sub\":\"\\ud800\",", Description = "half a character")]
    [TestCase("\"more\":\"\\udc00\",")]
    [TestCase("\"more\":[\"\\udc00\"],")]
    [TestCase("\"\\udc00\":1,")]
    public void Half_a_character_is_no_exception(string member)
    {
        var claims = TokenMaker.Claims(Now).ToJsonString().Replace("{", "{" + member, StringComparison.Ordinal);
        Assert.That(IsOfSomebody(_maker.SignText(TokenMaker.Header().ToJsonString(), claims)), Is.False);
    }

    [Test]
    public void One_name_twice_in_the_claims_is_nobody()
    {
        var claims = TokenMaker.Claims(Now).ToJsonString();
        Assert.That(IsOfSomebody(_maker.SignText(TokenMaker.Header().ToJsonString(),
            claims.Replace("{", "{\"sub\":\"other\",", StringComparison.Ordinal))), Is.False);
    }

    [Test]
    public void It_is_nobodys_before_its_time_and_said_to_have_expired_after_it()
    {
        string Within(TimeSpan begins, TimeSpan ends)
        {
            var claims = TokenMaker.Claims(Now);
            claims.Remove("iat");
            claims["nbf"] = (Now + begins).ToUnixTimeSeconds();
            claims["exp"] = (Now + ends).ToUnixTimeSeconds();
            return _maker.Sign(TokenMaker.Header(), claims);
        }
        var hour = TimeSpan.FromHours(1);
        var second = TimeSpan.FromSeconds(1);
        var before = _judge.Remembered;
        Assert.Multiple(() =>
        {
            Assert.That(IsOfSomebody(Within(WebTokenJudge.Skew, hour)), Is.True);
            Assert.That(IsOfSomebody(Within(WebTokenJudge.Skew + second, hour)), Is.False);
            Assert.That(IsOfSomebody(Within(-hour, WebTokenJudge.LongestLife + WebTokenJudge.Skew)), Is.True);
            Assert.That(IsOfSomebody(Within(-hour, WebTokenJudge.LongestLife + WebTokenJudge.Skew + second)), Is.False);
            Assert.That(_judge.Judge(Within(-hour, -WebTokenJudge.Skew + second), Now).HasExpired, Is.False);
            Assert.That(_judge.Judge(Within(-hour, -WebTokenJudge.Skew), Now).HasExpired, Is.True);
            Assert.That(_judge.Remembered, Is.EqualTo(before + 4), "those whose signature is good, be their time over or not");
        });
    }

    [Test]
    public void One_that_was_good_expires_all_the_same()
    {
        var token = _maker.Sign(TokenMaker.Header(), TokenMaker.Claims(Now));
        var until = _judge.Judge(token, Now).Until;
        Assert.Multiple(() =>
        {
            Assert.That(_judge.Judge(token, until.AddTicks(-1)).HasExpired, Is.False);
            Assert.That(_judge.Judge(token, until).HasExpired, Is.True);
        });
    }

    [Test]
    public void One_that_is_signed_with_the_public_key_as_a_secret_is_nobodys()
    {
        var signed = $"{TokenMaker.Encode("""{"alg":"HS256","kid":"r1"}""")}.{TokenMaker.Encode(TokenMaker.Claims(Now).ToJsonString())}";
        var secret = Encoding.ASCII.GetBytes(_maker.Rsa.ExportSubjectPublicKeyInfoPem());
        var token = $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(signed)))}";
        Assert.That(IsOfSomebody(token), Is.False);
    }

    [Test]
    public void One_of_another_key_under_the_same_kid_is_nobodys()
    {
        using var other = new TokenMaker();
        Assert.That(IsOfSomebody(other.Sign(TokenMaker.Header(), TokenMaker.Claims(Now))), Is.False);
    }

    [TestCase("")]
    [TestCase(".")]
    [TestCase("..")]
    [TestCase("a.b")]
    [TestCase("a.b.c.d")]
    [TestCase("a.b.c.d.e")]
    public void What_has_not_three_parts_is_nobodys(string token) => Assert.That(IsOfSomebody(token), Is.False);

    [Test]
    public void Nothing_may_be_added_to_it_or_left_out()
    {
        var token = _maker.Sign(TokenMaker.Header(), TokenMaker.Claims(Now));
        var signature = token.LastIndexOf('.');
        Assert.Multiple(() =>
        {
            Assert.That(IsOfSomebody(token), Is.True);
            Assert.That(IsOfSomebody(token + "="), Is.False);
            Assert.That(IsOfSomebody(token + " "), Is.False);
            Assert.That(IsOfSomebody(token + "\n"), Is.False);
            Assert.That(IsOfSomebody(token + "."), Is.False);
            Assert.That(IsOfSomebody(token[..(signature + 1)]), Is.False);
            Assert.That(IsOfSomebody(token.Insert(signature, "=")), Is.False);
        });
    }

    /// <summary>The last character of 256 bytes says two bits, and four that nobody needs.</summary>
    [Test]
    public void One_content_has_one_text()
    {
        var token = _maker.Sign(TokenMaker.Header(), TokenMaker.Claims(Now));
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        var others = Alphabet.Where(c => c != token[^1]).Select(c => token[..^1] + c);
        Assert.That(others.Count(IsOfSomebody), Is.Zero);
    }

    [Test]
    public void One_that_is_too_long_is_not_read()
    {
        var claims = TokenMaker.Claims(Now);
        claims["more"] = new string('x', WebTokenJudge.MostCharacters);
        Assert.That(IsOfSomebody(_maker.Sign(TokenMaker.Header(), claims)), Is.False);
    }

    [Test]
    public void No_more_are_remembered_than_there_is_room_for()
    {
        var maker = _maker;
        var judge = maker.Judge();
        var claims = TokenMaker.Claims(Now);
        for (var i = 0; i <= WebTokenJudge.MostRemembered; i++)
        {
            claims["jti"] = $"{i}";
            Assert.That(judge.Judge(maker.Sign(TokenMaker.Header("ES256", "e1"), claims), Now).Principal, Is.Not.Null);
        }
        Assert.That(judge.Remembered, Is.EqualTo(WebTokenJudge.MostRemembered));
    }

    [Test]
    public void What_is_changed_anywhere_is_nobodys_and_no_exception()
    {
        var token = _maker.Sign(TokenMaker.Header(), TokenMaker.Claims(Now));
        var random = Mutator.Random(7);
        for (var i = Mutator.Rounds(3_000); i > 0; i--)
        {
            var changed = Encoding.Latin1.GetString(Mutator.Change(Encoding.Latin1.GetBytes(token), random));
            Assert.That(changed == token || !IsOfSomebody(changed), Is.True, changed);
        }
    }

    private bool IsOfSomebody(string token) => _judge.Judge(token, Now) is { Principal: not null, HasExpired: false };
}
