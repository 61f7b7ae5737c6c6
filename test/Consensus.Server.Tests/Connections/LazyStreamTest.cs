using System.Net;
using System.Text;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Connections;

/// <summary>Clients over HTTP/2 that open no window for answers.</summary>
internal abstract class LazyStreamTest : UnfinishedBodyTest
{
    protected const int SmallValue = 8_000;
    protected const string Streams = "consensus_bytes_held{what=\"streams\"}";
    protected const string Answers = "consensus_bytes_held{what=\"answers\"}";

    [SetUp]
    public async Task PutValuesAsync()
    {
        await PutAsync("small", SmallValue);
        await PutAsync("large", 1 << 20);
    }

    /// <summary>The first stream is for <see cref="Open"/>.</summary>
    protected static int NumberOf(int request) => (2 * request) + 3;

    /// <summary>
    /// A connection that has taken something of a first answer: one that takes less than 240 bytes a second is closed, which is not what is tested, and these pay for minutes.
    /// </summary>
    protected RawHttp Open(int window = 0)
    {
        const int Taken = 60_000;
        var connection = new RawHttp(Port);
        connection.Send(Http2Frames.OpeningWithWindow(window));
        connection.Send(Http2Frames.Get(1, "/v1/kv/large"));
        connection.Send(Http2Frames.WindowUpdate(1, Taken - window));
        for (var left = Taken; left > 0;)
        {
            var frame = connection.ReceiveHttp2Frame();
            left -= frame.Type == Http2Frames.Data ? frame.Payload.Length : 0;
        }
        connection.Send(Http2Frames.Reset(1));
        connection.Send(Http2Frames.WindowUpdate(0, Taken));
        return connection;
    }

    protected static void Ask(RawHttp connection, int request, string path, string accept = "*/*")
    {
        connection.Send(Http2Frames.Get(NumberOf(request), path, accept));
        connection.ReceiveHttp2Head(NumberOf(request));
    }

    protected async Task PutAsync(string key, int bytes)
    {
        using var content = new ByteArrayContent(Encoding.ASCII.GetBytes(new string('v', bytes)));
        using var put = await Client.PutAsync(new Uri($"/v1/kv/{key}", UriKind.Relative), content);
        Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    protected async Task UntilAsync(string metric, Func<long, bool> isSo)
    {
        using var limit = Patience.Begin();
        while (await MetricAsync(metric) is var present && !isSo(present))
        {
            Assert.That(limit.IsCancellationRequested, Is.False, $"{metric} is {present}");
        }
    }
}
