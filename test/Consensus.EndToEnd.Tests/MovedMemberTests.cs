using System.Net;
using System.Text.Json;
using Consensus.EndToEnd.Tests.Processes;

namespace Consensus.EndToEnd.Tests;

/// <summary>Members that move, as an operator moves them: processes with other ports, and what is printed and listed of it.</summary>
[NonParallelizable]
public sealed class MovedMemberTests
{
    private const string Members = "/v1/cluster/members";

    [Test]
    public async Task A_member_that_is_started_with_another_peer_port_takes_part_again()
    {
        await using var cluster = await ProcessCluster.StartAsync(3);
        var moved = (await cluster.LeaderAsync() + 1) % 3;
        await cluster.StopAsync(moved);
        cluster.Move(moved);
        // As the issue has it: without any list, which it does not need.
        cluster.StartWith(moved, WithoutList(cluster, moved));
        await cluster.UntilReadyAsync();
        await SaysAsync(cluster, moved, "one of 3 members of cluster");
        await SaysAsync(cluster, moved, "has moved: it is at");
        await SaysAsync(cluster, moved, "  others ");
        Assert.That(cluster.Process(moved).Output, Does.Not.Contain("single node"));
        await UntilHealthyEverywhereAsync(cluster);
        for (var i = 0; i < 3; i++)
        {
            // Each says it of its own link, which the leader's view of a follower tells nothing about.
            await SaysAsync(cluster, i, $"n{moved + 1} has moved: ");
            Assert.That(cluster.Process(i).Output.Split($"n{moved + 1} has moved: ").Length - 1, Is.EqualTo(1), $"n{i + 1} says it once: {cluster.Process(i).Output}");
        }
        await cluster.UntilWrittenAsync(moved, "/v1/kv/a");
    }

    [Test]
    public async Task All_members_move_at_once_by_an_option_for_one_start()
    {
        await using var cluster = await ProcessCluster.StartAsync(3);
        for (var i = 0; i < 3; i++)
        {
            await cluster.StopAsync(i);
            cluster.Move(i);
        }
        var addresses = string.Join(',', Enumerable.Range(0, 3).Select(i => $"n{i + 1}=127.0.0.1:{cluster.PeerPortOf(i)}"));
        for (var i = 0; i < 3; i++)
        {
            cluster.StartWith(i, [.. WithoutList(cluster, i), "--peer-address", addresses]);
        }
        await cluster.UntilReadyAsync();
        await UntilHealthyEverywhereAsync(cluster);
        // The log knows it now: the next start needs no option, and a list is as good as none.
        for (var i = 0; i < 3; i++)
        {
            cluster.Kill(i);
        }
        for (var i = 0; i < 3; i++)
        {
            cluster.Start(i);
        }
        await cluster.UntilReadyAsync();
        await cluster.UntilWrittenAsync(0, "/v1/kv/a");
    }

    [Test]
    public async Task A_wiped_member_with_an_initial_cluster_waits_to_be_added_and_votes_again()
    {
        await using var cluster = await ProcessCluster.StartAsync(3);
        cluster.Kill(0);
        Directory.Delete(cluster.DataOf(0), recursive: true);
        cluster.Start(0);
        await ProcessCluster.EventuallyAsync(
            () =>
            {
                var output = cluster.Process(0).Output;
                return Task.FromResult(output.Contains("consensusctl members remove n1", StringComparison.Ordinal) && output.Contains("consensusctl members add n1", StringComparison.Ordinal));
            },
            "it says what it waits for, and the commands");
        Assert.That(cluster.Process(0).HasExited, Is.False);
        await RefusedAsync(cluster, 1);
        await RefusedAsync(cluster, 2);
        await DoneAsync(cluster, HttpMethod.Delete, 1, Members + "/n1");
        await ProcessCluster.EventuallyAsync(
            () => Task.FromResult(cluster.Process(0).Output.Contains("n1, no member yet of cluster", StringComparison.Ordinal)), "it is a waiting joiner");
        await DoneAsync(cluster, HttpMethod.Post, 1, Members, """{"name":"n1"}""");
        await cluster.UntilReadyAsync();
        await DoneAsync(cluster, HttpMethod.Patch, 2, Members + "/n1", """{"role":"voter"}""");
        cluster.Kill(1);
        await cluster.UntilWrittenAsync(0, "/v1/kv/a");
    }

    /// <summary>Whichever member is asked: nothing is added in the place of one that is not removed yet, and the command that removes it is named.</summary>
    private static async Task RefusedAsync(ProcessCluster cluster, int asked)
    {
        var latest = new Answer(0, default);
        await ProcessCluster.EventuallyAsync(
            async () => (latest = await cluster.TryAsync(HttpMethod.Post, asked, Members, """{"name":"n1"}""")).Status == HttpStatusCode.PreconditionFailed,
            "an addition before the removal is refused");
        Assert.That(latest.Json.GetProperty("detail").GetString(), Does.Contain("consensusctl members remove n1"));
    }

    [Test]
    public async Task Another_initial_cluster_on_a_formed_directory_is_a_notice()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        cluster.Kill(0);
        cluster.StartWith(0, cluster.ArgumentsOf(0, $"n1=127.0.0.1:{cluster.PeerPortOf(0)},n2=127.0.0.1:1"));
        await cluster.UntilReadyAsync();
        Assert.That(cluster.Process(0).Output, Does.Contain("is not read, for this data directory belongs to a cluster"));
    }

    [Test]
    public async Task A_member_that_was_stopped_is_not_healthy_and_raises_no_alarm_when_it_goes_on()
    {
        await using var cluster = await ProcessCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        var stopped = (leader + 1) % 3;
        await UntilHealthyEverywhereAsync(cluster);
        cluster.Process(stopped).Signal(19);
        try
        {
            await ProcessCluster.EventuallyAsync(
                async () => (await MemberAsync(cluster, leader, stopped)).GetProperty("health").GetString() == "silent", "the leader says that it is silent");
            var member = await MemberAsync(cluster, leader, stopped);
            Assert.That(member.GetProperty("healthy").ValueKind, Is.EqualTo(JsonValueKind.False));
            Assert.That(member.GetProperty("lastContactMs").GetInt64(), Is.Positive);
        }
        finally
        {
            cluster.Process(stopped).Signal(18);
        }
        await UntilHealthyEverywhereAsync(cluster);
        for (var i = 0; i < 3; i++)
        {
            Assert.That((await cluster.TryAsync(HttpMethod.Get, i, "/v1/status")).Json.GetProperty("alarms").GetArrayLength(), Is.Zero);
        }
    }

    /// <summary>What a member prints comes through a pipe, later than what it answers.</summary>
    private static Task SaysAsync(ProcessCluster cluster, int member, string words) =>
        ProcessCluster.EventuallyAsync(
            () => Task.FromResult(cluster.Process(member).Output.Contains(words, StringComparison.Ordinal)), $"n{member + 1} says: {words}");

    private static string[] WithoutList(ProcessCluster cluster, int member) => [.. cluster.ArgumentsOf(member).SkipLast(2)];

    private static async Task<JsonElement> MemberAsync(ProcessCluster cluster, int seenBy, int member)
    {
        var answer = await cluster.TryAsync(HttpMethod.Get, seenBy, "/v1/cluster");
        return answer.Json.GetProperty("members").EnumerateArray().Single(m => m.GetProperty("name").GetString() == $"n{member + 1}");
    }

    /// <summary>The leader calls all healthy and knows contact and round trip of the others, and every member knows each one where it is.</summary>
    private static Task UntilHealthyEverywhereAsync(ProcessCluster cluster) => ProcessCluster.EventuallyAsync(
        async () =>
        {
            for (var i = 0; i < cluster.Size; i++)
            {
                var answer = await cluster.TryAsync(HttpMethod.Get, i, "/v1/cluster");
                if (answer.Status != HttpStatusCode.OK)
                {
                    return false;
                }
                var leads = answer.Json.GetProperty("leader").GetString() == $"n{i + 1}";
                foreach (var member in answer.Json.GetProperty("members").EnumerateArray())
                {
                    var number = int.Parse(member.GetProperty("name").GetString()![1..], null) - 1;
                    var known = leads || member.GetProperty("role").GetString() == "leader";
                    if (member.GetProperty("peerUrl").GetString() != $"127.0.0.1:{cluster.PeerPortOf(number)}"
                        || (member.GetProperty("self").GetBoolean() || known ? member.GetProperty("health").GetString() != "healthy" : member.GetProperty("health").GetString() != "unknown")
                        || (!member.GetProperty("self").GetBoolean() && known != (member.GetProperty("roundTripMs").ValueKind == JsonValueKind.Number)))
                    {
                        return false;
                    }
                }
            }
            return true;
        },
        "every member is where it is and does well, as far as it is known");

    private static Task DoneAsync(ProcessCluster cluster, HttpMethod method, int member, string path, string? body = null) =>
        ProcessCluster.EventuallyAsync(async () => (await cluster.TryAsync(method, member, path, body)).IsOk, $"{method} {path} is done");
}
