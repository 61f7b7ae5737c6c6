using System.Diagnostics;
using System.Globalization;
using Consensus.Chaos.Clients;
using Consensus.Primitives;
using Consensus.Simulation.Clients;

namespace Consensus.Peers.Trials;

/// <summary>
/// Does a linearizable read on a follower see what was acknowledged before it began? A follower is stopped (SIGSTOP); the leader
/// acknowledges a write, which the other follower has, and
/// is killed; reads are sent to the stopped follower, which goes on (SIGCONT), votes and follows. Each answer must show the write: all that
/// was asked is judged by chaos' checkers.
/// </summary>
internal static class BarrierTrial
{
    private const int Readers = 16;
    private const int ReadsEach = 50;
    private const string Key = "barrier/key";
    private const string Before = "before";
    private const string After = "after";

    /// <summary>An answer that comes later than this is none.</summary>
    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(15);

    public static async Task<TrialResult> RunAsync(TrialSystem system)
    {
        using var cluster = new TrialCluster(system, slow: null);
        await cluster.WaitUntilReadyAsync(0, 1, 2);
        var leader = await cluster.FindLeaderAsync(0, 1, 2);
        var resumed = (leader + 1) % TrialCluster.Size;
        var record = new Record(Revision.Initial);
        using var writer = new TrialClient(record, cluster.UrlOf(leader), TimeSpan.FromSeconds(10));
        if (!await writer.PutAsync(Key, Before))
        {
            throw cluster.Failed("the first write was not acknowledged", leader);
        }
        // The follower has it, and its code for reads is compiled.
        using (var reader = new TrialClient(record, cluster.UrlOf(resumed), ReadLimit))
        {
            for (var i = 0; i < ReadsEach; i++)
            {
                await reader.GetAsync(Key);
            }
        }
        cluster[resumed].Freeze();
        var acknowledged = await writer.PutAsync(Key, After);
        cluster[leader].Kill();
        if (!acknowledged)
        {
            throw cluster.Failed("the write beside a stopped follower was not acknowledged", leader);
        }
        var reading = Enumerable.Range(0, Readers).Select(_ => ReadAsync(cluster, resumed, record)).ToList();
        cluster[resumed].Thaw();
        var results = await Task.WhenAll(reading);
        var (answers, stale) = (results.Sum(result => result.Answers), results.Sum(result => result.Stale));
        if (answers == 0)
        {
            throw cluster.Failed("no read was answered", resumed);
        }
        var missed = string.Create(CultureInfo.InvariantCulture, $"{stale} of {answers} reads missed the write");
        var detail = stale == 0 ? missed : $"{missed}; {await ReadOnAsync(cluster, resumed, record)}";
        return TrialResult.Of(Judgement.Of(record), detail);
    }

    /// <summary>For how long it goes on: a member that never shows the write has lost it, or applies nothing any more.</summary>
    private static async Task<string> ReadOnAsync(TrialCluster cluster, int member, Record record)
    {
        using var client = new TrialClient(record, cluster.UrlOf(member), ReadLimit);
        var began = Stopwatch.GetTimestamp();
        ReadResult? read;
        do
        {
            read = await client.GetAsync(Key);
        }
        while (read?.Value != After && Stopwatch.GetElapsedTime(began) < ReadLimit);
        var ms = (long)Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        return read?.Value == After
            ? string.Create(CultureInfo.InvariantCulture, $"it is shown {ms} ms after them")
            : string.Create(CultureInfo.InvariantCulture, $"{ms} ms later the answer is still \"{read?.Value ?? "no such key"}\"");
    }

    private static async Task<(int Answers, int Stale)> ReadAsync(TrialCluster cluster, int member, Record record)
    {
        using var client = new TrialClient(record, cluster.UrlOf(member), ReadLimit);
        var (answers, stale) = (0, 0);
        for (var i = 0; i < ReadsEach; i++)
        {
            var read = await client.GetAsync(Key);
            answers += read is null ? 0 : 1;
            stale += read is not null && read.Value != After ? 1 : 0;
        }
        return (answers, stale);
    }
}
