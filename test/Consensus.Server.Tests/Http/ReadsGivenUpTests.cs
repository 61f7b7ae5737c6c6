using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Http;

/// <summary>A read whose client is gone is given up, whichever endpoint it came to: it would hold a place at the desk that others want.</summary>
internal sealed class ReadsGivenUpTests : ContractTest
{
    [TestCase("/v1/kv/a")]
    [TestCase("/v1/kv/a", "Accept: text/event-stream\r\n")]
    [TestCase("/v1/kv/a?consistency=stale&minRevision=9")]
    [TestCase("/v1/kv?prefix=a")]
    [TestCase("/v1/locks/a")]
    [TestCase("/v1/locks?prefix=a")]
    [TestCase("/v1/semaphores/a")]
    [TestCase("/v1/elections/a")]
    [TestCase("/v1/elections/a", "Accept: text/event-stream\r\n")]
    [TestCase("/v1/fences/a")]
    [TestCase("/v1/fences?prefix=a")]
    [TestCase("/v1/leases/1")]
    [TestCase("/v1/leases")]
    [TestCase("/v1/snapshot")]
    public async Task A_read_whose_client_is_gone_is_given_up(string target, string header = "")
    {
        Node.HoldsReads = true;
        using (var connection = new RawHttp(Port))
        {
            connection.Send($"GET {target} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n");
            await UntilAsync(() => Node.ReadsHeld == 1, "it waits for its view");
        }
        await UntilAsync(() => Node.ReadsHeld == 0, "it is given up");
    }
}
