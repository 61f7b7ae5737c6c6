using System.Diagnostics;
using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;

namespace Consensus.Benchmarks.Scale;

/// <summary>
/// Many leases, each with one of a few hundred owners, which renew theirs in batches every third of the TTL, until every lease has outlived its
/// first deadline. A lease that a renewal finds dead missed its deadline though its owner was in time.
/// </summary>
internal sealed class LeaseScale(LocalCluster cluster, int count)
{
    private const int Owners = 64;
    private const int TtlSeconds = 180;
    private const int Rounds = 4;
    private static readonly TimeSpan RoundLength = TimeSpan.FromSeconds(TtlSeconds / 3.0);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    public IEnumerable<ScaleFinding> Run()
    {
        var owners = LeaseOwner.Many(cluster, Owners, count, TtlSeconds);
        var started = Stopwatch.GetTimestamp();
        Drive(owners.ConvertAll(owner => owner.Granting()));
        var granting = Stopwatch.GetElapsedTime(started);
        Progress.Say(string.Create(CultureInfo.InvariantCulture, $"leases: {count} granted in {granting.TotalSeconds:0.0} s"));
        var busy = new List<double>();
        var cpuBefore = cluster.CpuTime();
        for (var round = 1; round <= Rounds; round++)
        {
            var begin = Stopwatch.GetTimestamp();
            Drive(owners.ConvertAll(owner => owner.Renewing()));
            var took = Stopwatch.GetElapsedTime(begin);
            busy.Add(took.TotalSeconds);
            Progress.Say(string.Create(CultureInfo.InvariantCulture, $"leases: round {round} of {Rounds}: all renewed in {took.TotalSeconds:0.0} s"));
            if (took < RoundLength)
            {
                Thread.Sleep(RoundLength - took);
            }
        }

        var cpu = cluster.CpuTime() - cpuBefore;
        var status = ControlClient.TryGetJson($"http://{cluster.Hosts[0]}/v1/status") ?? throw new BenchException("no status");
        yield return new ScaleFinding("leases", "leases alive at the end", status.GetProperty("leases").GetInt64(), $"all of {count}");
        yield return new ScaleFinding("leases", "leases found dead at a renewal", owners.Sum(owner => owner.Dead), "0");
        yield return new ScaleFinding("leases", "seconds to renew all once (of 60 between)", Statistics.Median(busy));
        yield return new ScaleFinding("leases", "CPU us per renewal, three members", cpu.TotalMicroseconds / ((double)count * Rounds));
        yield return new ScaleFinding("leases", "largest member's RSS, MiB", cluster.LargestResidentBytes() / (1024.0 * 1024.0));
    }

    private void Drive(List<IClientScript> scripts)
    {
        using var generator = new LoadGenerator(cluster.Endpoints, scripts);
        var result = generator.Run(TimeSpan.Zero, Limit);
        if (result.Errors > 0)
        {
            throw new BenchException($"leases: {result.Errors} errors; {result.FirstError}");
        }
    }
}
