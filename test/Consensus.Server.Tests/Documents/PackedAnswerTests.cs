using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Consensus.Api.Packed;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;
using MessagePack;

namespace Consensus.Server.Tests.Documents;

/// <summary>Answers in MessagePack, to who asks for it: they say what the JSON says, with bytes as bytes.</summary>
internal sealed class PackedAnswerTests : ContractTest
{
    private const string MediaType = "application/msgpack";

    private static readonly byte[] Binary = [0xFF, 0x00, 0xFE, 0x80];

    private async Task<(HttpResponseMessage Response, byte[] Body)> SendPackedAsync(string method, string target, string? body = null)
    {
        var response = await SendAsync(method, target, body, ("Accept", MediaType));
        var bytes = await response.Content.ReadAsByteArrayAsync();
        Assert.That(response.IsSuccessStatusCode, Is.True, Encoding.UTF8.GetString(bytes));
        Assert.That(response.Content.Headers.ContentType?.ToString(), Is.EqualTo(MediaType), target);
        Assert.That(response.Content.Headers.ContentLength, Is.EqualTo(bytes.Length), target);
        return (response, bytes);
    }

    private async Task<JsonNode?> PackedAsync(string method, string target, string? body = null)
    {
        var (response, bytes) = await SendPackedAsync(method, target, body);
        using (response)
        {
            return Packed.ToNode(bytes);
        }
    }

    private async Task FillAsync()
    {
        using var text = await SendAsync("PUT", "/v1/kv/a", "va\"l\nue");
        using var binary = await SendBytesAsync("PUT", "/v1/kv/b", Binary);
        using var binaryKey = await SendAsync("PUT", "/v1/kv/?keyBase64=%2FwAB", "v");
        using var empty = await SendAsync("PUT", "/v1/kv/c", "");
        var lease = await GrantLeaseAsync();
        using var tied = await SendAsync("PUT", $"/v1/kv/d?lease={lease.Id}", new string('x', 70_000));
        const string Acquire = """{"owner":"é\n","ttl":15,"metadata":{"a":[1,{"b":null}],"c":0.5,"d":{}}}""";
        using var held = await SendAsync("POST", "/v1/locks/l", Acquire);
        using var permits = await SendAsync("POST", "/v1/semaphores/s", """{"owner":"me","ttl":15,"permits":2}""");
        using var elected = await SendAsync("POST", "/v1/elections/e", """{"candidate":"me","ttl":15,"value":"http://a"}""");
        using var session = await SendAsync("POST", "/v1/leases", """{"ttl":15,"session":true}""");
    }

    [TestCase("1e999")]
    [TestCase("-18446744073709551617")]
    [TestCase("18446744073709551616")]
    public async Task A_number_that_MessagePack_has_no_room_for_is_told_by_its_digits(string number)
    {
        using var held = await SendAsync("POST", "/v1/locks/l", "{\"owner\":\"me\",\"ttl\":15,\"metadata\":{\"n\":" + number + "}}");
        using var shown = await SendAsync("GET", "/v1/locks/l", null, ("Accept", "application/msgpack"));

        using var json = JsonDocument.Parse(PackedJson.ToJson(await shown.Content.ReadAsByteArrayAsync()));

        var metadata = json.RootElement.GetProperty("holders")[0].GetProperty("metadata");
        Assert.That(metadata.GetProperty("n").GetString(), Is.EqualTo(number));
    }

    [TestCase("/v1/kv/a")]
    [TestCase("/v1/kv/b")]
    [TestCase("/v1/kv/c")]
    [TestCase("/v1/kv/d")]
    [TestCase("/v1/kv/a?revision=2")]
    [TestCase("/v1/kv/?keyBase64=%2FwAB")]
    [TestCase("/v1/kv/?prefix=")]
    [TestCase("/v1/kv/?prefix=&keysOnly=true&limit=2")]
    [TestCase("/v1/kv/?prefix=nothing")]
    [TestCase("/v1/kv/?prefix=&revision=4")]
    [TestCase("/v1/leases")]
    [TestCase("/v1/locks/l")]
    [TestCase("/v1/locks/")]
    [TestCase("/v1/semaphores/s")]
    [TestCase("/v1/semaphores/")]
    [TestCase("/v1/elections/e")]
    [TestCase("/v1/elections/")]
    [TestCase("/v1/fences/")]
    [TestCase("/v1/settings")]
    [TestCase("/v1/cluster")]
    [TestCase("/v1/cluster/members")]
    [TestCase("/v1/statehash")]
    public async Task A_read_says_in_both_forms_the_same(string target)
    {
        await FillAsync();
        using var json = await SendAsync("GET", target);
        var said = JsonNode.Parse(await json.Content.ReadAsStringAsync());
        var packed = await PackedAsync("GET", target);
        Assert.That(JsonNode.DeepEquals(packed, said), Is.True, $"{packed}\n--- JSON ---\n{said}");
    }

    [Test]
    public async Task Values_are_bytes_whatever_they_hold_and_keys_are_text_where_they_can_be()
    {
        await FillAsync();
        var (response, bytes) = await SendPackedAsync("GET", "/v1/kv/?prefix=&limit=1");
        response.Dispose();
        var first = Packed.Write((ref MessagePackWriter writer) =>
        {
            writer.Write("key");
            writer.Write("a");
            writer.Write("value");
            writer.Write("va\"l\nue"u8);
            writer.Write("createRevision");
            writer.Write(2);
        });
        Assert.That(bytes.AsSpan().IndexOf(first), Is.Positive);
        (response, bytes) = await SendPackedAsync("GET", "/v1/kv/?keyBase64=%2FwAB");
        response.Dispose();
        Assert.That(bytes.AsSpan().IndexOf(Packed.Write((ref MessagePackWriter writer) =>
        {
            writer.Write("key");
            writer.Write(new byte[] { 0xFF, 0, 1 });
        })), Is.Positive);
    }

    [Test]
    public async Task A_long_list_is_told_page_by_page_and_each_says_how_many_items_it_has()
    {
        for (var i = 0; i < 300; i++)
        {
            using var put = await SendBytesAsync("PUT", $"/v1/kv/k{i:000}", [.. Enumerable.Repeat((byte)0xFF, 20_000)]);
        }
        var (keys, pages) = (new List<string>(), 0);
        for (string? cursor = ""; cursor is not null; pages++)
        {
            var page = await PackedAsync("GET", "/v1/kv/?prefix=&limit=250" + (cursor.Length > 0 ? "&cursor=" + cursor : ""));
            keys.AddRange(page!["items"]!.AsArray().Select(item => item!["key"]!.GetValue<string>()));
            Assert.That(page["count"]!.GetValue<long>(), Is.EqualTo(300));
            cursor = page["nextCursor"]?.GetValue<string>();
        }
        Assert.That(keys, Is.EqualTo(Enumerable.Range(0, 300).Select(i => $"k{i:000}")));
        Assert.That(pages, Is.EqualTo(2), "a page ends at 4 MiB of values, which is 210 of them");
    }

    [Test]
    public async Task It_has_an_entity_tag_of_its_own_and_no_cache_takes_one_form_for_another()
    {
        await FillAsync();
        using var packed = await SendAsync("GET", "/v1/kv/a", null, ("Accept", MediaType));
        Assert.That(packed.Headers.ETag?.Tag, Is.EqualTo("\"2-msgpack\""));
        Assert.That(string.Join(", ", packed.Headers.GetValues("Vary")), Is.EqualTo("Accept, Origin"));
        Assert.That(packed.Headers.CacheControl?.ToString(), Is.EqualTo("no-cache"));
        using var known = await SendAsync("GET", "/v1/kv/a", null, ("Accept", MediaType), ("If-None-Match", "\"2-msgpack\""));
        using var other = await SendAsync("GET", "/v1/kv/a", null, ("Accept", MediaType), ("If-None-Match", "\"2-json\", \"2\""));
        using var json = await SendAsync("GET", "/v1/kv/a", null, ("If-None-Match", "\"2-msgpack\""));
        Assert.That(
            (known.StatusCode, other.StatusCode, json.StatusCode),
            Is.EqualTo((HttpStatusCode.NotModified, HttpStatusCode.OK, HttpStatusCode.OK)));
        using var put = await SendAsync("PUT", "/v1/kv/a", "new", ("If-Match", "\"2-msgpack\""));
        Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK), "it names the record");
    }

    [TestCase("application/msgpack;q=0.5, application/json", "application/json")]
    [TestCase("application/msgpack, application/json;q=0.5", MediaType)]
    [TestCase("application/*", "application/json")]
    [TestCase("*/*", "application/json")]
    [TestCase("application/msgpack, */*", MediaType)]
    [TestCase("application/msgpack, application/json", MediaType)]
    [TestCase("application/json, application/msgpack", "application/json")]
    [TestCase("*/*, application/json;q=0.5, application/octet-stream;q=0", MediaType)]
    [TestCase(",", "application/json")]
    [TestCase(", ,application/msgpack,", MediaType)]
    [TestCase("application/json;q=0, application/octet-stream;q=0, */*;q=0.1", MediaType)]
    [TestCase("application/msgpack;q=0, application/json;q=0.1", "application/json")]
    public async Task A_reader_says_by_its_weights_which_it_would_rather_have(string accept, string given)
    {
        await FillAsync();
        foreach (var target in new[] { "/v1/kv/a", "/v1/kv/?prefix=", "/v1/locks/l" })
        {
            using var response = await SendAsync("GET", target, null, ("Accept", accept));
            Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo(given), target);
        }
    }

    [Test]
    public async Task Writes_answer_in_it_too_and_never_refuse_for_it()
    {
        var put = await PackedAsync("PUT", "/v1/kv/a", "x");
        Assert.That((string?)put!["key"], Is.EqualTo("a"));
        var grant = await PackedAsync("POST", "/v1/locks/l", """{"owner":"me","ttl":15}""");
        Assert.That((long)grant!["fencingToken"]!, Is.EqualTo(3));
        const string Transaction = """{"success":[{"put":{"key":"b","value":"y"}},{"get":{"prefix":""}},{"delete":{"key":"a"}}]}""";
        var txn = await PackedAsync("POST", "/v1/txn", Transaction);
        Assert.That(txn!.ToJsonString(), Is.EqualTo(
            """{"succeeded":true,"revision":4,"results":[{"put":{"key":"b","createRevision":4,"modRevision":4,"version":1,"lease":null}},"""
            + """{"get":{"items":[{"key":"a","value":"x","createRevision":2,"modRevision":2,"version":1,"lease":null},"""
            + """{"key":"b","value":"y","createRevision":4,"modRevision":4,"version":1,"lease":null}],"count":2}},"""
            + """{"delete":{"deleted":1}}]}"""));
        using var json = await SendAsync("PUT", "/v1/kv/a", "x", ("Accept", "application/msgpack;q=0, text/html"));
        Assert.That(json.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/json"));
    }

    [Test]
    public async Task Problems_and_the_description_of_the_API_stay_JSON()
    {
        await ProblemAsync(ProblemTypes.NotFound, "GET", "/v1/kv/absent", null, ("Accept", MediaType));
        await RefusedAsync(ProblemTypes.NotAcceptable, "GET", "/openapi/v1.json", null, ("Accept", MediaType));
        await RefusedAsync(ProblemTypes.NotAcceptable, "GET", "/metrics", null, ("Accept", MediaType));
    }
}
