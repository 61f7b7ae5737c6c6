using System.Text;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Tests.Http;

/// <summary>Answers as RFC 9112 allows them, in whatever pieces the network delivers.</summary>
internal sealed class HttpAnswerBufferTests
{
    private static readonly TestCaseData[] CompleteAnswers =
    [
        new("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"),
        new("HTTP/1.1 200 OK\r\ncontent-length:0\r\nServer: x\r\n\r\n", 200, ""),
        new("HTTP/1.1 204 No Content\r\nConsensus-Term: 7\r\n\r\n", 204, ""),
        new("HTTP/1.1 409 \r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\na;x=y\r\n, world: 1\r\n0\r\n\r\n", 409, "hello, world: 1"),
        new("HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: chunked\r\n\r\n0\r\n\r\n", 200, ""),
        new("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n", 200, "\r\n\r\n"),
    ];

    [TestCaseSource(nameof(CompleteAnswers))]
    public void An_answer_is_complete_with_its_last_byte_and_not_before(string answer, int status, string body)
    {
        var buffer = new HttpAnswerBuffer();
        for (var i = 0; i < answer.Length; i++)
        {
            Assert.That(Feed(buffer, answer[i..(i + 1)]), Is.EqualTo(i == answer.Length - 1 ? ParseResult.Complete : ParseResult.Incomplete), $"byte {i}");
        }

        Assert.That(buffer.Status, Is.EqualTo(status));
        Assert.That(Encoding.ASCII.GetString(buffer.Body), Is.EqualTo(body));
    }

    [TestCaseSource(nameof(CompleteAnswers))]
    public void An_answer_in_two_pieces_is_the_same_wherever_it_was_cut(string answer, int status, string body)
    {
        var buffer = new HttpAnswerBuffer();
        for (var cut = 1; cut < answer.Length; cut++)
        {
            buffer.Clear();
            Assert.That(Feed(buffer, answer[..cut]), Is.EqualTo(ParseResult.Incomplete), $"cut at {cut}");
            Assert.That(Feed(buffer, answer[cut..]), Is.EqualTo(ParseResult.Complete), $"cut at {cut}");
            Assert.That((buffer.Status, Encoding.ASCII.GetString(buffer.Body)), Is.EqualTo((status, body)), $"cut at {cut}");
        }
    }

    [Test]
    public void A_body_larger_than_the_buffer_makes_it_grow()
    {
        var body = new string('x', 100_000);
        var buffer = new HttpAnswerBuffer();
        var chunk = $"{50_000:x}\r\n{body[..50_000]}\r\n";
        Assert.That(Feed(buffer, $"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n"), Is.EqualTo(ParseResult.Complete));
        Assert.That(Encoding.ASCII.GetString(buffer.Body), Is.EqualTo(body));
    }

    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!", TestName = "Bytes_behind_the_answer_are_malformed")]
    [TestCase("HTTP/1.1 204 No Content\r\n\r\nx", TestName = "A_body_of_an_answer_without_one_is_malformed")]
    [TestCase("HTTP/1.1 200 OK\r\n\r\n", TestName = "An_answer_that_ends_with_its_connection_is_malformed")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", TestName = "A_negative_length_is_malformed")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 2147483647\r\n\r\n", TestName = "A_length_beyond_reason_is_malformed")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", TestName = "A_chunk_without_a_size_is_malformed")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n", TestName = "A_chunk_beyond_reason_is_malformed")]
    [TestCase("SSH-2.0-x\r\n\r\n", TestName = "Another_protocol_is_malformed")]
    public void Malformed(string answer) => Assert.That(Feed(new HttpAnswerBuffer(), answer), Is.EqualTo(ParseResult.Malformed));

    [Test]
    public void A_number_is_found_bare_and_as_a_string()
    {
        Assert.That(JsonScan.TryReadNumber("{\"a\":1,\"b\" : 42}"u8, "\"b\""u8, out var bare), Is.True);
        Assert.That(bare, Is.EqualTo(42));
        Assert.That(JsonScan.TryReadNumber("{\"ID\":\"7587862094\"}"u8, "\"ID\""u8, out var text), Is.True);
        Assert.That(text, Is.EqualTo(7587862094));
        Assert.That(JsonScan.TryReadNumber("{\"b\":null}"u8, "\"b\""u8, out _), Is.False);
        Assert.That(JsonScan.TryReadNumber("{}"u8, "\"b\""u8, out _), Is.False);
    }

    private static ParseResult Feed(AnswerBuffer buffer, string text)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        var result = ParseResult.Incomplete;
        for (var offset = 0; offset < bytes.Length;)
        {
            var count = Math.Min(buffer.Free.Length, bytes.Length - offset);
            bytes.AsSpan(offset, count).CopyTo(buffer.Free);
            buffer.Advance(count);
            offset += count;
            result = buffer.Parse();
        }

        return result;
    }
}
