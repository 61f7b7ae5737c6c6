using System.Diagnostics;
using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;
using Consensus.Benchmarks.Load;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Scale;

/// <summary>
/// The turns of all members with many keys that are longer than 20 ms, as <c>/metrics</c> tells them (stops of the runtime apart): while the keys are written; while they are written
/// again and members take snapshots of them, so that what a view shares is copied as it is written; and when many leases, one of them with as many keys as a lease may have, expire
/// at once.
/// </summary>
internal sealed class TurnScale(LocalCluster cluster, int count)
{
    private const int Clients = 128;
    private const int Owners = 64;

    /// <summary>Bounds of the server: keys of one lease.</summary>
    private const int MostKeysOfLease = 10_000;

    /// <summary>Long enough to grant them all and to renew each once more, after which they expire within about the same second.</summary>
    private const int TtlSeconds = 120;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(20);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>All members' turns longer than 20 ms, when they were counted last.</summary>
    private double _longBefore;

    public IEnumerable<ScaleFinding> Run()
    {
        KeySpace.UseKeys(count);
        _longBefore = Sum("consensus_turns_long_total");
        Measurer.Fill(cluster, count, Clients, Limit);
        yield return Long($"while {count} keys were written");
        var before = SnapshotIndexes();
        Measurer.Fill(cluster, count, Clients, Limit);
        yield return new ScaleFinding("turns", "members that took a snapshot while all were written again, of 3", SnapshotIndexes().Zip(before).Count(pair => pair.First > pair.Second));
        yield return Long("while they were written again");
        var leases = count / 10;
        Lease(leases);
        yield return Long($"while {leases} leases were granted and renewed");
        var took = AwaitExpiry();
        yield return new ScaleFinding("turns", "seconds until all of them had expired", took.TotalSeconds);
        yield return Long("at their expiry");
        yield return new ScaleFinding("turns", "longest turn since the start, ms", Largest("consensus_turn_longest_seconds") * 1000);
        yield return new ScaleFinding("turns", "most that a turn applied, units of about 1 us", Largest("consensus_turn_most_units"));
        yield return new ScaleFinding("turns", "latest turn since the start, ms after it was due", Largest("consensus_turn_longest_delay_seconds") * 1000);
        yield return new ScaleFinding("turns", "mean turn, us", Sum("consensus_turn_seconds_total") / Sum("consensus_turns_total") * 1e6);
    }

    private ScaleFinding Long(string when)
    {
        var (now, before) = (Sum("consensus_turns_long_total"), _longBefore);
        _longBefore = now;
        return new ScaleFinding("turns", $"turns longer than 20 ms {when}", now - before, "0");
    }

    private double Sum(string metric) => cluster.SumOfMetric(metric) ?? throw new BenchException($"turns: a member does not tell {metric}");

    private double Largest(string metric) => cluster.LargestOfMetric(metric) ?? throw new BenchException($"turns: a member does not tell {metric}");

    private void Lease(int leases)
    {
        var owners = LeaseOwner.Many(cluster, Owners, leases, TtlSeconds);
        Drive(owners.ConvertAll(owner => owner.Granting()));
        var keys = Math.Min(MostKeysOfLease, count);
        var one = new LeaseOwner(cluster.Hosts[0], 1, TtlSeconds);
        Drive([one.Granting()]);
        Drive([.. Enumerable.Range(0, Clients).Select(index => new FillScript(
            new RequestTemplate(
                RequestWriter.Build("PUT", $"/v1/kv/{KeySpace.Gap}?lease={one.Ids[0]}", cluster.Hosts[index % cluster.Hosts.Count], KeySpace.Value), KeySpace.Gap),
            KeySpace.Plain,
            new FillShare(index, Clients, keys)))]);
        owners.Add(one);
        Drive(owners.ConvertAll(owner => owner.Renewing()));
        if (owners.Sum(owner => owner.Dead) is var dead and > 0)
        {
            throw new BenchException(string.Create(CultureInfo.InvariantCulture, $"turns: {dead} leases had expired before all were granted and renewed"));
        }
    }

    private TimeSpan AwaitExpiry()
    {
        var started = Stopwatch.GetTimestamp();
        while (Status(cluster.Hosts[0]).GetProperty("leases").GetInt64() > 0)
        {
            if (Stopwatch.GetElapsedTime(started) > Limit || cluster.FindDeadMember() is not null)
            {
                throw new BenchException(cluster.FindDeadMember() ?? $"turns: leases did not expire within {Limit.TotalMinutes:0} minutes");
            }

            Thread.Sleep(PollInterval);
        }

        return Stopwatch.GetElapsedTime(started);
    }

    private List<long> SnapshotIndexes() => [.. cluster.Hosts.Select(host => Status(host).GetProperty("snapshotIndex").GetInt64())];

    private static System.Text.Json.JsonElement Status(string host) => ControlClient.TryGetJson($"http://{host}/v1/status") ?? throw new BenchException("turns: no status");

    private void Drive(List<IClientScript> scripts)
    {
        using var generator = new LoadGenerator(cluster.Endpoints, scripts);
        var result = generator.Run(TimeSpan.Zero, Limit);
        if (result.Errors > 0)
        {
            throw new BenchException($"turns: {result.Errors} errors; {result.FirstError}");
        }
    }
}
