using System.Diagnostics;
using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Load;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Restart;

/// <summary>
/// kill -9 of all members at once, with much log behind their snapshots, and their start all together: how long until each is ready, until a write is acknowledged, and in how many
/// new terms. Before each round the log grows by as many puts, so that a snapshot may be anywhere behind its end.
/// </summary>
internal sealed class RestartRun(BenchOptions options, ClusterFactory factory)
{
    private const int Clients = 64;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan GiveUp = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(5);

    public List<RestartSample> Run()
    {
        KeySpace.UseKeys(options.Keys);
        using var cluster = factory.CreateWithSnapshotsByBytes();
        cluster.Start();
        return [.. Enumerable.Range(1, options.Kills).Select(round => Measure(cluster, round))];
    }

    public static string Report(IReadOnlyList<RestartSample> samples)
    {
        var table = new Table("round", "log MiB", "all ready ms", "first write ms", "write after ready ms", "new terms");
        foreach (var sample in samples)
        {
            table.Add(
                sample.Round.ToString(CultureInfo.InvariantCulture),
                Table.Number(sample.LogBytes / (1024 * 1024)),
                Table.Number(sample.SlowestReadyMs),
                Table.Number(sample.WriteMs),
                Table.Number(sample.WriteAfterReadyMs),
                sample.Elections.ToString(CultureInfo.InvariantCulture));
        }

        return table.ToString();
    }

    private RestartSample Measure(LocalCluster cluster, int round)
    {
        Measurer.Fill(cluster, options.Puts, Clients, Limit);
        Thread.Sleep(Settling);
        var logBytes = cluster.LargestOfMetric("consensus_log_bytes") ?? throw new BenchException("the members do not tell the size of their log");
        cluster.CountNewElections();
        foreach (var member in Enumerable.Range(0, cluster.Size))
        {
            cluster.KillMember(member);
        }

        foreach (var member in Enumerable.Range(0, cluster.Size))
        {
            cluster.WaitUntilGone(member);
        }

        var begin = Stopwatch.GetTimestamp();
        foreach (var member in Enumerable.Range(0, cluster.Size))
        {
            cluster.StartMember(member);
        }

        var (ready, write) = Await(cluster, begin);
        var sample = new RestartSample(round, logBytes, ready, write, Math.Max(0, write - ready), cluster.CountNewElections());
        Progress.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"  restart {round,3}  log {sample.LogBytes / (1024 * 1024),5:0.0} MiB  ready {sample.SlowestReadyMs,6:0} ms  write {sample.WriteMs,6:0} ms  {sample.Elections} terms"));
        return sample;
    }

    /// <summary>Milliseconds until each was seen ready, and until a put was acknowledged by whichever member was asked.</summary>
    private static (double Ready, double Write) Await(LocalCluster cluster, long begin)
    {
        var isReady = new bool[cluster.Size];
        double? ready = null, write = null;
        for (var turn = 0; ready is null || write is null; turn++)
        {
            if (Stopwatch.GetElapsedTime(begin) > GiveUp || cluster.FindDeadMember() is not null)
            {
                throw new BenchException(cluster.FindDeadMember() ?? $"no write, or not all ready, within {GiveUp.TotalSeconds:0} s");
            }

            var member = turn % cluster.Size;
            if (write is null && ControlClient.TryPut($"http://{cluster.Hosts[member]}/v1/kv/bench/restart", "x"))
            {
                write = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            }

            isReady[member] = isReady[member] || ControlClient.IsSuccess($"http://{cluster.Hosts[member]}/readyz");
            if (ready is null && Array.TrueForAll(isReady, one => one))
            {
                ready = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            }

            Thread.Sleep(PollInterval);
        }

        return (ready.Value, write.Value);
    }
}
