using System.Net;
using System.Text;
using Consensus.Api;
using Consensus.Server.Tests.Hosting;
using Consensus.Server.Tests.Support;
using Microsoft.AspNetCore.Builder;

namespace Consensus.Server.Tests.Watches;

/// <summary>Watches of three members over the real log, disk and links.</summary>
internal sealed class WatchClusterTests
{
    private static async Task<(WebApplication App, HttpClient Client)> ServeAsync(LocalCluster cluster, int index)
    {
        var app = ConsensusServer.Build(new IPEndPoint(IPAddress.Loopback, 0));
        app.MapConsensusApi(cluster.Hosts[index]!.Node, new ServerInfo { Version = "1" }, new ServerLifecycle(TimeProvider.System));
        await app.StartAsync();
        return (app, new HttpClient { BaseAddress = new Uri(app.Urls.Single()), Timeout = Patience.Limit });
    }

    /// <summary>Repeats the put until it is known to be done; the key makes its repeats one.</summary>
    private static async Task PutAsync(HttpClient client, int value)
    {
        using var limit = Patience.Begin();
        while (true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/kv/k");
            request.Headers.Add("Idempotency-Key", "put-" + value);
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(value.ToString()));
            using var response = await client.SendAsync(request, limit.Token);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                return;
            }
        }
    }

    [Test]
    public async Task A_watch_that_goes_on_at_another_member_misses_nothing_when_the_leader_is_lost()
    {
        await using var cluster = await LocalCluster.StartAsync(3);
        var leader = cluster.LeaderIndex();
        var members = new List<(WebApplication App, HttpClient Client)>();
        for (var i = 0; i < 3; i++)
        {
            members.Add(await ServeAsync(cluster, i));
        }
        var (first, second) = ((leader + 1) % 3, (leader + 2) % 3);
        var told = new List<string?>();
        long? last;
        using (var watch = await EventStream.OpenAsync(members[leader].Client, "/v1/kv/k"))
        {
            await watch.ExpectAsync("open");
            for (var value = 0; value < 10; value++)
            {
                await PutAsync(members[first].Client, value);
            }
            last = null;
            while (told.Count < 5)
            {
                var message = await watch.ExpectAsync("put");
                told.Add(message.Read(ApiJson.Default.WatchEventData).Value);
                last = message.Id;
            }
        }
        await cluster.StopMemberAsync(leader);
        for (var value = 10; value < 20; value++)
        {
            await PutAsync(members[first].Client, value);
        }
        using (var watch = await EventStream.OpenAsync(members[second].Client, "/v1/kv/k", ("Last-Event-ID", $"{last}")))
        {
            await watch.ExpectAsync("open");
            await PutAsync(members[second].Client, 20);
            while (told.Count < 21)
            {
                told.Add((await watch.ExpectAsync("put")).Read(ApiJson.Default.WatchEventData).Value);
            }
        }
        Assert.That(told, Is.EqualTo(Enumerable.Range(0, 21).Select(value => value.ToString())));
        foreach (var (app, client) in members)
        {
            client.Dispose();
            await app.DisposeAsync();
        }
    }
}
