using Consensus.EndToEnd.Tests.Processes;

namespace Consensus.EndToEnd.Tests;

/// <summary>Real processes that are killed with -9 and come back from log and snapshot: what they knew is what they know.</summary>
[NonParallelizable]
public sealed class RestartTests
{
    [Test]
    public async Task What_was_acknowledged_survives_the_kill_of_both_members_that_hold_it()
    {
        // raft-bugs 36: one member is down, and the two that acknowledged are killed as soon as they have.
        await using var cluster = await ProcessCluster.StartAsync(3);
        for (var round = 0; round < 3; round++)
        {
            var leader = await cluster.LeaderAsync();
            var (away, other) = ((leader + 1) % 3, (leader + 2) % 3);
            cluster.Kill(away);
            await cluster.UntilWrittenAsync(leader, $"/v1/kv/k{round}", "kept");
            cluster.Kill(leader);
            cluster.Kill(other);
            cluster.Start(away);
            cluster.Start(round % 2 == 0 ? other : leader);
            await cluster.UntilReadyAsync();
            var read = await cluster.TryAsync(HttpMethod.Get, away, $"/v1/kv/k{round}");
            Assert.That(read.IsOk && read.Json.GetProperty("value").GetString() == "kept", $"round {round}");
            cluster.Start(round % 2 == 0 ? leader : other);
            await cluster.UntilReadyAsync();
        }
    }

    [Test]
    public async Task A_request_sent_again_after_a_failover_and_a_snapshot_has_one_effect_and_the_same_answer()
    {
        // raft-bugs 27.
        await using var cluster = await ProcessCluster.StartAsync(3);
        const string Lock = """{"owner":"me","ttl":"10m"}""";
        var put = await cluster.TryAsync(HttpMethod.Put, 0, "/v1/kv/once", "1", identity: "put-1");
        var grant = await cluster.TryAsync(HttpMethod.Post, 1, "/v1/locks/job", Lock, identity: "acquire-1");
        Assert.That(put.IsOk && grant.IsOk);
        await WriteAsync(cluster, "later", 1_200);
        var leader = await cluster.LeaderAsync();
        cluster.Kill(leader);
        await cluster.UntilWrittenAsync((leader + 1) % 3, "/v1/kv/other");
        cluster.Start(leader);
        await cluster.UntilReadyAsync();
        for (var member = 0; member < 3; member++)
        {
            var asked = member;
            await ProcessCluster.EventuallyAsync(
                async () => (await cluster.TryAsync(HttpMethod.Get, asked, "/v1/status")).Number("snapshotIndex") > put.Number("modRevision"),
                "a snapshot covers the request");
            var putAgain = await cluster.TryAsync(HttpMethod.Put, member, "/v1/kv/once", "1", identity: "put-1");
            Assert.That((putAgain.Status, putAgain.Number("modRevision")), Is.EqualTo((put.Status, put.Number("modRevision"))));
            var grantAgain = await cluster.TryAsync(HttpMethod.Post, member, "/v1/locks/job", Lock, identity: "acquire-1");
            Assert.That((grantAgain.Status, grantAgain.Number("fencingToken")), Is.EqualTo((grant.Status, grant.Number("fencingToken"))));
        }
        Assert.That((await cluster.TryAsync(HttpMethod.Get, 0, "/v1/kv/once")).Number("version"), Is.EqualTo(1));
    }

    [Test]
    public async Task Members_killed_under_load_never_go_back_and_end_with_equal_states()
    {
        // raft-bugs 13 and 28.
        await using var cluster = await ProcessCluster.StartAsync(3);
        using var ending = new CancellationTokenSource();
        long acknowledged = 0;
        var clients = Enumerable.Range(0, 6).Select(i => Task.Run(async () =>
        {
            var newest = 0L;
            while (!ending.IsCancellationRequested)
            {
                var written = await cluster.TryAsync(HttpMethod.Put, i % 3, $"/v1/kv/c{i}", $"{newest}");
                var read = await cluster.TryAsync(HttpMethod.Get, (i + 1) % 3, $"/v1/kv/c{i}");
                foreach (var answer in new[] { written, read }.Where(a => a.IsOk))
                {
                    var revision = answer.Number("modRevision");
                    Assert.That(revision, Is.GreaterThanOrEqualTo(newest), "what a client has seen is not unseen");
                    newest = revision;
                    Interlocked.Increment(ref acknowledged);
                }
            }
        })).ToList();
        for (var kill = 0; kill < 5; kill++)
        {
            var before = Interlocked.Read(ref acknowledged);
            await ProcessCluster.EventuallyAsync(() => Task.FromResult(Interlocked.Read(ref acknowledged) > before + 400), "clients get on");
            cluster.Kill(kill % 3);
            cluster.Start(kill % 3);
            await cluster.UntilReadyAsync();
        }
        await ending.CancelAsync();
        await Task.WhenAll(clients);
        await ProcessCluster.EventuallyAsync(
            async () =>
            {
                var states = new HashSet<(long, string?)>();
                for (var member = 0; member < 3; member++)
                {
                    var status = await cluster.TryAsync(HttpMethod.Get, member, "/v1/status");
                    states.Add((status.Number("appliedIndex"), status.Json.GetProperty("stateHash").GetString()));
                }
                return states.Count == 1;
            },
            "equal hashes at an equal index");
    }

    private static Task WriteAsync(ProcessCluster cluster, string prefix, int count) =>
        Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, stop) =>
            await ProcessCluster.EventuallyAsync(
                async () => (await cluster.TryAsync(HttpMethod.Put, i % 3, $"/v1/kv/{prefix}{i}", "x", cancellation: stop)).IsOk, $"{prefix}{i} is written"));
}
