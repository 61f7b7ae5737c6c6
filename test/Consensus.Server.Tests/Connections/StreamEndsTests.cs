using Consensus.Server.Connections;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Connections;

/// <summary>Where streams end, in the bytes of a connection however they are cut.</summary>
internal sealed class StreamEndsTests
{
    private static readonly byte[] Sent =
    [
        .. Http2Frames.Opening, .. Http2Frames.Get(1, "/v1/kv/a"), .. Http2Frames.Put(3, "/v1/kv/a", 300, paddingBytes: 10),
        .. Http2Frames.Body(3, 200, isLast: false), .. Http2Frames.Reset(5), .. Http2Frames.WindowUpdate(0, 9), .. Http2Frames.Body(3, 100, isLast: true), .. Http2Frames.Reset(7),
    ];

    [Test]
    public void Ends_are_found_however_the_bytes_are_cut([Values(1, 2, 7, 9, 24, 100, 10_000)] int piece)
    {
        Assert.That(Read(onlyResets: true, piece), Is.EqualTo(new[] { 5, 7 }), "what a client ends is its own side, unless it gives up");
        Assert.That(Read(onlyResets: false, piece), Is.EqualTo(new[] { 1, 5, 3, 7 }));
    }

    private static List<int> Read(bool onlyResets, int piece)
    {
        var ended = new List<int>();
        var ends = new StreamEnds("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".Length, onlyResets, ended.Add);
        for (var at = 0; at < Sent.Length; at += piece)
        {
            ends.Read(Sent.AsSpan(at, Math.Min(piece, Sent.Length - at)));
        }
        return ended;
    }
}
