using System.Text;
using Consensus.Client.Watches;

namespace Consensus.Client.Tests.Watches;

/// <summary>Event streams, as WHATWG HTML §9.2.6 has them.</summary>
internal sealed class EventStreamReaderTests
{
    [Test]
    public async Task A_block_has_its_event_id_and_data()
    {
        var blocks = await ReadAsync("id: 7\nevent: put\ndata: {\"a\":1}\n\n");

        Assert.That(blocks, Is.EqualTo(new[] { new ServerSentEvent("put", "7", "{\"a\":1}") }));
    }

    [Test]
    public async Task Lines_end_in_any_way_and_data_may_have_several()
    {
        var blocks = await ReadAsync("event:put\r\ndata:one\r\ndata: two\r\n\r\ndata\n\n");

        Assert.That(blocks, Is.EqualTo(new[] { new ServerSentEvent("put", null, "one\ntwo"), new ServerSentEvent("message", null, "") }));
    }

    [Test]
    public async Task A_comment_and_an_id_alone_are_told_without_an_event()
    {
        var blocks = await ReadAsync(":\n\n: still here\nid: 9\n\n");

        Assert.That(blocks.Select(block => (block.HasData, block.Id)), Is.EqualTo(new[] { (false, (string?)null), (false, "9") }));
        Assert.That(blocks.Select(WatchMessageReader.Place), Is.EqualTo(new long?[] { null, 9 }));
    }

    [TestCase("id: 7\nevent: put\ndata: {}")]
    [TestCase("id: 7\nevent: put\ndata: {}\n")]
    public async Task A_block_that_the_end_cuts_short_is_none(string stream) => Assert.That(await ReadAsync(stream), Is.Empty);

    [Test]
    public void A_silent_stream_is_not_waited_for_without_end()
    {
        using var reader = new EventStreamReader(new SilentStream(), TimeSpan.FromMilliseconds(20));

        Assert.That(async () => await reader.ReadAsync(CancellationToken.None), Throws.TypeOf<TimeoutException>());
    }

    [TestCase("data: ")]
    [TestCase(": ")]
    [TestCase("event: a\ndata: a\ndata: ")]
    public void A_message_without_end_is_not_collected_without_end(string start)
    {
        var stream = new EndlessStream(start);
        using var reader = new EventStreamReader(stream, TimeSpan.FromSeconds(20), maxEventChars: 100_000);

        Assert.That(async () => await reader.ReadAsync(CancellationToken.None), Throws.InstanceOf<IOException>());
        Assert.That(stream.Given, Is.LessThan(200_000));
    }

    [Test]
    public async Task A_message_of_many_reads_is_put_together()
    {
        var text = new string('x', 100_000);
        var blocks = await ReadAsync($"data: {text}\r\ndata: {text}\r\n\r\ndata: last\n\n");

        Assert.That(blocks.Select(block => block.Data), Is.EqualTo(new[] { $"{text}\n{text}", "last" }));
    }

    private static async Task<List<ServerSentEvent>> ReadAsync(string stream)
    {
        using var reader = new EventStreamReader(new MemoryStream(Encoding.UTF8.GetBytes(stream)), Patience.Limit);
        var blocks = new List<ServerSentEvent>();
        while (await reader.ReadAsync(CancellationToken.None) is { } block)
        {
            blocks.Add(block);
        }
        return blocks;
    }

    /// <summary>Never at the end of its first line.</summary>
    private sealed class EndlessStream(string start) : MemoryStream
    {
        public int Given { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            buffer.Span.Fill((byte)'x');
            if (Given == 0)
            {
                Encoding.UTF8.GetBytes(start, buffer.Span);
            }
            Given += buffer.Length;
            // Some hundred times what is to be taken: a reader without a bound shall fail, and not take all memory.
            return Given < 50_000_000 ? ValueTask.FromResult(buffer.Length) : ValueTask.FromResult(0);
        }
    }

    /// <summary>Open, and never with a byte.</summary>
    private sealed class SilentStream : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }
    }
}
