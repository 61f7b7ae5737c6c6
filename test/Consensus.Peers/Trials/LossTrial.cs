using System.Collections.Concurrent;
using System.Globalization;
using Consensus.Chaos.Clients;
using Consensus.Primitives;

namespace Consensus.Peers.Trials;

/// <summary>
/// Is what was acknowledged lost? One follower is down, clients write, the other follower and the leader are killed within some 20 ms of
/// each other, and both followers start again: a
/// majority, one of which had acknowledged. Every acknowledged key must be there: all that was asked is judged by chaos' checkers.
/// </summary>
internal static class LossTrial
{
    private const int Writers = 8;
    private const int Readers = 16;
    private const string Value = "written";

    /// <summary>Some hundred writes, and the runtimes have compiled what they run.</summary>
    private static readonly TimeSpan Writing = TimeSpan.FromSeconds(1.5);

    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BetweenKills = TimeSpan.FromMilliseconds(15);
    private static readonly TimeSpan BetweenProbes = TimeSpan.FromMilliseconds(50);

    /// <param name="slow">For the follower that goes on: each of its flushes takes 50 ms longer. Null: none does.</param>
    public static async Task<TrialResult> RunAsync(TrialSystem system, SlowSync? slow)
    {
        using var cluster = new TrialCluster(system, slow);
        await cluster.WaitUntilReadyAsync(0, 1, 2);
        var leader = await cluster.FindLeaderAsync(0, 1, 2);
        var (follower, down) = ((leader + 1) % TrialCluster.Size, (leader + 2) % TrialCluster.Size);
        cluster[down].Kill();
        if (slow is not null)
        {
            cluster.SlowDown(follower);
        }
        var record = new Record(Revision.Initial);
        var acknowledged = new ConcurrentQueue<string>();
        using (var stop = new CancellationTokenSource())
        {
            var writing = Enumerable.Range(0, Writers)
                .Select(writer => WriteAsync(cluster, leader, writer, record, acknowledged, stop.Token))
                .ToList();
            await Task.Delay(Writing);
            cluster[follower].Kill();
            await Task.Delay(BetweenKills);
            cluster[leader].Kill();
            await stop.CancelAsync();
            await Task.WhenAll(writing);
        }
        if (acknowledged.IsEmpty)
        {
            throw cluster.Failed("no write was acknowledged before the kills", leader);
        }
        cluster.Start(follower);
        cluster.Start(down);
        await cluster.WaitUntilReadyAsync(follower, down);
        var lost = await CountMissingAsync(cluster, follower, record, acknowledged);
        return ResultOf(Judgement.Of(record), lost, acknowledged.Count, slow is null ? null : cluster.DelayedFlushes(follower));
    }

    /// <param name="delayed">Flushes that took longer; null where none was to.</param>
    /// <exception cref="TrialFailedException">Some were to, and none did: that was another trial.</exception>
    public static TrialResult ResultOf(Judgement judgement, int lost, int acknowledged, long? delayed)
    {
        if (delayed == 0 && !judgement.IsBroken)
        {
            throw new TrialFailedException("no flush was delayed: the preloaded library does not see those of this system");
        }
        var counted = string.Create(CultureInfo.InvariantCulture, $"{lost} of {acknowledged} acknowledged writes lost");
        counted += judgement.IsBroken && lost == 0 ? " (some read missed a write that a later one showed)" : "";
        return TrialResult.Of(judgement, delayed is null
            ? counted
            : string.Create(CultureInfo.InvariantCulture, $"{counted}, {delayed} flushes delayed"));
    }

    private static async Task WriteAsync(
        TrialCluster cluster, int leader, int writer, Record record, ConcurrentQueue<string> acknowledged, CancellationToken stop)
    {
        using var client = new TrialClient(record, cluster.UrlOf(leader), TimeSpan.FromSeconds(2));
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            var key = string.Create(CultureInfo.InvariantCulture, $"loss/{writer}-{number}");
            if (await client.PutAsync(key, Value))
            {
                acknowledged.Enqueue(key);
            }
        }
    }

    private static async Task<int> CountMissingAsync(TrialCluster cluster, int member, Record record, IEnumerable<string> keys)
    {
        // What is only not shown yet is not lost: a write of the new term makes all before it known, and what is missed then is read again.
        await ReadBackAsync(cluster, member);
        using var client = new TrialClient(record, cluster.UrlOf(member), ReadLimit);
        var missing = 0;
        await Parallel.ForEachAsync(keys, new ParallelOptions { MaxDegreeOfParallelism = Readers }, async (key, _) =>
        {
            var read = await client.GetAsync(key);
            for (var attempt = 0; read is null && attempt < 20; attempt++)
            {
                read = await client.GetAsync(key);
            }
            if (read is null)
            {
                throw cluster.Failed("a read is not answered after the restart", member);
            }
            if (read.Value != Value && (await client.GetAsync(key)) is { Value: not Value })
            {
                Interlocked.Increment(ref missing);
            }
        });
        return missing;
    }

    /// <summary>No part of the history: until then a member may not have what it is asked for.</summary>
    private static async Task ReadBackAsync(TrialCluster cluster, int member)
    {
        const string Probe = "loss/probe";
        using var client = new TrialClient(new Record(Revision.Initial), cluster.UrlOf(member), ReadLimit);
        for (var attempt = 0; attempt < 100; attempt++)
        {
            if (await client.PutAsync(Probe, Value) && (await client.GetAsync(Probe))?.Value == Value)
            {
                return;
            }
            await Task.Delay(BetweenProbes);
        }
        throw cluster.Failed("a write is not acknowledged, or not read, after the restart", member);
    }
}
