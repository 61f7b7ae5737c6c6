using Consensus.Node.Core.Flow;
using Consensus.Server.Connections;
using Consensus.Server.Http;
using Consensus.Server.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Consensus.Server.Tests.Connections;

/// <summary>A reset is seen when the server reads it, which may be before it has begun with the stream's request; so may the end of a connection be.</summary>
internal sealed class EarlyResetTests
{
    private const int Stream = 7;

    [Test]
    public async Task A_request_that_its_client_gave_up_is_not_counted_for_ever([Values] bool beforeItWasKnown)
    {
        var clock = new ManualClock();
        var memory = new StreamMemory(1 << 20, new Replies(new InProcessNode(), new ByteBudget(1 << 20)), clock);
        var connection = new ConnectionStreams();
        var response = new CompletedResponse();
        var http = Request(connection, response);
        if (beforeItWasKnown)
        {
            connection.Reset(Stream);
        }
        await memory.Around(_ => Task.CompletedTask)(http);
        if (!beforeItWasKnown)
        {
            connection.Reset(Stream);
        }
        await response.CompleteAsync();
        Assert.That(memory.HeldBytes, Is.GreaterThan(StreamMemory.OwnBytes), "the server keeps the text for some seconds");
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That(memory.HeldBytes, Is.Zero);
    }

    [Test]
    public async Task A_request_that_is_begun_with_when_its_connection_is_over_is_neither_counted_nor_done([Values] bool isTheFirst)
    {
        var memory = new StreamMemory(1 << 20, new Replies(new InProcessNode(), new ByteBudget(1 << 20)), new ManualClock());
        var connection = new ConnectionStreams();
        var done = 0;
        var around = memory.Around(_ =>
        {
            done++;
            return Task.CompletedTask;
        });
        if (!isTheFirst)
        {
            await around(Request(connection, new CompletedResponse()));
        }
        connection.Close();
        Assert.That(memory.HeldBytes, Is.Zero);
        await around(Request(connection, new CompletedResponse()));
        Assert.That((memory.HeldBytes, done), Is.EqualTo((0, isTheFirst ? 0 : 1)));
    }

    private static DefaultHttpContext Request(ConnectionStreams connection, CompletedResponse response)
    {
        var http = new DefaultHttpContext();
        http.Features.Set<IHttpRequestFeature>(
            new HttpRequestFeature { Protocol = "HTTP/2", RawTarget = "/" + new string('x', StreamMemory.OwnBytes) });
        http.Features.Set<IHttpResponseFeature>(response);
        http.Features.Set<IHttp2StreamIdFeature>(new StreamId());
        http.Features.Set(connection);
        return http;
    }

    private sealed class StreamId : IHttp2StreamIdFeature
    {
        int IHttp2StreamIdFeature.StreamId => Stream;
    }

    private sealed class CompletedResponse : HttpResponseFeature
    {
        private readonly List<Func<Task>> _completed = [];

        public override void OnCompleted(Func<object, Task> callback, object state) => _completed.Add(() => callback(state));

        public Task CompleteAsync() => Task.WhenAll(_completed.Select(callback => callback()));
    }
}
