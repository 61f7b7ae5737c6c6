using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Consensus.Peers.Trials;

namespace Consensus.Peers.Tests;

/// <summary>Three real processes on the library serve the paths and the shapes of <c>consensusd</c>.</summary>
public sealed class DotNextServerTests
{
    [Test]
    public async Task A_follower_takes_writes_and_every_member_reads_them()
    {
        using var cluster = new TrialCluster(TrialSystem.All.Single(system => system.Name == "dotnext-flushed"), slow: null);
        await cluster.WaitUntilReadyAsync(0, 1, 2);
        var leader = await cluster.FindLeaderAsync(0, 1, 2);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        Uri Of(int member, string path) => new(cluster.UrlOf((leader + member) % TrialCluster.Size), path);

        using var put = await http.PutAsync(Of(1, "/v1/kv/a"), new StringContent("1"));
        Assert.That(put.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        for (var member = 0; member < TrialCluster.Size; member++)
        {
            var read = await http.GetFromJsonAsync<JsonElement>(Of(member, "/v1/kv/a"));
            Assert.That(read.GetProperty("value").GetString(), Is.EqualTo("1"), $"member {member} from the leader on");
        }

        using var conditional = new HttpRequestMessage(HttpMethod.Put, Of(2, "/v1/kv/a")) { Content = new StringContent("2") };
        conditional.Headers.Add("If-None-Match", "*");
        using var refused = await http.SendAsync(conditional);
        Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.PreconditionFailed));

        using var taken = await http.PostAsJsonAsync(Of(2, "/v1/locks/job"), new { owner = "ada", ttl = "60s" });
        var token = (await taken.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("fencingToken").GetInt64();
        using var second = await http.PostAsJsonAsync(Of(1, "/v1/locks/job"), new { owner = "bob", ttl = "60s" });
        Assert.That(second.StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
        using var released = await http.DeleteAsync(Of(0, $"/v1/locks/job?fencingToken={token}"));
        Assert.That(released.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }
}
