using System.Net;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.KeyValue;

/// <summary>Rule 26: the path is decoded by us, once, strictly.</summary>
internal sealed class KeyNameTests : ContractTest
{
    private string KeyPutAt(string target)
    {
        var answer = RawHttp.Ask(Port, $"PUT {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
        Assert.That(answer.Status, Is.EqualTo(200), answer.Body);
        return JsonSerializer.Deserialize(answer.Body, ApiJson.Default.KeyAnswer)!.Key!;
    }

    [TestCase("/v1/kv/a/b", "a/b")]
    [TestCase("/v1/kv/a%2Fb", "a/b")]
    [TestCase("/v1/kv/a%2fb", "a/b")]
    [TestCase("/v1/kv//a", "/a")]
    [TestCase("/v1/kv/a//b/", "a//b/")]
    [TestCase("/v1/kv/a%252Fb", "a%2Fb")]
    [TestCase("/v1/kv/%C3%A4", "ä")]
    [TestCase("/v1/kv/a+b", "a+b")]
    [TestCase("/v1/kv/a%20b", "a b")]
    [TestCase("/v1/kv/...", "...")]
    [TestCase("/v1/kv/.a/b..", ".a/b..")]
    [TestCase("/v1/kv/%0A", "\n")]
    [TestCase("/v1/%6Bv/a", "a")]
    [TestCase("http://localhost/v1/kv/absolute", "absolute")]
    [TestCase("/v1/kv/?key=..", "..")]
    [TestCase("/v1/kv/?key=a/../b", "a/../b")]
    [TestCase("/v1/kv?key=a+b", "a b")]
    [TestCase("/v1/kv/?keyBase64=YS9i", "a/b")]
    public void A_key_is_decoded_once(string target, string key) => Assert.That(KeyPutAt(target), Is.EqualTo(key));

    [TestCase("/v1/kv/a%00b")]
    [TestCase("/v1/kv/%zz")]
    [TestCase("/v1/kv/%4")]
    [TestCase("/v1/kv/%")]
    [TestCase("/v1/kv/%FF")]
    [TestCase("/v1/kv/%C3")]
    [TestCase("/v1/kv/%C0%80")]
    [TestCase("/v1/kv/%ED%A0%80")]
    [TestCase("/v1/kv/.")]
    [TestCase("/v1/kv/..")]
    [TestCase("/v1/kv/a/../b")]
    [TestCase("/v1/kv/a/./b")]
    [TestCase("/v1/kv/%2E%2E/b")]
    [TestCase("/v1/kv/a%2F..")]
    [TestCase("/v1/kv/?key=%FF")]
    [TestCase("/v1/kv/?key=a%00b")]
    [TestCase("/v1/kv/?key=%zz")]
    [TestCase("/v1/kv/?key=")]
    [TestCase("/v1/kv/?keyBase64=%21%21")]
    [TestCase("/v1/kv/?keyBase64=")]
    [TestCase("/v1/kv/a?key=b")]
    [TestCase("/v1/kv/?key=a&keyBase64=YQ")]
    [TestCase("/v1/kv/")]
    [TestCase("/v1/locks/a%00b")]
    [TestCase("/v1/locks/%FF")]
    [TestCase("/v1/locks/..")]
    [TestCase("/v1/locks/")]
    [TestCase("/v1/locks/?key=")]
    [TestCase("/v1/locks/?keyBase64=_w")]
    [TestCase("/v1/locks/?keyBase64=YQBi")]
    public void A_name_that_is_none_is_refused(string target)
    {
        var applied = Node.AppliedCommands;
        var method = target.StartsWith("/v1/kv", StringComparison.Ordinal) ? "PUT" : "POST";
        const string Body = """{"owner":"me","ttl":"15s"}""";
        var answer = RawHttp.Ask(Port, $"{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {Body.Length}\r\n\r\n{Body}");
        Assert.That(answer.Status, Is.EqualTo(400), answer.Body);
        Assert.That(answer.Headers["Content-Type"], Is.EqualTo("application/problem+json"));
        Assert.That(JsonSerializer.Deserialize(answer.Body, ApiJson.Default.ProblemAnswer)!.Type, Is.EqualTo("urn:consensus:problem:bad-request"));
        Assert.That(Node.AppliedCommands, Is.EqualTo(applied));
    }

    [Test]
    public async Task A_key_of_any_bytes_is_given_and_shown_in_base64()
    {
        var put = await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/?keyBase64=_wAB", "x");
        Assert.That(put.Key, Is.Null);
        Assert.That(put.KeyBase64, Is.EqualTo("/wAB"));
        var get = await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "GET", "/v1/kv/?keyBase64=/wAB");
        Assert.That(get.Value, Is.EqualTo("x"));
    }

    [Test]
    public async Task The_longest_key_is_taken_and_a_longer_one_is_too_large()
    {
        var longest = new string('k', ApiLimits.MaxKeyBytes);
        await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/" + longest, "x");
        await RefusedAsync(ProblemTypes.TooLarge, "PUT", "/v1/kv/" + longest + "k", "x");
        await RefusedAsync(ProblemTypes.TooLarge, "POST", "/v1/locks/" + longest + "k", """{"owner":"me","ttl":"15s"}""");
        await RefusedAsync(ProblemTypes.TooLarge, "GET", "/v1/kv/?prefix=" + longest + "k");
        await AnswerAsync(
            ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/" + string.Concat(Enumerable.Repeat("%C3%A4", ApiLimits.MaxKeyBytes / 2)), "x");
    }
}
