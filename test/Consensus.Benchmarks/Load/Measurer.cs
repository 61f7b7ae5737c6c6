using System.Diagnostics;
using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Load;

/// <summary>Puts one workload on one cluster and samples its servers at the edges of the window.</summary>
internal static class Measurer
{
    private const int FillingClients = 64;
    private static readonly TimeSpan FillLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RehearsalOfAll = TimeSpan.FromSeconds(24);
    private static readonly TimeSpan ShortestRehearsal = TimeSpan.FromSeconds(4);
    private static int _runs;

    /// <summary>Writes every key that puts and gets draw from.</summary>
    public static void Fill(LocalCluster cluster) => Fill(cluster, KeySpace.Count, FillingClients, FillLimit);

    /// <summary>Writes the keys in order, and anew from the first behind the last, until so many puts are acknowledged.</summary>
    public static LoadResult Fill(LocalCluster cluster, int puts, int clients, TimeSpan limit)
    {
        var scripts = Enumerable.Range(0, clients)
            .Select(index => cluster.Scripts.Fill(Seat(cluster, index, "fill", new HolderWitness()), new FillShare(index, clients, puts)))
            .ToList();
        using var generator = new LoadGenerator(cluster.Endpoints, scripts, cluster.Tls);
        var result = generator.Run(TimeSpan.Zero, limit);
        return result.Errors == 0 && result.Operations == puts
            ? result
            : throw new BenchException($"{cluster.Name}: wrote {result.Operations} of {puts} values, {result.Errors} errors; {result.FirstError}");
    }

    /// <summary>
    /// Some seconds of each workload, unmeasured, so that a freshly started server has compiled and grown what it needs. After three seconds of puts a member
    /// still took nearly twice the CPU time for each that it took after ten.
    /// </summary>
    public static void Rehearse(LocalCluster cluster, IReadOnlyCollection<Workload> workloads)
    {
        var length = RehearsalOfAll / workloads.Count;
        foreach (var workload in workloads)
        {
            Rehearse(cluster, workload, length > ShortestRehearsal ? length : ShortestRehearsal);
        }
    }

    private static void Rehearse(LocalCluster cluster, Workload workload, TimeSpan length)
    {
        using var generator = new LoadGenerator(cluster.Endpoints, Scripts(cluster, workload, FillingClients), cluster.Tls);
        var result = generator.Run(TimeSpan.Zero, length);
        if (result.Operations == 0)
        {
            throw new BenchException($"{cluster.Name}: {WorkloadNames.NameOf(workload)} does not work: {result.FirstError}");
        }
    }

    public static Measurement Measure(LocalCluster cluster, Workload workload, int clients, int round, TimeSpan warmUp, TimeSpan window) =>
        Measure(cluster, cluster.Name, workload, Scripts(cluster, workload, clients), round, warmUp, window);

    /// <summary>As the other, of a workload in other words than the usual ones.</summary>
    /// <param name="system">The name in tables and results.</param>
    public static Measurement Measure(
        LocalCluster cluster,
        string system,
        Workload workload,
        IReadOnlyList<IClientScript> scripts,
        int round,
        TimeSpan warmUp,
        TimeSpan window)
    {
        var cpuBefore = TimeSpan.Zero;
        var cpu = TimeSpan.Zero;
        var resident = 0L;
        var diskBefore = 0L;
        var disk = 0L;
        var countersBefore = Counters.Of(cluster);
        var started = Stopwatch.GetTimestamp();
        using var generator = new LoadGenerator(cluster.Endpoints, scripts, cluster.Tls);
        var result = generator.Run(
            warmUp,
            window,
            () =>
            {
                cpuBefore = cluster.CpuTime();
                diskBefore = MachineDisks.BytesWritten();
            },
            () =>
            {
                cpu = cluster.CpuTime() - cpuBefore;
                disk = MachineDisks.BytesWritten() - diskBefore;
                resident = cluster.ResidentBytes();
            });
        if (cluster.FindDeadMember() is { } dead)
        {
            throw new BenchException(dead);
        }

        var length = Stopwatch.GetElapsedTime(started);
        var counters = Counters.Of(cluster).Since(countersBefore);
        return Describe(system, WorkloadNames.NameOf(workload), scripts.Count, round, result, cpu, resident) with
        {
            Nodes = cluster.Size,
            ValueBytes = KeySpace.ValueBytes,
            Elections = cluster.CountNewElections(),
            DiskBytesPerOperation = result.Operations > 0 ? (double)disk / result.Operations : null,
            FlushesPerOperation = result.AllOperations > 0 ? counters.Flushes / result.AllOperations : null,
            AllocatedBytesPerOperation = result.AllOperations > 0 ? counters.AllocatedBytes / result.AllOperations : null,
            PausedShare = counters.PausedSeconds / cluster.Size / length.TotalSeconds,
        };
    }

    public static Measurement Describe(
        string system,
        string workload,
        int clients,
        int round,
        LoadResult result,
        TimeSpan cpu,
        long resident)
    {
        var latency = result.Latency.Correct();
        return new Measurement(
            system,
            workload,
            clients,
            round,
            result.Window.TotalSeconds,
            result.Operations,
            result.Operations > 0 ? result.Operations / result.Window.TotalSeconds : 0,
            result.Latency.Percentile(0.5).TotalMilliseconds,
            latency.At(0.99).TotalMilliseconds,
            latency.At(0.999).TotalMilliseconds,
            result.Latency.Max.TotalMilliseconds,
            result.Operations > 0 ? cpu.TotalMicroseconds / result.Operations : null,
            resident / (1024.0 * 1024.0),
            result.Operations > 0 ? result.GeneratorCpu.TotalMicroseconds / result.Operations : null,
            result.Errors,
            result.FirstError,
            Elections: 0)
        {
            AllOperations = result.AllOperations,
            SentP99Ms = result.Latency.Percentile(0.99).TotalMilliseconds,
            SentP999Ms = result.Latency.Percentile(0.999).TotalMilliseconds,
        };
    }

    private static List<IClientScript> Scripts(LocalCluster cluster, Workload workload, int clients)
    {
        var witness = new HolderWitness();
        var run = string.Create(CultureInfo.InvariantCulture, $"run-{Interlocked.Increment(ref _runs)}");
        return [.. Enumerable.Range(0, clients).Select(index => cluster.Scripts.Create(workload, Seat(cluster, index, run, witness)))];
    }

    private static ClientSeat Seat(LocalCluster cluster, int index, string run, HolderWitness witness) =>
        new(cluster.Hosts[index % cluster.Hosts.Count], index, run, witness);

    /// <summary>What the members count themselves, summed: read before and after a measurement, its warm-up and its end included.</summary>
    private readonly record struct Counters(double? Flushes, double? AllocatedBytes, double? PausedSeconds)
    {
        public static Counters Of(LocalCluster cluster) => new(
            cluster.SumOfMetric(cluster.FlushMetric),
            cluster.SumOfMetric("dotnet_gc_allocated_bytes_total"),
            cluster.SumOfMetric("dotnet_gc_pause_seconds_total"));

        public Counters Since(Counters before) =>
            new(Flushes - before.Flushes, AllocatedBytes - before.AllocatedBytes, PausedSeconds - before.PausedSeconds);
    }
}
