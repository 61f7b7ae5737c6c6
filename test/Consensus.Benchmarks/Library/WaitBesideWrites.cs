using System.Diagnostics;
using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Workloads;
using Consensus.Client;

namespace Consensus.Benchmarks.Library;

/// <summary>
/// One client of the library waits for a lock that another one holds, and writes meanwhile as fast as it can: the place in line must
/// not keep the numbers behind it from being
/// acknowledged.
/// </summary>
internal static class WaitBesideWrites
{
    private const string Waited = "bench/waited";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>The lock is given back after <paramref name="window"/>.</summary>
    public static WaitSample Measure(LocalCluster cluster, int writers, TimeSpan window, int round)
    {
        var sample = MeasureAsync(cluster, writers, window, round).GetAwaiter().GetResult();
        Progress.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"  {sample.Writes} writes beside a wait of {sample.WaitedSeconds:0.0} s, {sample.NotDone} not done, {sample.Numbers} numbers")
            + $" {sample.FirstError}");
        return sample;
    }

    private static async Task<WaitSample> MeasureAsync(LocalCluster cluster, int writers, TimeSpan window, int round)
    {
        List<string> endpoints = [.. cluster.Hosts.Select(host => "http://" + host)];
        using var holder = LibrarySpeaker.New(endpoints, 0);
        using var client = LibrarySpeaker.New(endpoints, 1 % endpoints.Count);
        using var api = new ConsensusApiClient(LibrarySpeaker.Options(endpoints, 0));
        await using var held = await holder.AcquireLockAsync(Waited);
        var session = await OpenSessionAsync(client, api);
        var before = await SessionAsync(api, session);
        var refused = cluster.RefusedRequests();

        var begin = Stopwatch.GetTimestamp();
        var wait = client.AcquireLockAsync(Waited, timeout: window + Limit);
        using var end = new CancellationTokenSource(window);
        var counts = await Task.WhenAll(
            Enumerable.Range(0, writers).Select(writer => Task.Run(() => WriteAsync(client, writer, end.Token))));
        var seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        var wasWaiting = !wait.IsCompleted;
        var after = await SessionAsync(api, session);

        await held.ReleaseAsync();
        await using var granted = await wait;
        return new WaitSample(
            round,
            writers,
            seconds,
            counts.Sum(count => count.Done),
            counts.Sum(count => count.NotDone),
            counts.Select(count => count.FirstError).FirstOrDefault(error => error is not null),
            after.Seq - before.Seq,
            after.Seq - after.Acked,
            Stopwatch.GetElapsedTime(begin).TotalSeconds,
            wasWaiting && granted.IsHeld && granted.Lease == session,
            cluster.RefusedRequests() - refused);
    }

    private static async Task<(long Done, long NotDone, string? FirstError)> WriteAsync(
        ConsensusClient client, int writer, CancellationToken end)
    {
        var (done, notDone, firstError) = (0L, 0L, (string?)null);
        var value = Encoding.ASCII.GetBytes(KeySpace.Value);
        var random = new Random(writer + 1);
        do
        {
            try
            {
                await client.PutAsync(KeySpace.Key(random.Next(KeySpace.Count)), value, cancellationToken: CancellationToken.None);
                done++;
            }
            catch (ConsensusException error)
            {
                notDone++;
                firstError ??= error.Message;
            }
        }
        while (!end.IsCancellationRequested);

        return (done, notDone, firstError);
    }

    /// <summary>A client opens its session in the background: whatever is held once it stands names it as its lease.</summary>
    private static async Task<string> OpenSessionAsync(ConsensusClient client, ConsensusApiClient api)
    {
        for (var begin = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begin) < Limit;)
        {
            await using var probe = await client.AcquireLockAsync("bench/session-probe");
            var lease = await api.GetLeaseAsync(probe.Lease, CancellationToken.None);
            if (lease.Value?.Session is not null)
            {
                return probe.Lease;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }

        throw new BenchException($"the client opened no session within {Limit.TotalSeconds:0} s");
    }

    private static async Task<(long Seq, long Acked)> SessionAsync(ConsensusApiClient api, string session)
    {
        var lease = await api.GetLeaseAsync(session, CancellationToken.None);
        return lease.Value?.Session is { } numbers
            ? (numbers.Seq, numbers.Acked)
            : throw new BenchException($"the session {session} is not there any more");
    }
}
