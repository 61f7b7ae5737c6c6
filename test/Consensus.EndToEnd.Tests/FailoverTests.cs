using System.Net;
using Consensus.EndToEnd.Tests.Processes;

namespace Consensus.EndToEnd.Tests;

/// <summary>Real processes that are killed with -9, stopped and restarted while clients work.</summary>
[NonParallelizable]
public sealed class FailoverTests
{
    [Test]
    public async Task No_acknowledged_increment_is_lost_or_doubled_while_leaders_are_killed()
    {
        await using var cluster = await ProcessCluster.StartAsync(3);
        Assert.That((await cluster.TryAsync(HttpMethod.Put, 0, "/v1/kv/counter", "0")).IsOk);
        using var ending = new CancellationTokenSource();
        long acknowledged = 0, unknown = 0;
        var clients = Enumerable.Range(0, 6).Select(i => Task.Run(async () =>
        {
            while (!ending.IsCancellationRequested)
            {
                var read = await cluster.TryAsync(HttpMethod.Get, i % 3, "/v1/kv/counter");
                if (!read.IsOk)
                {
                    continue;
                }
                var next = long.Parse(read.Json.GetProperty("value").GetString()!, System.Globalization.CultureInfo.InvariantCulture) + 1;
                var written = await cluster.TryAsync(HttpMethod.Put, i % 3, "/v1/kv/counter", $"{next}", $"\"{read.Number("modRevision")}\"");
                if (written.IsOk)
                {
                    Interlocked.Increment(ref acknowledged);
                }
                else if (written.Status is 0 or HttpStatusCode.GatewayTimeout)
                {
                    Interlocked.Increment(ref unknown);
                }
            }
        })).ToList();
        for (var kill = 0; kill < 3; kill++)
        {
            var before = Interlocked.Read(ref acknowledged);
            await ProcessCluster.EventuallyAsync(() => Task.FromResult(Interlocked.Read(ref acknowledged) > before + 50), "clients get on");
            var leader = await cluster.LeaderAsync();
            cluster.Kill(leader);
            before = Interlocked.Read(ref acknowledged);
            await ProcessCluster.EventuallyAsync(() => Task.FromResult(Interlocked.Read(ref acknowledged) > before + 20), "clients get on without it");
            cluster.Start(leader);
            await cluster.UntilReadyAsync();
        }
        await ending.CancelAsync();
        await Task.WhenAll(clients);
        var final = await cluster.TryAsync(HttpMethod.Get, 1, "/v1/kv/counter");
        var value = long.Parse(final.Json.GetProperty("value").GetString()!, System.Globalization.CultureInfo.InvariantCulture);
        Assert.That(value, Is.InRange(acknowledged, acknowledged + unknown), $"{acknowledged} acknowledged, {unknown} unknown");
        Assert.That(final.Number("version"), Is.EqualTo(value + 1), "every version is one increment");
    }

    [Test]
    public async Task A_lock_that_is_handed_around_has_one_holder_and_rising_tokens_while_leaders_are_killed()
    {
        await using var cluster = await ProcessCluster.StartAsync(3);
        using var ending = new CancellationTokenSource();
        var holders = 0;
        long lastToken = 0, grants = 0;
        var faults = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var clients = Enumerable.Range(0, 6).Select(i => Task.Run(async () =>
        {
            while (!ending.IsCancellationRequested)
            {
                // A hold whose answer was lost stops everybody until its lease ends; what is done under it takes no such time.
                var granted = await cluster.TryAsync(HttpMethod.Post, i % 3, "/v1/locks/baton", $$"""{"owner":"c{{i}}","ttl":"30s","wait":"15s"}""");
                if (!granted.IsOk)
                {
                    continue;
                }
                if (Interlocked.Increment(ref holders) != 1)
                {
                    faults.Enqueue("two holders at once");
                }
                var token = granted.Number("fencingToken");
                if (Interlocked.Exchange(ref lastToken, token) >= token)
                {
                    faults.Enqueue($"token {token} is not above the one before");
                }
                Interlocked.Increment(ref grants);
                await cluster.TryAsync(HttpMethod.Put, i % 3, "/v1/kv/work", $"{token}");
                Interlocked.Decrement(ref holders);
                for (var tries = 0; tries < 20; tries++)
                {
                    var released = await cluster.TryAsync(HttpMethod.Delete, (i + tries) % 3, $"/v1/locks/baton?fencingToken={token}");
                    if (released.IsOk || released.Status == HttpStatusCode.PreconditionFailed)
                    {
                        break;
                    }
                }
            }
        })).ToList();
        for (var kill = 0; kill < 2; kill++)
        {
            var before = Interlocked.Read(ref grants);
            await ProcessCluster.EventuallyAsync(() => Task.FromResult(Interlocked.Read(ref grants) > before + 30), "the lock goes around");
            var leader = await cluster.LeaderAsync();
            cluster.Kill(leader);
            before = Interlocked.Read(ref grants);
            await ProcessCluster.EventuallyAsync(() => Task.FromResult(Interlocked.Read(ref grants) > before + 10), "it goes around without the old leader");
            cluster.Start(leader);
            await cluster.UntilReadyAsync();
        }
        await ending.CancelAsync();
        await Task.WhenAll(clients);
        Assert.That(faults, Is.Empty);
    }

    [Test]
    public async Task A_failover_neither_shortens_nor_resets_a_lease_and_renewals_go_on()
    {
        const long TtlMs = 20 * 60_000;
        await using var cluster = await ProcessCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        var other = (leader + 1) % 3;
        var granted = await cluster.TryAsync(HttpMethod.Post, other, "/v1/locks/job", """{"owner":"me","ttl":"20m"}""");
        Assert.That(granted.IsOk);
        var token = granted.Number("fencingToken");
        var lastLeft = TtlMs;
        cluster.Kill(leader);
        await ProcessCluster.EventuallyAsync(
            async () =>
            {
                var shown = await cluster.TryAsync(HttpMethod.Get, other, "/v1/locks/job");
                if (!shown.IsOk)
                {
                    return false;
                }
                var holder = shown.Json.GetProperty("holders")[0];
                Assert.That(holder.GetProperty("fencingToken").GetInt64(), Is.EqualTo(token));
                var left = holder.GetProperty("expiresInMs").GetInt64();
                Assert.That(left, Is.LessThanOrEqualTo(lastLeft), "it is never set back to the full time");
                lastLeft = left;
                return left < TtlMs;
            },
            "the lease runs on under the new leader");
        Assert.That(lastLeft, Is.GreaterThan(TtlMs / 2), "nor shortened: nothing here is waited for as long as that");
        var renewed = await cluster.TryAsync(HttpMethod.Put, other, "/v1/locks/job", $$"""{"fencingToken":{{token}}}""");
        Assert.That(renewed.IsOk);
        Assert.That((await cluster.TryAsync(HttpMethod.Delete, other, $"/v1/locks/job?fencingToken={token}")).Status, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [Test]
    public async Task What_was_acknowledged_survives_the_kill_of_all_members()
    {
        await using var cluster = await ProcessCluster.StartAsync(3);
        for (var i = 0; i < 60; i++)
        {
            Assert.That((await cluster.TryAsync(HttpMethod.Put, i % 3, $"/v1/kv/k{i}", $"v{i}")).IsOk);
        }
        var granted = await cluster.TryAsync(HttpMethod.Post, 0, "/v1/locks/job", """{"owner":"me","ttl":"5m"}""");
        for (var i = 0; i < 3; i++)
        {
            cluster.Kill(i);
        }
        for (var i = 0; i < 3; i++)
        {
            cluster.Start(i);
        }
        await cluster.UntilReadyAsync();
        for (var i = 0; i < 60; i++)
        {
            var read = await cluster.TryAsync(HttpMethod.Get, (i + 1) % 3, $"/v1/kv/k{i}");
            Assert.That(read.Json.GetProperty("value").GetString(), Is.EqualTo($"v{i}"));
        }
        var shown = await cluster.TryAsync(HttpMethod.Get, 2, "/v1/locks/job");
        Assert.That(shown.Json.GetProperty("holders")[0].GetProperty("fencingToken").GetInt64(), Is.EqualTo(granted.Number("fencingToken")));
    }

    [Test]
    public async Task A_leader_that_was_paused_follows_the_new_one_and_reads_the_newest_value()
    {
        await using var cluster = await ProcessCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        var other = (leader + 1) % 3;
        Assert.That((await cluster.TryAsync(HttpMethod.Put, leader, "/v1/kv/a", "old")).IsOk);
        cluster.Process(leader).Signal(19);
        await cluster.UntilWrittenAsync(other, "/v1/kv/a", "new");
        cluster.Process(leader).Signal(18);
        var read = await cluster.TryAsync(HttpMethod.Get, leader, "/v1/kv/a");
        Assert.That(!read.IsOk || read.Json.GetProperty("value").GetString() == "new", "a linearizable read never shows the old value again");
        await cluster.UntilReadyAsync();
        Assert.That((await cluster.TryAsync(HttpMethod.Get, leader, "/v1/kv/a")).Json.GetProperty("value").GetString(), Is.EqualTo("new"));
    }

    [Test]
    public async Task A_rolling_restart_loses_no_lock()
    {
        await using var cluster = await ProcessCluster.StartAsync(3);
        var tokens = new List<long>();
        for (var i = 0; i < 5; i++)
        {
            tokens.Add((await cluster.TryAsync(HttpMethod.Post, i % 3, $"/v1/locks/l{i}", """{"owner":"me","ttl":"10m"}""")).Number("fencingToken"));
        }
        for (var member = 0; member < 3; member++)
        {
            await cluster.StopAsync(member);
            var other = (member + 1) % 3;
            for (var i = 0; i < 5; i++)
            {
                var (path, hold) = ($"/v1/locks/l{i}", $$"""{"fencingToken":{{tokens[i]}}}""");
                var renewed = default(Answer);
                await ProcessCluster.EventuallyAsync(
                    async () => (renewed = await cluster.TryAsync(HttpMethod.Put, other, path, hold)).Status is not (0 or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout),
                    "somebody leads");
                Assert.That(renewed.IsOk, $"l{i} without n{member + 1}: {renewed}");
            }
            cluster.Start(member);
            await cluster.UntilReadyAsync();
        }
    }
}
