using System.Text;
using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Watches;

internal sealed class WatchResumptionTests
{
    [Test]
    public async Task A_watch_goes_on_over_restarts_of_its_server_without_gap_or_duplicate()
    {
        using var server = await ServerProcess.StartAsync();
        using var client = new ConsensusClient(ServerProcess.DeadEndpoint(), server.Endpoint);
        var first = await client.PutAsync("k", "0"u8.ToArray());
        using var stop = new CancellationTokenSource();
        var told = new List<KeyChanges>();
        var watching = Task.Run(async () =>
        {
            try
            {
                await foreach (var changes in client.WatchPrefixAsync("", new WatchOptions { FromRevision = first }, stop.Token))
                {
                    lock (told)
                    {
                        told.Add(changes);
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // Seen enough.
            }
        });
        int Told()
        {
            lock (told)
            {
                return told.Count;
            }
        }

        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 20; i++)
            {
                await client.PutAsync("k", Encoding.UTF8.GetBytes($"{round}/{i}"));
            }
            await Eventually.UntilAsync(() => Told() > 1 + (round * 21), "the watch is under way");
            server.Kill();
            await server.RunAsync();
            await client.PutAsync("k", "restarted"u8.ToArray());
        }
        await Eventually.UntilAsync(() => Told() >= 1 + (3 * 21), "everything is told");
        await stop.CancelAsync();
        await watching.InTimeAsync();

        var revisions = told.Select(changes => changes.Revision).ToList();
        Assert.That(revisions, Is.EqualTo(Enumerable.Range(0, 64).Select(i => first + i)));
    }

    [Test]
    public async Task A_watch_of_what_is_compacted_says_where_to_read_again()
    {
        using var cluster = new InMemoryCluster();
        using var client = cluster.CreateClient();
        var first = await client.PutAsync("k", "1"u8.ToArray());
        var last = await client.PutAsync("k", "2"u8.ToArray());
        cluster.CompactHistory();
        await using var watch = client.WatchAsync("k", new WatchOptions { FromRevision = first }).GetAsyncEnumerator();

        var compacted = await Assert.ThrowsAsync<WatchCompactedException>(async () => await watch.MoveNextAsync());

        Assert.That(compacted!.CompactRevision, Is.EqualTo(last));
        await using var again = client.WatchAsync("k", new WatchOptions { FromRevision = last + 1 }).GetAsyncEnumerator();
        var next = again.NextAsync();
        await client.PutAsync("k", "3"u8.ToArray());
        Assert.That((await next).Changes.Single().Entry?.Text, Is.EqualTo("3"));
    }

    [Test]
    public async Task A_watch_of_a_client_that_was_disconnected_goes_on_where_it_was()
    {
        using var cluster = new InMemoryCluster();
        using var client = cluster.CreateClient();
        using var other = cluster.CreateClient("other");
        var first = await client.PutAsync("k", "1"u8.ToArray());
        await using var watch = client.WatchAsync("k", new WatchOptions { FromRevision = first }).GetAsyncEnumerator();
        Assert.That((await watch.NextAsync()).Revision, Is.EqualTo(first));

        cluster.Disconnect(client);
        var missed = await other.PutAsync("k", "2"u8.ToArray());
        cluster.Reconnect(client);

        Assert.That((await watch.NextAsync()).Revision, Is.EqualTo(missed));
    }
}
