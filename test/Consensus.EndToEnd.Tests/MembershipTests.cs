using System.Net;
using Consensus.EndToEnd.Tests.Processes;

namespace Consensus.EndToEnd.Tests;

/// <summary>Members that come and go, as an operator has them: processes and HTTP.</summary>
[NonParallelizable]
public sealed class MembershipTests
{
    private const string Members = "/v1/cluster/members";

    [Test]
    public async Task A_fourth_member_joins_votes_and_is_removed_for_ever()
    {
        await using var cluster = await ProcessCluster.StartAsync(3, joining: 1);
        Assert.That((await cluster.TryAsync(HttpMethod.Put, 0, "/v1/kv/before", "1")).IsOk);
        cluster.Start(3);
        await DoneAsync(cluster, HttpMethod.Post, 1, Members, """{"name":"n4"}""");
        await ReadyAsync(cluster, 3);
        Assert.That(await RoleAsync(cluster, 0, "n4"), Is.EqualTo("learner"));
        Assert.That((await cluster.TryAsync(HttpMethod.Get, 3, "/v1/kv/before")).IsOk);

        await DoneAsync(cluster, HttpMethod.Patch, 3, Members + "/n4", """{"role":"voter"}""");
        Assert.That(await RoleAsync(cluster, 3, "n4"), Is.AnyOf("follower", "leader"));
        cluster.Kill(0);
        await cluster.UntilWrittenAsync(3, "/v1/kv/with-four");
        cluster.Start(0);
        await ReadyAsync(cluster, 0);

        await DoneAsync(cluster, HttpMethod.Delete, 0, Members + "/n4");
        var (code, output) = await cluster.EndAsync(3);
        Assert.That(code, Is.EqualTo(3), output);
        Assert.That(output, Does.Contain("consensusd: n4 was removed from cluster"));
        cluster.Start(3);
        (code, output) = await cluster.EndAsync(3);
        Assert.That(code, Is.EqualTo(3), output);
        Assert.That(output, Does.Contain("consensusd: n4 was removed from cluster"));
        await cluster.UntilWrittenAsync(1, "/v1/kv/after");
    }

    [Test]
    public async Task A_dead_member_is_replaced_by_one_with_its_name_and_an_empty_directory()
    {
        await using var cluster = await ProcessCluster.StartAsync(3, joining: 1);
        cluster.Start(3);
        await DoneAsync(cluster, HttpMethod.Post, 0, Members, """{"name":"n4"}""");
        await ReadyAsync(cluster, 3);
        await DoneAsync(cluster, HttpMethod.Patch, 0, Members + "/n4", """{"role":"voter"}""");
        cluster.Kill(3);
        Directory.Delete(cluster.DataOf(3), recursive: true);
        cluster.Start(3);
        var (code, output) = await cluster.EndAsync(3);
        Assert.That(code, Is.EqualTo(1), output);
        Assert.That(output, Does.Contain("has a member n4 with another data directory: if that one is lost, remove it (consensusctl members remove n4)"));

        await DoneAsync(cluster, HttpMethod.Delete, 1, Members + "/n4");
        cluster.Start(3);
        await DoneAsync(cluster, HttpMethod.Post, 2, Members, """{"name":"n4"}""");
        await ReadyAsync(cluster, 3);
        await DoneAsync(cluster, HttpMethod.Patch, 3, Members + "/n4", """{"role":"voter"}""");
        await cluster.UntilWrittenAsync(3, "/v1/kv/again");
    }

    [Test]
    public async Task One_member_grows_to_three()
    {
        await using var cluster = await ProcessCluster.StartAsync(1, joining: 2);
        Assert.That((await cluster.TryAsync(HttpMethod.Put, 0, "/v1/kv/kept", "1")).IsOk);
        for (var i = 1; i < 3; i++)
        {
            cluster.Start(i);
            await DoneAsync(cluster, HttpMethod.Post, 0, Members, $$"""{"name":"n{{i + 1}}"}""");
            await ReadyAsync(cluster, i);
            await DoneAsync(cluster, HttpMethod.Patch, 0, $"{Members}/n{i + 1}", """{"role":"voter"}""");
        }
        cluster.Kill(0);
        await cluster.UntilWrittenAsync(1, "/v1/kv/more");
        Assert.That((await cluster.TryAsync(HttpMethod.Get, 2, "/v1/kv/kept")).IsOk);
    }

    private static Task ReadyAsync(ProcessCluster cluster, int member) => ProcessCluster.EventuallyAsync(
        async () =>
        {
            Assert.That(cluster.Process(member).HasExited, Is.False, cluster.Process(member).Output);
            return (await cluster.TryAsync(HttpMethod.Get, member, "/readyz")).Status == HttpStatusCode.OK;
        },
        $"n{member + 1} is ready");

    /// <summary>Asks until it is done: the joiner has to be listed, another change has to be over, a learner has to catch up.</summary>
    private static async Task DoneAsync(ProcessCluster cluster, HttpMethod method, int member, string path, string? body = null)
    {
        var latest = new Answer(0, default);
        try
        {
            await ProcessCluster.EventuallyAsync(async () => (latest = await cluster.TryAsync(method, member, path, body)).IsOk, $"{method} {path} is done");
        }
        finally
        {
            if (!latest.IsOk)
            {
                await TestContext.Out.WriteLineAsync($"the latest answer: {(int)latest.Status} {(latest.Status == 0 ? "" : latest.Json)}");
            }
        }
    }

    private static async Task<string?> RoleAsync(ProcessCluster cluster, int member, string name)
    {
        var answer = await cluster.TryAsync(HttpMethod.Get, member, "/v1/cluster");
        return answer.Json.GetProperty("members").EnumerateArray().Single(m => m.GetProperty("name").GetString() == name).GetProperty("role").GetString();
    }
}
