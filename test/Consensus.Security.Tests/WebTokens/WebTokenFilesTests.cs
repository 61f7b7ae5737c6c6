using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Consensus.Fuzzing;
using Consensus.Server.WebTokens;

namespace Consensus.Security.Tests.WebTokens;

internal sealed class WebTokenFilesTests
{
    private TokenMaker _maker = null!;

    [OneTimeSetUp]
    public void Make() => _maker = new TokenMaker();

    [OneTimeTearDown]
    public void End() => _maker.Dispose();

    [Test]
    public void A_file_names_issuers_and_where_their_keys_are()
    {
        var issuer = TokenMaker.Load(new JsonArray(TokenMaker.Description()), _maker.KeySet()).Single();
        Assert.Multiple(() =>
        {
            Assert.That(issuer.Name, Is.EqualTo("k8s"));
            Assert.That(issuer.Issuer, Is.EqualTo(TokenMaker.Issuer));
            Assert.That(issuer.Audience, Is.EqualTo(TokenMaker.Audience));
            Assert.That(issuer.Algorithms, Is.EqualTo(["RS256", "ES256"]));
            Assert.That(issuer.Keys.Keys, Is.EquivalentTo(["r1", "e1"]));
        });
    }

    [TestCase("uri", "would make principals that another source makes")]
    [TestCase("cn", "would make principals that another source makes")]
    [TestCase("local", "would make principals that another source makes")]
    [TestCase("admin", "would make principals that another source makes")]
    [TestCase("admin:", "is not 1 to 32 of a-z, 0-9 and -")]
    [TestCase("K8s", "is not 1 to 32 of a-z, 0-9 and -")]
    [TestCase("abcdefghijklmnopqrstuvwxyz1234567", "is not 1 to 32 of a-z, 0-9 and -")]
    public void A_name_is_no_other_sources(string name, string sentence) =>
        Refuses(new JsonArray(TokenMaker.Description(name)), _maker.KeySet(), sentence);

    [TestCase("name", "lacks its name")]
    [TestCase("issuer", "lacks its issuer")]
    [TestCase("audience", "lacks its audience")]
    [TestCase("jwks", "lacks its jwks")]
    [TestCase("algorithms", "k8s lacks its list of algorithms")]
    public void An_issuer_is_said_whole(string member, string sentence)
    {
        var description = TokenMaker.Description();
        description.Remove(member);
        Refuses(new JsonArray(description), _maker.KeySet(), sentence);
    }

    [Test]
    public void What_an_issuer_does_not_have_is_refused_by_name()
    {
        var description = TokenMaker.Description();
        description["audiance"] = "x";
        Refuses(new JsonArray(description), _maker.KeySet(), "'audiance' is nothing that an issuer has");
    }

    [Test]
    public void Two_issuers_share_neither_name_nor_issuer()
    {
        Refuses(new JsonArray(TokenMaker.Description(), TokenMaker.Description()), _maker.KeySet(), "the name k8s stands there twice");
        Refuses(new JsonArray(TokenMaker.Description(), TokenMaker.Description("other")), _maker.KeySet(),
            "one token would be two principals");
    }

    [TestCase("HS256")]
    [TestCase("none")]
    [TestCase("")]
    public void A_signature_by_a_shared_secret_or_none_is_no_choice(string algorithm)
    {
        var description = TokenMaker.Description();
        description["algorithms"] = new JsonArray("RS256", algorithm);
        Refuses(new JsonArray(description), _maker.KeySet(), $"names the algorithm '{algorithm}'");
    }

    [TestCase("[]", "it is no list of 1 to 16 issuers")]
    [TestCase("{}", "it is no list of 1 to 16 issuers")]
    [TestCase("[1]", "an issuer is an object")]
    [TestCase("", "it is no JSON")]
    [TestCase("[{\"name\":\"a\",\"name\":\"b\"}]", "has a name twice")]
    public void What_is_no_list_of_issuers_is_refused(string text, string sentence) =>
        RefusesText(text, _maker.KeySet().ToJsonString(), sentence);

    [TestCase("[]", "it is no key set")]
    [TestCase("{\"keys\":{}}", "it is no key set")]
    [TestCase("{\"keys\":[]}", "it has no public key")]
    [TestCase("{\"keys\":[7]}", "key 1 is no object")]
    [TestCase("{\"keys\":[{}]}", "its kty is missing")]
    [TestCase("{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAAA\"}]}", "its private half stands there too")]
    [TestCase("{\"keys\":[{\"kty\":\"OKP\",\"kid\":\"a\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}", "it has no public key")]
    [TestCase("{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"****\",\"e\":\"AQAB\"}]}", "its n is no base64url")]
    [TestCase("{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\"}]}", "its kid is missing")]
    [TestCase("{\"keys\":[{\"kty\":\"EC\",\"kid\":\"a\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}]}",
        "its numbers are those of no key")]
    [TestCase("not json", "it is no JSON")]
    public void What_is_no_set_of_public_keys_is_refused(string keys, string sentence) =>
        RefusesText(new JsonArray(TokenMaker.Description()).ToJsonString(), keys, sentence);

    [Test]
    public void A_key_that_is_too_short_is_refused()
    {
        using var weak = RSA.Create(1024);
        var numbers = weak.ExportParameters(false);
        var key = _maker.RsaKey();
        key["n"] = System.Buffers.Text.Base64Url.EncodeToString(numbers.Modulus);
        Refuses(new JsonArray(TokenMaker.Description()), new JsonObject { ["keys"] = new JsonArray(key) }, "its modulus has 1024 bits");
    }

    [Test]
    public void A_private_key_is_refused_and_not_told()
    {
        var key = _maker.RsaKey();
        key["d"] = "c2VjcmV0";
        Refuses(new JsonArray(TokenMaker.Description()), new JsonObject { ["keys"] = new JsonArray(key) },
            "its private half stands there too");
    }

    [Test]
    public void Two_keys_of_one_kid_are_refused() =>
        Refuses(new JsonArray(TokenMaker.Description()),
            new JsonObject { ["keys"] = new JsonArray(_maker.RsaKey(), _maker.CurveKey("r1")) }, "two keys have the kid 'r1'");

    [Test]
    public void A_key_for_encryption_is_passed_over()
    {
        var key = _maker.RsaKey("other");
        key["use"] = "enc";
        var set = new JsonObject { ["keys"] = new JsonArray(key, _maker.CurveKey()) };
        Assert.That(TokenMaker.Load(new JsonArray(TokenMaker.Description()), set).Single().Keys.Keys, Is.EqualTo(["e1"]));
    }

    [Test]
    public void A_file_that_is_not_there_is_named()
    {
        var description = TokenMaker.Description();
        description["jwks"] = "gone.json";
        Refuses(new JsonArray(description), _maker.KeySet(), "--jwt issuers.json: /config/gone.json: there is no /config/gone.json");
    }

    [Test]
    public void A_file_that_is_too_large_is_refused() => RefusesText(
        new string(' ', WebTokenFiles.MostBytes + 1), _maker.KeySet().ToJsonString(), $"it is larger than {WebTokenFiles.MostBytes} bytes");

    [Test]
    public void What_is_changed_anywhere_is_refused_by_a_sentence_or_read()
    {
        var (issuers, keys) = (Encoding.UTF8.GetBytes(new JsonArray(TokenMaker.Description()).ToJsonString()),
            Encoding.UTF8.GetBytes(_maker.KeySet().ToJsonString()));
        var random = Mutator.Random(11);
        for (var i = Mutator.Rounds(3_000); i > 0; i--)
        {
            var (one, other) = i % 2 == 0 ? (Mutator.Change(issuers, random), keys) : (issuers, Mutator.Change(keys, random));
            try
            {
                WebTokenFiles.Load("/config/issuers.json", "x", (path, _) =>
                    path == "/config/issuers.json" ? one : path == "/config/jwks.json" ? other : throw new FileNotFoundException("none"));
            }
            catch (WebTokenException e)
            {
                Assert.That(e.Message, Does.Not.Contain('\n').And.Not.Empty);
            }
        }
    }

    private static void Refuses(JsonNode issuers, JsonNode keys, string sentence) =>
        RefusesText(issuers.ToJsonString(), keys.ToJsonString(), sentence);

    private static void RefusesText(string issuers, string keys, string sentence) =>
        Assert.That(() => TokenMaker.LoadText(issuers, keys), Throws.TypeOf<WebTokenException>().With.Message.Contains(sentence));
}
