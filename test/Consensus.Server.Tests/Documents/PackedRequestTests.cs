using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;
using MessagePack;

namespace Consensus.Server.Tests.Documents;

/// <summary>Requests in MessagePack, read as strictly as JSON is.</summary>
internal sealed class PackedRequestTests : ContractTest
{
    private const string MediaType = "application/msgpack";

    private static readonly byte[] Binary = [0xFF, 0x00, 0xFE, 0x80];

    private async Task<JsonNode?> SendPackedAsync(string method, string target, byte[] body, HttpStatusCode status = HttpStatusCode.OK)
    {
        using var response = await SendBytesAsync(method, target, body, ("Accept", MediaType));
        var bytes = await response.Content.ReadAsByteArrayAsync();
        Assert.That(response.StatusCode, Is.EqualTo(status), System.Text.Encoding.UTF8.GetString(bytes));
        return Packed.ToNode(bytes);
    }

    private async Task<string> RefusedAsync(byte[] body, ProblemType? type = null, string target = "/v1/txn")
    {
        var applied = Node.AppliedCommands;
        using var response = await SendBytesAsync("POST", target, body);
        var problem = await ReadProblemAsync(response, type ?? ProblemTypes.BadRequest);
        Assert.That(Node.AppliedCommands, Is.EqualTo(applied), "nothing was asked of the node");
        return problem.Detail!;
    }

    private static byte[] Txn(Packed.Writing operation) => Packed.Of("success", (ref MessagePackWriter writer) =>
    {
        writer.WriteArrayHeader(1);
        operation(ref writer);
    });

    private async Task RefusesAsync(string because, byte[] body) => Assert.That(await RefusedAsync(body), Does.Contain(because));

    private async Task RefusesMetadataAsync(string because, byte[] metadata) => Assert.That(
        await RefusedAsync(metadata, target: "/v1/locks/l"), Does.Contain("\"metadata\"").And.Contain(because));

    private async Task RefusesTokenAsync(Packed.Writing token)
    {
        using var response = await SendBytesAsync("PUT", "/v1/fences/f", Packed.Of("fencingToken", token));
        var problem = await ReadProblemAsync(response, ProblemTypes.BadRequest);
        Assert.That(problem.Detail, Does.Contain("\"fencingToken\" is not a fencing token"));
    }

    private static byte[] Put(byte[] key, byte[] value) => Txn((ref MessagePackWriter writer) =>
    {
        writer.WriteMapHeader(1);
        writer.Write("put");
        writer.WriteMapHeader(2);
        writer.Write("key");
        writer.Write(key);
        writer.Write("value");
        writer.Write(value);
    });

    private static byte[] Compared(Packed.Writing operand) => Packed.Of("compare", (ref MessagePackWriter writer) =>
    {
        writer.WriteArrayHeader(1);
        writer.WriteMapHeader(3);
        writer.Write("key");
        writer.Write("b");
        writer.Write("target");
        writer.Write("value");
        writer.Write("operand");
        operand(ref writer);
    });

    [Test]
    public async Task A_transaction_takes_bytes_as_they_are()
    {
        await SendPackedAsync("POST", "/v1/txn", Put([0xFF, 0x00], Binary));
        using var read = await SendAsync("GET", "/v1/kv/?keyBase64=%2FwA%3D", null, ("Accept", "application/octet-stream"));
        Assert.That(await read.Content.ReadAsByteArrayAsync(), Is.EqualTo(Binary));
        await SendPackedAsync("POST", "/v1/txn", Put("b"u8.ToArray(), Binary));
        var equal = await SendPackedAsync("POST", "/v1/txn", Compared((ref MessagePackWriter writer) => writer.Write(Binary)));
        var other = await SendPackedAsync("POST", "/v1/txn", Compared((ref MessagePackWriter writer) => writer.Write("text")));
        Assert.That(((bool)equal!["succeeded"]!, (bool)other!["succeeded"]!), Is.EqualTo((true, false)));
    }

    /// <summary>What <c>printf</c> makes of the example in docs/http-api.md.</summary>
    private static byte[] Documented([CallerFilePath] string here = "")
    {
        var page = File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "docs", "http-api.md"));
        var text = page.Split("printf '")[1].Split('\'')[0];
        var bytes = new List<byte>();
        for (var at = 0; at < text.Length; at++)
        {
            bytes.Add(text[at] == '\\' ? Convert.ToByte(text.Substring(at + 1, 3), 8) : (byte)text[at]);
            at += text[at] == '\\' ? 3 : 0;
        }
        return [.. bytes];
    }

    [Test]
    public async Task The_example_of_the_page_puts_what_it_says()
    {
        await SendPackedAsync("POST", "/v1/txn", Documented());
        using var read = await SendAsync("GET", "/v1/kv/k", null, ("Accept", "application/octet-stream"));
        Assert.That(await read.Content.ReadAsByteArrayAsync(), Is.EqualTo(Binary));
        using var packed = await SendAsync("GET", "/v1/kv/k", null, ("Accept", MediaType));
        var hex = Convert.ToHexString(await packed.Content.ReadAsByteArrayAsync());
        Assert.That(hex, Does.StartWith("86A36B6579A16BA576616C7565C404FF00FE80AE637265"));
    }

    [TestCase("POST", "/v1/leases", """{"ttl":"15s","session":true}""", HttpStatusCode.Created)]
    [TestCase("POST", "/v1/leases", """{"ttl":15}""", HttpStatusCode.Created)]
    [TestCase("POST", "/v1/locks/l", """{"owner":"me","ttl":15,"mode":"shared","wait":0,"metadata":{"a":[1]}}""", HttpStatusCode.OK)]
    [TestCase("POST", "/v1/multilock", """{"names":["a","b"],"owner":"me","ttl":15}""", HttpStatusCode.OK)]
    [TestCase("POST", "/v1/semaphores/s", """{"owner":"me","ttl":15,"permits":2,"count":2}""", HttpStatusCode.OK)]
    [TestCase("POST", "/v1/elections/e", """{"candidate":"me","ttl":15,"value":"here"}""", HttpStatusCode.OK)]
    [TestCase("POST", "/v1/leases/keepalive", """{"ids":["1f"]}""", HttpStatusCode.OK)]
    public async Task Every_request_of_JSON_is_taken_in_it(string method, string target, string json, HttpStatusCode status) =>
        await SendPackedAsync(method, target, Packed.TryOf(json)!, status);

    [Test]
    public async Task Metadata_is_kept_as_JSON()
    {
        const string Metadata = """{"a":[1,{"b":null,"é":"\n"}],"c":0.5}""";
        await SendPackedAsync("POST", "/v1/locks/l", Packed.TryOf($$"""{"owner":"me","ttl":15,"metadata":{{Metadata}}}""")!);
        Assert.That((await ShowLockAsync("l")).Holders.Single().Metadata?.Text, Is.EqualTo(Metadata));
    }

    [Test]
    public async Task A_retry_in_the_same_form_is_answered_and_one_in_the_other_is_another_request()
    {
        const string Json = """{"success":[{"put":{"key":"a","value":"x"}}]}""";
        var body = Packed.TryOf(Json)!;
        for (var i = 0; i < 2; i++)
        {
            using var done = await SendBytesAsync("POST", "/v1/txn", body, ("Idempotency-Key", "k"));
            Assert.That(done.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
        Assert.That((await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "GET", "/v1/kv/a")).Version, Is.EqualTo(1));
        await ProblemAsync(ProblemTypes.IdempotencyMismatch, "POST", "/v1/txn", Json, ("Idempotency-Key", "k"));
    }

    [Test]
    public async Task A_body_is_known_by_its_first_byte_whatever_its_content_type_says()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/txn") { Content = new ByteArrayContent(Put([1], [2])) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "text/plain");
        using var response = await Client.SendAsync(request);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_name_that_JSON_needs_for_base64_is_unknown()
    {
        var detail = await RefusedAsync(Txn((ref MessagePackWriter writer) =>
        {
            writer.WriteMapHeader(1);
            writer.Write("get");
            writer.WriteMapHeader(1);
            writer.Write("keyBase64");
            writer.Write("YQ==");
        }));
        Assert.That(detail, Does.Contain("\"success[0].get.keyBase64\" is unknown"));
        detail = await RefusedAsync(Packed.Of("compare", (ref MessagePackWriter writer) =>
        {
            writer.WriteArrayHeader(1);
            writer.WriteMapHeader(1);
            writer.Write("operandBase64");
            writer.Write("YQ==");
        }));
        Assert.That(detail, Does.Contain("\"compare[0].operandBase64\" is unknown"));
    }

    [Test]
    public async Task A_body_that_ends_early_is_refused_wherever_it_ends()
    {
        var body = Put("key"u8.ToArray(), "value"u8.ToArray());
        for (var length = 1; length < body.Length; length++)
        {
            await RefusesAsync("malformed MessagePack, or ends early, at byte", body[..length]);
        }
    }

    [Test]
    public async Task What_is_no_request_is_refused_with_what_is_wrong()
    {
        var whole = Put([1], [2]);
        await RefusesAsync($"goes on after its end at byte {whole.Length + 1}", [.. whole, 0xC0]);
        await RefusesAsync("goes on after its end", [.. whole, .. whole]);
        await RefusesAsync("not a map of MessagePack", [0x90]);
        await RefusesAsync("not a map of MessagePack", [0xA1, (byte)'a']);
        await RefusesAsync("not a map of MessagePack", [0xC0]);
        await RefusesAsync("a value that is none of JSON's, nor bytes, at byte", [0xC1]);
        await RefusesAsync("no compare and no operation", [0x80]);
        await RefusesAsync("a field whose name is no text at byte", [0x81, 0x07, 0xC0]);
        await RefusesAsync("a field whose name is no text at byte", [0x81, 0xC4, 0x07, .. "success"u8, 0x90]);
        await RefusesAsync("\"success\" is given twice", [0x82, 0xA7, .. "success"u8, 0x90, 0xA7, .. "success"u8, 0x90]);
        await RefusesAsync("\"\uFFFD\" is unknown", [0x81, 0xA1, 0xFF, 0x90]);
        await RefusesAsync("\"success[0]\" is not a map of MessagePack", Txn((ref MessagePackWriter writer) => writer.Write(7)));
        await RefusesAsync("none of JSON's", Txn((ref MessagePackWriter writer) => writer.WriteRaw([0xD6, 1, 0, 0, 0, 0])));
        await RefusesAsync("none of JSON's", Txn((ref MessagePackWriter writer) => writer.Write(DateTime.UnixEpoch)));
        await RefusesAsync("[0].operand\" is not a string", Compared((ref MessagePackWriter writer) => writer.WriteArrayHeader(0)));
        await RefusesAsync("[0].operand\" is not valid Unicode", Compared((ref MessagePackWriter writer) => writer.WriteString([0xFF])));
    }

    [TestCase(2.0)]
    [TestCase(double.NaN)]
    [TestCase(double.PositiveInfinity)]
    [TestCase(1e300)]
    public async Task A_fraction_is_no_whole_number_though_nothing_stands_behind_its_point(double number)
    {
        await RefusesTokenAsync((ref MessagePackWriter writer) => writer.Write(number));
    }

    [Test]
    public async Task A_number_beyond_64_bits_with_a_sign_is_refused()
    {
        await RefusesTokenAsync((ref MessagePackWriter writer) => writer.Write(ulong.MaxValue));
    }

    [Test]
    public async Task Depth_is_bounded_and_costs_no_stack()
    {
        byte[] Nested(byte each, int levels) => Txn((ref MessagePackWriter writer) =>
            writer.WriteRaw((byte[])[.. Enumerable.Repeat(each, levels), 0xC0]));
        await RefusesAsync("\"success[0]\"", Nested(0x91, 100));
        // Of what is not understood but kept: metadata.
        byte[] Locked(byte[] inner) => Packed.Write((ref MessagePackWriter writer) =>
        {
            writer.WriteMapHeader(3);
            writer.Write("owner");
            writer.Write("me");
            writer.Write("ttl");
            writer.Write(15);
            writer.Write("metadata");
            writer.WriteMapHeader(1);
            writer.Write("a");
            writer.WriteRaw(inner);
        });
        const string Deep = "\"metadata\" cannot be kept as JSON of at most 4096 bytes: it is nested too deep";
        await RefusesMetadataAsync(Deep, Locked([.. Enumerable.Repeat((byte)0x91, 1_000_000), 0xC0]));
        await RefusesMetadataAsync("a value that JSON has not", Locked([0xC4, 1, 2]));
        await RefusesMetadataAsync("a number that JSON has not", Locked([0xCB, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0]));
        await RefusesMetadataAsync("a text is not UTF-8", Locked([0xA1, 0xFF]));
        foreach (var text in new[] { new string('x', 5_000), new string('\n', 3_000) })
        {
            await RefusesMetadataAsync("it is too large", Locked(Packed.Write((ref MessagePackWriter writer) => writer.Write(text))));
        }
    }

    /// <summary>Headers that promise up to four billion items, or bytes, in a few; 73… is "success".</summary>
    [TestCase("DFFFFFFFFF")]
    [TestCase("DF7FFFFFFFA77375636365737390")]
    [TestCase("81A773756363657373DDFFFFFFFF")]
    [TestCase("81A773756363657373DD7FFFFFFF80")]
    [TestCase("81DBFFFFFFFF73")]
    [TestCase("81A773756363657373DBFFFFFFFF73")]
    public async Task A_length_is_not_believed(string hex)
    {
        var body = Convert.FromHexString(hex);
        await RefusedAsync(body);
        await RefusedAsync([.. body, .. new byte[100]]);
    }

    /// <summary>The same in places that are understood: an operand, a key, and metadata, which another reader makes JSON of.</summary>
    [TestCase("C6FFFFFFFF")]
    [TestCase("C67FFFFFFF")]
    [TestCase("DBFFFFFFFF")]
    [TestCase("DB7FFFFFFF")]
    [TestCase("DDFFFFFFFF")]
    [TestCase("DD7FFFFFFF")]
    [TestCase("DFFFFFFFFF")]
    [TestCase("DF7FFFFFFF")]
    public async Task A_length_is_not_believed_where_the_field_is_known(string hex)
    {
        var header = Convert.FromHexString(hex);
        void Promise(ref MessagePackWriter writer) => writer.WriteRaw(header);
        byte[] acquire = [.. Convert.FromHexString("83A56F776E6572A178A374746C0FA86D6574616461746181A161"), .. header];
        var put = Txn((ref MessagePackWriter writer) =>
        {
            writer.WriteMapHeader(1);
            writer.Write("put");
            writer.WriteMapHeader(1);
            writer.Write("key");
            writer.WriteRaw(header);
        });
        foreach (var more in new[] { 0, 100 })
        {
            await RefusedAsync([.. Compared(Promise), .. new byte[more]]);
            await RefusedAsync([.. put, .. new byte[more]]);
            await RefusesMetadataAsync("cannot be kept as JSON", [.. acquire, .. new byte[more]]);
        }
    }

    [Test]
    public async Task A_body_of_nothing_may_have_been_either()
    {
        using var response = await SendBytesAsync("POST", "/v1/txn", []);
        var problem = await ReadProblemAsync(response, ProblemTypes.BadRequest);
        Assert.That(problem.Detail, Does.EndWith("an object of JSON, or a map of MessagePack"));
    }

    [Test]
    public async Task Metadata_that_is_no_map_is_called_what_MessagePack_calls_it() => await RefusesMetadataAsync(
        "is not a map of MessagePack", Packed.TryOf("""{"owner":"me","ttl":15,"metadata":[1]}""")!);

    [Test]
    public async Task What_is_too_large_is_said_to_be()
    {
        var detail = await RefusedAsync(Put(new byte[ApiLimits.MaxKeyBytes + 1], []), ProblemTypes.TooLarge);
        Assert.That(detail, Does.Contain("success[0].put.key"));
        detail = await RefusedAsync(Put([1], new byte[ApiLimits.MaxValueBytes + 1]), ProblemTypes.TooLarge);
        Assert.That(detail, Does.Contain("success[0].put.value"));
        byte[] body = [0x80, .. new byte[ApiLimits.MaxRequestBytes]];
        using var large = await SendBytesAsync("POST", "/v1/txn", body, ("Expect", "100-continue"));
        await ReadProblemAsync(large, ProblemTypes.TooLarge);
    }
}
