using System.Net;
using System.Text.Json;
using Consensus.EndToEnd.Tests.Processes;

namespace Consensus.EndToEnd.Tests;

/// <summary>A backup of a cluster of processes, and the cluster that is made of it, with the operator's own commands.</summary>
[NonParallelizable]
public sealed class BackupTests
{
    private static string EndpointsOf(ProcessCluster cluster) =>
        string.Join(',', Enumerable.Range(0, cluster.Size).Select(member => $"127.0.0.1:{cluster.ClientPortOf(member)}"));

    [Test]
    public async Task A_backup_taken_under_load_becomes_a_cluster_of_three_with_nothing_held_and_higher_tokens()
    {
        using var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "backup");
        var (clusterId, token, keys) = await SaveAsync(file);
        await RestoreAsync(file, clusterId, token, keys);
    }

    /// <summary>The old cluster: its id, a token that it gave, and how many keys are in the backup for sure.</summary>
    private static async Task<(string ClusterId, long Token, int Keys)> SaveAsync(string file)
    {
        await using var cluster = await ProcessCluster.StartAsync(3);
        for (var i = 0; i < 100; i++)
        {
            Assert.That((await cluster.TryAsync(HttpMethod.Put, i % 3, $"/v1/kv/before/{i}", $"{i}")).IsOk);
        }
        var hold = await cluster.TryAsync(HttpMethod.Post, 0, "/v1/locks/l", """{"owner":"me","ttl":"600s"}""");
        using var stop = new CancellationTokenSource();
        var writing = WriteAsync(cluster, stop.Token);
        var saved = JsonDocument.Parse(await Consensusctl.DoneAsync(EndpointsOf(cluster), "snapshot", "save", file, "-o", "json")).RootElement;
        await stop.CancelAsync();
        await writing;
        Assert.That(saved.GetProperty("keys").GetInt64(), Is.GreaterThanOrEqualTo(100));
        Assert.That(saved.GetProperty("locks").GetInt64(), Is.EqualTo(1));
        Assert.That(await Consensusctl.DoneAsync(EndpointsOf(cluster), "check", "consistency"), Does.Contain("All 3 members are in the same state"));
        var status = await cluster.TryAsync(HttpMethod.Get, 0, "/v1/status");
        Assert.That(saved.GetProperty("clusterId").GetString(), Is.EqualTo(status.Json.GetProperty("clusterId").GetString()));
        return (saved.GetProperty("clusterId").GetString()!, hold.Number("fencingToken"), 100);
    }

    private static async Task WriteAsync(ProcessCluster cluster, CancellationToken stop)
    {
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            await cluster.TryAsync(HttpMethod.Put, i % 3, $"/v1/kv/during/{i}", "1", cancellation: CancellationToken.None);
        }
    }

    private static async Task RestoreAsync(string file, string oldClusterId, long oldToken, int keys)
    {
        var restored = "";
        await using var cluster = await ProcessCluster.StartAsync(
            1,
            prepare: cluster => restored = Consensusctl.DoneAsync(
                "",
                "snapshot", "restore", file,
                "--data-dir", cluster.DataOf(0),
                "--name", "n1",
                "--cluster-token", "e2e",
                "--advertise-peer", $"127.0.0.1:{cluster.PeerPortOf(0)}",
                "-o", "json").GetAwaiter().GetResult(),
            joining: 2);
        var told = JsonDocument.Parse(restored).RootElement;
        Assert.That(told.GetProperty("ended").GetProperty("holds").GetInt64(), Is.EqualTo(1));
        await GrowAsync(cluster, 1);
        await GrowAsync(cluster, 2);

        for (var i = 0; i < keys; i++)
        {
            var read = await cluster.TryAsync(HttpMethod.Get, i % 3, $"/v1/kv/before/{i}");
            Assert.That(read.Json.GetProperty("value").GetString(), Is.EqualTo($"{i}"));
        }
        var grant = await cluster.TryAsync(HttpMethod.Post, 1, "/v1/locks/l", """{"owner":"me","ttl":"10m"}""");
        Assert.That(grant.IsOk, "what was held is free");
        Assert.That(grant.Number("fencingToken"), Is.GreaterThan(oldToken + (1L << 32)));
        Assert.That(grant.Json.GetProperty("clusterId").GetString(), Is.EqualTo(told.GetProperty("clusterId").GetString()).And.Not.EqualTo(oldClusterId));
        Assert.That((await cluster.TryAsync(HttpMethod.Get, 2, "/v1/kv/before/1?revision=5")).Status, Is.EqualTo(HttpStatusCode.Gone), "the past is compacted");
        Assert.That(await Consensusctl.DoneAsync(EndpointsOf(cluster), "check", "consistency"), Does.Contain("All 3 members are in the same state"));

        cluster.Kill(0);
        await cluster.UntilWrittenAsync(1, "/v1/kv/after");
    }

    private static async Task GrowAsync(ProcessCluster cluster, int member)
    {
        var name = $"n{member + 1}";
        var endpoint = $"127.0.0.1:{cluster.ClientPortOf(0)}";
        cluster.Start(member);
        await ProcessCluster.EventuallyAsync(
            async () => (await Consensusctl.RunAsync(endpoint, "members", "add", name)).Code == 0, $"{name} is listed as waiting and is added");
        await ProcessCluster.EventuallyAsync(
            async () => (await cluster.TryAsync(HttpMethod.Get, member, "/readyz")).IsOk, $"{name} has caught up");
        // A leader that has just stood still may not have heard of it for a moment.
        await ProcessCluster.EventuallyAsync(
            async () => (await Consensusctl.RunAsync(endpoint, "members", "promote", name)).Code == 0, $"{name} is promoted");
    }
}
