using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Workloads.ZooKeeper;
using static Consensus.Benchmarks.Tests.Support.ZooKeeperFrames;

namespace Consensus.Benchmarks.Tests.Workloads;

/// <summary>Frames in whatever pieces the network delivers.</summary>
internal sealed class ZooKeeperAnswerBufferTests
{
    [Test]
    public void A_frame_is_complete_with_its_last_byte_and_not_before()
    {
        var buffer = new ZooKeeperAnswerBuffer();
        foreach (var (frame, status) in new[] { (Session(), 0), (Reply(1, -101), -101), (Reply(2, 0, Text("x")), 0) })
        {
            for (var i = 0; i < frame.Length; i++)
            {
                var expected = i == frame.Length - 1 ? ParseResult.Complete : ParseResult.Incomplete;
                Assert.That(Feed(buffer, frame[i..(i + 1)]), Is.EqualTo(expected), $"byte {i}");
            }
            Assert.That(buffer.Status, Is.EqualTo(status));
            Assert.That(buffer.Body.ToArray(), Is.EqualTo(frame[4..]));
            buffer.Clear();
        }
    }

    [Test]
    public void What_stands_behind_a_frame_is_the_next_one()
    {
        var buffer = new ZooKeeperAnswerBuffer();
        Assert.That(Feed(buffer, [.. Session(), .. Reply(1, 0, Text("first")), .. Reply(-1, 0)[..9]]), Is.EqualTo(ParseResult.Complete));
        buffer.DropAnswer();
        Assert.That(buffer.Parse(), Is.EqualTo(ParseResult.Complete));
        Assert.That(buffer.Body.ToArray(), Is.EqualTo(Reply(1, 0, Text("first"))[4..]));
        buffer.DropAnswer();
        Assert.That(buffer.Parse(), Is.EqualTo(ParseResult.Incomplete));
        Assert.That(Feed(buffer, Reply(-1, 0)[9..]), Is.EqualTo(ParseResult.Complete));
        Assert.That(buffer.Body.ToArray(), Is.EqualTo(Reply(-1, 0)[4..]));
    }

    [TestCase(-1)]
    [TestCase(3)]
    [TestCase(int.MaxValue)]
    public void A_length_beyond_reason_is_malformed(int length) =>
        Assert.That(Feed(new ZooKeeperAnswerBuffer(), Int(length)), Is.EqualTo(ParseResult.Malformed));

    [Test]
    public void A_reply_that_is_shorter_than_its_header_is_malformed()
    {
        var buffer = new ZooKeeperAnswerBuffer();
        Feed(buffer, Session());
        buffer.Clear();
        Assert.That(Feed(buffer, [.. Int(15), .. new byte[15]]), Is.EqualTo(ParseResult.Malformed));
    }

    private static ParseResult Feed(ZooKeeperAnswerBuffer buffer, byte[] bytes)
    {
        bytes.CopyTo(buffer.Free);
        buffer.Advance(bytes.Length);
        return buffer.Parse();
    }
}
