using System.Diagnostics;
using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;
using Consensus.Benchmarks.Load;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Scale;

/// <summary>
/// The longest turn of any member with many keys, as its <c>/metrics</c> tells it (stops of the runtime apart): while they are written; while they are written again and members take
/// snapshots of them, so that what a view shares is copied as it is written; and when many leases, one of them with as many keys as a lease may have, expire at once.
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

    public IEnumerable<ScaleFinding> Run()
    {
        KeySpace.UseKeys(count);
        Measurer.Fill(cluster, count, Clients, Limit);
        yield return Longest($"while {count} keys were written");
        var before = SnapshotIndexes();
        Measurer.Fill(cluster, count, Clients, Limit);
        yield return new ScaleFinding("turns", "members that took a snapshot while all were written again, of 3", SnapshotIndexes().Zip(before).Count(pair => pair.First > pair.Second));
        yield return Longest("while they were written again");
        var leases = count / 10;
        Lease(leases);
        yield return Longest($"while {leases} leases were granted and renewed");
        var took = AwaitExpiry();
        yield return new ScaleFinding("turns", "seconds until all of them had expired", took.TotalSeconds);
        yield return Longest("at their expiry, and over all", "under 20");
        yield return new ScaleFinding("turns", "latest turn, ms after it was due, over all", (cluster.LargestOfMetric("consensus_turn_longest_delay_seconds") ?? double.NaN) * 1000);
        yield return new ScaleFinding(
            "turns", "mean turn, us", (cluster.SumOfMetric("consensus_turn_seconds_total") / cluster.SumOfMetric("consensus_turns_total") * 1e6) ?? double.NaN);
    }

    /// <summary>Since the start, so it never falls.</summary>
    private ScaleFinding Longest(string when, string goal = "") => new(
        "turns",
        $"longest turn {when}, ms",
        (cluster.LargestOfMetric("consensus_turn_longest_seconds") ?? throw new BenchException("turns: the members do not tell their longest turn")) * 1000,
        goal);

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
