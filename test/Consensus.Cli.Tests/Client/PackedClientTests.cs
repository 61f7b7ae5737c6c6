using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Consensus.Api.Json;
using Consensus.Api.KeyValue;
using Consensus.Api.Packed;
using Consensus.Api.Transactions;
using Consensus.Cli.Tests.Support;
using Consensus.Client;
using Consensus.Client.Transport;
using Consensus.Fuzzing;

namespace Consensus.Cli.Tests.Client;

/// <summary>Lists and transactions are asked for and sent in MessagePack, and read in whichever form they come.</summary>
internal sealed class PackedClientTests
{
    private const string Page = """
        {"items":[{"key":"a","value":"té\n","createRevision":2,"modRevision":3,"version":2,"lease":"1f"},
         {"keyBase64":"/w==","valueBase64":"/wD+","createRevision":4,"modRevision":4,"version":1,"lease":null},
         {"key":"only","createRevision":5,"modRevision":5,"version":1,"lease":null}],"count":3,"revision":9,"nextCursor":"AA"}
        """;

    private const string Done = """
        {"succeeded":false,"revision":9,"results":[{"put":{"key":"a","createRevision":9,"modRevision":9,"version":1,"lease":null}},
         {"delete":{"deleted":3}},{"get":{"items":[{"key":"b","valueBase64":"/w==","createRevision":2,"modRevision":3,"version":2,
         "lease":null}],"count":7}},{"get":{"omitted":true}}]}
        """;

    private static ConsensusApiClient Connect(FakeServer server) =>
        new(new ConsensusClientOptions { Endpoints = [server.Endpoint], RetryFor = TimeSpan.Zero });

    private static TxnRequest Putting(TxnPutRequest put) => new() { Success = [new TxnOperationRequest { Put = put }] };

    private static (string?, string?, string?, string?) Texts(KeyAnswer item) => (item.Key, item.KeyBase64, item.Value, item.ValueBase64);

    private static string Hex(KeyAnswer item) => Convert.ToHexString(KeyEntry.Of(item).Value.Span);

    private static (string?, long?, long?, bool?) Facts(TxnResultAnswer result) =>
        (result.Put?.Key, result.Delete?.Deleted, result.Get?.Count, result.Get?.Omitted);

    private static async Task<(ApiResult<KeyListAnswer> Result, FakeRequest Request)> ListAsync(byte[] body)
    {
        using var server = new FakeServer(_ => new FakeAnswer(200) { Raw = body });
        using var client = Connect(server);
        return (await client.ListKeysAsync(new KeyListQuery { Prefix = "p" }, default), server.Requests.Single());
    }

    private static async Task<(ApiResult<TxnAnswer> Result, FakeRequest Request)> TransactAsync(TxnRequest transaction, byte[] body)
    {
        using var server = new FakeServer(_ => new FakeAnswer(200) { Raw = body });
        using var client = Connect(server);
        return (await client.TxnAsync(transaction, default), server.Requests.Single());
    }

    private static string Text(string json) => JsonNode.Parse(json)!.ToJsonString();

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_list_says_the_same_in_both_forms(bool isPacked)
    {
        var (result, request) = await ListAsync(isPacked ? PackedText.Of(Page) : Encoding.UTF8.GetBytes(Page));
        Assert.That(request.Header("Accept"), Is.EqualTo("application/msgpack, application/json;q=0.5"));
        Assert.That(result.Succeeded, Is.True, result.Problem?.Detail);
        var items = result.Value!.Items;
        Assert.That(items.Select(Texts), Is.EqualTo(new (string?, string?, string?, string?)[]
        {
            ("a", null, "té\n", null), (null, "/w==", null, "/wD+"), ("only", null, null, null),
        }));
        Assert.That(items.Select(Hex), Is.EqualTo(new[] { "74C3A90A", "FF00FE", "" }));
        Assert.That(items.Select(item => (item.CreateRevision, item.ModRevision, item.Version, item.Lease)), Is.EqualTo(new[]
        {
            (2L, 3L, 2L, "1f"), (4L, 4L, 1L, null), (5L, 5L, 1L, (string?)null),
        }));
        Assert.That((result.Value.Count, result.Value.Revision, result.Value.NextCursor), Is.EqualTo((3L, 9L, "AA")));
        Assert.That(Text(result.Json), Is.EqualTo(Text(Page)));
    }

    [Test]
    public async Task A_key_is_the_same_in_whichever_form_it_came_and_can_be_changed()
    {
        var (packed, json) = ((await ListAsync(PackedText.Of(Page))).Result.Value!, (await ListAsync(Encoding.UTF8.GetBytes(Page))).Result.Value!);
        var again = (await ListAsync(PackedText.Of(Page))).Result.Value!;

        Assert.That(packed.Items, Is.EqualTo(json.Items).And.EqualTo(again.Items));
        Assert.That(packed.Items.Select(item => item.GetHashCode()), Is.EqualTo(json.Items.Select(item => item.GetHashCode())));
        Assert.That(packed.Items[0] with { Value = "other" }, Is.EqualTo(json.Items[0] with { Value = "other" }).And.Not.EqualTo(packed.Items[0]));
    }

    [Test]
    public async Task A_transaction_is_sent_with_bytes_as_bytes_and_its_answer_is_read_in_both_forms()
    {
        var transaction = new TxnRequest
        {
            Compare =
            [
                new TxnCompareRequest { Key = "a", Target = "version", Op = ">", Operand = new RawJson("0") },
                new TxnCompareRequest { Key = "a", Target = "value", OperandBase64 = "/w==" },
            ],
            Success = [new TxnOperationRequest { Put = new TxnPutRequest { KeyBase64 = "/w==", ValueBase64 = "/wD+" } }],
            Failure = [new TxnOperationRequest { Get = new TxnGetRequest { Prefix = "", Limit = 3 } }],
        };
        var (packed, request) = await TransactAsync(transaction, PackedText.Of(Done));
        var (json, _) = await TransactAsync(transaction, Encoding.UTF8.GetBytes(Done));
        Assert.That(request.Header("Content-Type"), Is.EqualTo("application/msgpack"));
        Assert.That(Encoding.UTF8.GetString(PackedJson.ToJson(request.Body)), Is.EqualTo(
            """{"compare":[{"key":"a","target":"version","op":">","operand":0},"""
            + """{"key":"a","target":"value","operandBase64":"/w=="}],"success":"""
            + """[{"put":{"keyBase64":"/w==","valueBase64":"/wD+"}}],"failure":[{"get":{"prefix":"","limit":3}}]}"""));
        foreach (var result in new[] { packed, json })
        {
            Assert.That(result.Succeeded, Is.True, result.Problem?.Detail);
            Assert.That(result.Value!.Results.Select(Facts), Is.EqualTo(new (string?, long?, long?, bool?)[]
            {
                ("a", null, null, null), (null, 3, null, null), (null, null, 7, false), (null, null, null, true),
            }));
            Assert.That(result.Value.Results[2].Get!.Items!.Single().ValueBase64, Is.EqualTo("/w=="));
            Assert.That(Text(result.Json), Is.EqualTo(Text(Done)));
        }
    }

    [Test]
    public async Task What_MessagePack_cannot_say_goes_as_JSON_so_that_the_server_can_tell_what_is_wrong()
    {
        TxnPutRequest[] puts = [new() { KeyBase64 = "%", Value = "x" }, new() { Key = "a", ValueBase64 = "%" }];
        foreach (var put in puts)
        {
            var (_, request) = await TransactAsync(Putting(put), PackedText.Of(Done));
            Assert.That(request.Header("Content-Type"), Is.EqualTo("application/json"));
            Assert.That(request.Text, Does.StartWith("""{"success":[{"put":{""").And.Contain("\"%\""));
        }
    }

    /// <summary>A number beyond 64 bits would go as a text, which the server compares as one; <c>-0</c> as 0, which is a version.</summary>
    [TestCase("{")]
    [TestCase("100000000000000000000")]
    [TestCase("-0")]
    [TestCase("2.0")]
    [TestCase("\"\\ud800\"")]
    public async Task An_operand_that_MessagePack_would_say_otherwise_goes_as_JSON(string operand)
    {
        var compare = new TxnCompareRequest { Key = "a", Target = "value", Operand = new RawJson(operand) };
        var (_, request) = await TransactAsync(new TxnRequest { Compare = [compare] }, PackedText.Of(Done));
        Assert.That(request.Header("Content-Type"), Is.EqualTo("application/json"));
        Assert.That(request.Text, Does.Contain($"\"operand\":{operand}"));
    }

    [Test]
    public async Task A_text_that_UTF_8_cannot_carry_is_the_callers_mistake()
    {
        var transaction = Putting(new TxnPutRequest { Key = "a\ud800", Value = "x" });
        var error = await Assert.ThrowsAsync<ArgumentException>(() => TransactAsync(transaction, []));
        Assert.That(error!.ParamName, Is.EqualTo("transaction"));
        Assert.That(error.Message, Does.Contain("surrogate"));
    }

    [TestCase("""{"items":[],"count":0,"revision":1,"nextCursor":null,"more":{"a":[[{}]]}}""", true)]
    [TestCase("""{"items":[],"count":0,"revision":1}""", false)]
    [TestCase("""{"items":[{"createRevision":2,"modRevision":3,"version":2,"lease":""}],"count":0,"revision":1,"nextCursor":""}""", false)]
    [TestCase("""{"items":[{"key":"a","createRevision":2,"modRevision":3,"version":2}],"count":0,"revision":1,"nextCursor":""}""", false)]
    [TestCase("""{"items":[null],"count":0,"revision":1,"nextCursor":null}""", false)]
    [TestCase("""{"count":0,"revision":1,"nextCursor":null}""", false)]
    [TestCase("""{"items":[],"revision":1,"nextCursor":null}""", false)]
    [TestCase("""{"items":[{"key":"a","modRevision":3,"version":2,"lease":null}],"count":0,"revision":1,"nextCursor":null}""", false)]
    [TestCase("""{"items":[[]],"count":0,"revision":1,"nextCursor":null}""", false)]
    [TestCase("""{"items":[],"count":"0","revision":1,"nextCursor":null}""", false)]
    public async Task A_newer_server_may_say_more_and_nobody_less(string answer, bool isRead)
    {
        foreach (var body in new[] { PackedText.Of(answer), Encoding.UTF8.GetBytes(answer) })
        {
            var (result, _) = await ListAsync(body);
            Assert.That(result.Succeeded, Is.EqualTo(isRead));
        }
    }

    [TestCase("""{"succeeded":true,"revision":1,"results":[]}""", true)]
    [TestCase("""{"succeeded":true,"revision":1,"results":[{}]}""", false)]
    [TestCase("""{"succeeded":true,"revision":1,"results":[null]}""", false)]
    [TestCase("""{"succeeded":true,"revision":1,"results":[{"get":{}}]}""", false)]
    [TestCase("""{"succeeded":true,"revision":1,"results":[{"get":{"items":[]}}]}""", false)]
    [TestCase("""{"succeeded":true,"revision":1,"results":[{"get":{"count":1}}]}""", false)]
    [TestCase("""{"succeeded":true,"revision":1,"results":[{"delete":{}}]}""", false)]
    [TestCase("""{"revision":1,"results":[]}""", false)]
    [TestCase("""{"succeeded":true,"results":[]}""", false)]
    [TestCase("""{"succeeded":true,"revision":1}""", false)]
    public async Task A_transaction_says_what_each_operation_did(string answer, bool isRead)
    {
        foreach (var body in new[] { PackedText.Of(answer), Encoding.UTF8.GetBytes(answer) })
        {
            var (result, _) = await TransactAsync(new TxnRequest(), body);
            Assert.That(result.Succeeded, Is.EqualTo(isRead));
        }
    }

    [TestCase(new byte[] { 0xDF, 0xFF, 0xFF, 0xFF, 0xFF })]
    [TestCase(new byte[] { 0x81, 0xA5, (byte)'i', (byte)'t', (byte)'e', (byte)'m', (byte)'s', 0xDD, 0x7F, 0xFF, 0xFF, 0xFF })]
    [TestCase(new byte[] { 0x81, 0xA1, (byte)'x', 0xC6, 0x7F, 0xFF, 0xFF, 0xFF })]
    [TestCase(new byte[] { 0x81, 0xA1, (byte)'x', 0xDB, 0x7F, 0xFF, 0xFF, 0xFF })]
    public async Task A_length_is_not_believed(byte[] body)
    {
        var (result, _) = await ListAsync(body);
        Assert.That(result.Succeeded, Is.False);
    }

    /// <summary>An empty list with one member more: 85 is the map; items, count, revision and nextCursor come before it.</summary>
    private static byte[] Extended(string hex) =>
        Convert.FromHexString("85A56974656D7390A5636F756E7400A87265766973696F6E01AA6E657874437572736F72C0" + hex);

    [TestCase("A178C0")]
    [TestCase("A17891C403FF0001")]
    [TestCase("A17881A161DC0002C3CB3FE0000000000000")]
    public async Task What_is_passed_over_is_shown_as_JSON(string more)
    {
        var (result, _) = await ListAsync(Extended(more));
        Assert.That(result.Succeeded, Is.True, result.Problem?.Detail);
        Assert.That(JsonNode.Parse(result.Json)!.AsObject(), Has.Count.EqualTo(5));
    }

    /// <summary>An extension type, not a number, a name that is a number, is nil or is no UTF-8, and a text that is none.</summary>
    [TestCase("A178D40100")]
    [TestCase("A178CB7FF8000000000000")]
    [TestCase("A1788101C0")]
    [TestCase("C0C0")]
    [TestCase("A1FFC0")]
    [TestCase("A178A1FF")]
    public async Task What_could_not_be_shown_as_JSON_is_no_members_answer(string more)
    {
        var (result, _) = await ListAsync(Extended(more));
        Assert.That(result.Succeeded, Is.False);
    }

    [TestCase(50, true)]
    [TestCase(2_000_000, false)]
    public async Task What_is_passed_over_may_be_as_deep_as_what_can_be_shown_and_costs_no_stack(int levels, bool isRead)
    {
        var (result, _) = await ListAsync([.. Extended("A178"), .. Enumerable.Repeat((byte)0x91, levels), 0xC0]);
        Assert.That(result.Succeeded, Is.EqualTo(isRead));
        Assert.That(() => result.Json, Throws.Nothing);
    }

    /// <summary>One item, whose key or lease is bytes FF as a text: something else would stand for it.</summary>
    [TestCase("A36B6579A1FF", "A56C65617365C0")]
    [TestCase("A36B6579A161", "A56C65617365A1FF")]
    public async Task A_text_that_is_no_UTF_8_is_no_members(string key, string lease)
    {
        byte[] Page(string name, string end) => Convert.FromHexString(
            "84A56974656D739185" + name + "AE6372656174655265766973696F6E02AB6D6F645265766973696F6E02A776657273696F6E01" + end
            + "A5636F756E7401A87265766973696F6E02AA6E657874437572736F72C0");
        var (sound, _) = await ListAsync(Page("A36B6579A161", "A56C65617365C0"));
        Assert.That(sound.Succeeded, Is.True, sound.Problem?.Detail);
        var (result, _) = await ListAsync(Page(key, lease));
        Assert.That(result.Succeeded, Is.False);
    }

    /// <summary>Each byte of it is six of JSON: what asks for JSON is not to take as much memory as a stranger likes.</summary>
    [Test]
    public void An_answer_that_is_larger_as_JSON_than_answers_may_be_is_no_members_and_takes_no_memory()
    {
        var body = new byte[HttpTransport.MaxAnswerBytes / 4];
        body.AsSpan().Fill(0xC2);
        new byte[] { 0xDD, 0x00, 0xFF, 0xFF, 0xFB }.CopyTo(body, 0);
        Assert.That(BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(1)), Is.EqualTo(body.Length - 5), "the array is whole");
        KeyAnswer? read = null;
        var allocated = Mutator.AllocatedBy(() => read = AnswerBody.Read(body, ClientJson.Default.KeyAnswer));
        Assert.That(read, Is.Null);
        Assert.That(allocated, Is.LessThan(body.Length));
    }
}
