using System.Globalization;
using System.Net;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Requests;

/// <summary>What a request that waits in a line keeps of this process's memory, which nothing but its connection bounds.</summary>
[NonParallelizable]
internal sealed class WaitingBodyTests : ContractTest
{
    private const int Waiters = 40;
    private const int BlankBytes = 1_400_000;

    [TestCase("")]
    [TestCase("Idempotency-Key: k#\r\n")]
    public async Task A_request_that_waits_keeps_no_body(string header)
    {
        using var held = await SendAsync("POST", "/v1/locks/l", """{"owner":"me","ttl":"600s"}""");
        Assert.That(held.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var waiting = new List<RawHttp>();
        try
        {
            for (var i = 0; i < Waiters; i++)
            {
                waiting.Add(new RawHttp(Port));
                waiting[i].Send(Request(i, header));
            }
            using var limit = Patience.Begin();
            while (Node.Status.Counts.Waiters < Waiters || GC.GetTotalMemory(forceFullCollection: true) - before > Waiters * (BlankBytes / 4))
            {
                Assert.That(limit.IsCancellationRequested, Is.False, $"{Node.Status.Counts.Waiters} wait, with {GC.GetTotalMemory(true) - before} bytes");
            }
        }
        finally
        {
            waiting.ForEach(one => one.Dispose());
        }
    }

    private static string Request(int waiter, string header)
    {
        var body = string.Create(CultureInfo.InvariantCulture, $$"""{"owner":"w{{waiter}}","ttl":"60s","wait":"600s"}""") + new string(' ', BlankBytes);
        var key = header.Replace("#", waiter.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        return string.Create(CultureInfo.InvariantCulture, $"POST /v1/locks/l HTTP/1.1\r\nHost: localhost\r\n{key}Content-Length: {body.Length}\r\n\r\n{body}");
    }
}
