using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Consensus.Api;
using Consensus.Api.Json;
using Consensus.Api.Locks;
using Consensus.Api.Packed;
using MessagePack;

namespace Consensus.Server.Tests.Documents;

/// <summary>Pieces of JSON, such as the metadata of a hold, within answers in MessagePack.</summary>
internal sealed class JsonPackerTests
{
    private static byte[] Pack(string json, out int tokens, bool isExact = false)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(output);
        tokens = JsonPacker.Write(ref writer, new RawJson(json), isExact);
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    private static string Nested(int levels, string inner) => new string('[', levels) + inner + new string(']', levels);

    /// <summary>An answer of a newer member may have one in each of its rows.</summary>
    [Test]
    public void What_is_passed_over_takes_no_buffer_for_each()
    {
        const int Rows = 100;
        var packed = Pack("{\"a\":[1,2]}", out _);
        PassOver(packed);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var row = 0; row < Rows; row++)
        {
            PassOver(packed);
        }
        Assert.That((GC.GetAllocatedBytesForCurrentThread() - before) / Rows, Is.LessThan(1_024));
    }

    private static void PassOver(byte[] packed)
    {
        var reader = new MessagePackReader(packed);
        PackedJson.PassOver(ref reader);
        Assert.That(reader.End, Is.True);
    }

    /// <summary>
    /// As much as metadata may have. Where each level is counted by looking through all that is in it, a piece costs as many times more as
    /// it has levels.
    /// </summary>
    [TestCase(1)]
    [TestCase(30)]
    public void Each_token_is_looked_at_twice_however_deep_it_is(int levels)
    {
        const int Items = 1_900;
        var packed = Pack(Nested(levels, string.Join(',', Enumerable.Repeat('0', Items))), out var tokens);
        Assert.That(tokens, Is.EqualTo(2 * (Items + (2 * levels))));
        byte[] expected = [.. Enumerable.Repeat((byte)0x91, levels - 1), 0xDC, Items >> 8, Items & 0xFF, .. new byte[Items]];
        Assert.That(packed, Is.EqualTo(expected));
    }

    [TestCase("""{}""")]
    [TestCase("""[]""")]
    [TestCase("""null""")]
    [TestCase("""{"a":[{"b":{"c":[]}},[[],{}],7],"d":{"e":true,"f":false,"g":null},"h":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é"}""")]
    [TestCase("""[{"a":1,"b":[2,[3,{"c":4}]]},{"d":{"e":{}}},-9223372036854775808,18446744073709551615,0.5]""")]
    public void It_says_what_the_JSON_says(string json)
    {
        var said = PackedJson.ToJson(Pack(json, out _));
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(said), JsonNode.Parse(json)), Is.True, Encoding.UTF8.GetString(said));
    }

    /// <summary>Stored before it was refused, or by another version: one such hold must not make the list of all unreadable.</summary>
    [TestCase("""{"a":"\ud800"}""", "{\"a\":\"\uFFFD\"}")]
    [TestCase("""{"a":"x\udc00\ud83d\ude00\n"}""", "{\"a\":\"x\uFFFD\U0001F600\\n\"}")]
    [TestCase("""{"\ud800b":["\udfff\u00e9"]}""", "{\"\uFFFDb\":[\"\uFFFDé\"]}")]
    public void An_answer_with_half_of_a_surrogate_pair_stored_is_told_with_a_mark_for_it(string stored, string told)
    {
        var output = new ArrayBufferWriter<byte>();
        var holder = new LockHolderAnswer("me", "exclusive", 1, "1f", 1, 1, 1, Metadata: new RawJson(stored));

        PackedDocument.Write(output, holder, ApiJson.Default.LockHolderAnswer);

        var answer = JsonNode.Parse(PackedJson.ToJson(output.WrittenMemory))!;
        Assert.That(JsonNode.DeepEquals(answer["metadata"], JsonNode.Parse(told)), Is.True, answer.ToJsonString());
    }

    [TestCase("\"\\ud800\"")]
    [TestCase("-0")]
    [TestCase("100000000000000000000")]
    [TestCase("2.0")]
    [TestCase("1e2")]
    [TestCase("{")]
    [TestCase("1 2")]
    [TestCase("")]
    public void A_request_is_packed_only_where_it_then_says_the_same(string json) =>
        Assert.That(() => Pack(json, out _, isExact: true), Throws.InstanceOf<FormatException>());

    [TestCase("-9223372036854775808")]
    [TestCase("18446744073709551615")]
    [TestCase("0")]
    public void A_whole_number_of_64_bits_is_the_same_in_both_forms(string json) =>
        Assert.That(Encoding.UTF8.GetString(PackedJson.ToJson(Pack(json, out _, isExact: true))), Is.EqualTo(json));
}
