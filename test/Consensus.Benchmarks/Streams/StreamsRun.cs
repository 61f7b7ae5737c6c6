using System.Diagnostics;
using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Streams;

/// <summary>
/// Each round twice on fresh clusters, with streams that nobody reads and without: values of 1 MiB and of mixed sizes are written at a
/// steady pace, and holds come and go, while other
/// clients read a key and renew a lease. All of it at the leader, so that everything meets there.
/// </summary>
internal sealed class StreamsRun(BenchOptions options, ClusterFactory factory)
{
    private const int MiB = 1 << 20;
    private const string ProbeKey = "bench/probe";
    private static readonly TimeSpan LargeEvery = TimeSpan.FromMilliseconds(125);
    private static readonly TimeSpan MixedEvery = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan ChurnEvery = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ProbeEvery = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan RefillEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan BeginLimit = TimeSpan.FromSeconds(60);

    public List<StreamsSample> Run()
    {
        var samples = new List<StreamsSample>();
        for (var round = 1; round <= options.Rounds; round++)
        {
            int[] counts = round % 2 == 0 ? [options.Streams, 0] : [0, options.Streams];
            foreach (var count in counts)
            {
                using var cluster = factory.Create("consensus");
                cluster.Start();
                var sample = Measure(cluster, round, count);
                samples.Add(sample);
                Progress.Say(Line(sample));
            }
        }

        return samples;
    }

    /// <summary>On a cluster that has just been started.</summary>
    public StreamsSample Measure(LocalCluster cluster, int round, int count)
    {
        var member = cluster.WaitForLeader();
        var large = new ValueWriter(cluster, member, "large", [MiB], LargeEvery);
        var mixed = new ValueWriter(cluster, member, "mixed", [MiB, 256, 256 * 1024, 4096, 64 * 1024], MixedEvery);
        var churn = new HoldChurn(cluster, member, ChurnEvery);
        var gets = Probe(cluster, member, RequestWriter.Build("GET", "/v1/kv/" + ProbeKey, cluster.Hosts[member]));
        var renewals = Probe(cluster, member, RequestWriter.Build("POST", $"/v1/leases/{churn.LeaseId}/keepalive", cluster.Hosts[member]));
        if (!ControlClient.TryPut($"http://{cluster.Hosts[member]}/v1/kv/{ProbeKey}", "probe"))
        {
            throw new BenchException("streams: the key to be read could not be written");
        }

        List<PacedClient> all = [large.Paced, mixed.Paced, churn.Paced, gets, renewals];
        all.ForEach(client => client.Start());
        WaitForHistory(large);
        using var streams = new UnreadStreams(cluster, member, count, large, churn.LeaseId);
        var before = cluster.MemoryOf(member);
        var (writes, bytes) = (large.Written + mixed.Written, large.WrittenBytes + mixed.WrittenBytes);
        all.ForEach(client => client.Measure());
        var begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds < options.Seconds)
        {
            streams.Fill();
            Thread.Sleep(RefillEvery);
        }

        var (open, after) = (streams.Open, cluster.MemoryOf(member));
        all.ForEach(client => client.End());
        if (cluster.FindDeadMember() is { } dead)
        {
            throw new BenchException(dead);
        }

        return new StreamsSample(
            round,
            count,
            streams.Opened,
            open,
            Stopwatch.GetElapsedTime(begin).TotalSeconds,
            large.Written + mixed.Written - writes,
            (large.WrittenBytes + mixed.WrittenBytes - bytes) / (double)MiB,
            new[] { large.Paced, mixed.Paced, churn.Paced }.Sum(client => client.Sample("").Failed),
            before,
            after,
            [gets.Sample("get"), renewals.Sample("renewal"), large.Paced.Sample("put of 1 MiB")],
            cluster.CountNewElections());
    }

    private static PacedClient Probe(LocalCluster cluster, int member, byte[] request) =>
        new(cluster.Endpoints[member], ProbeEvery, client => client.Exchange(request) == 200);

    private static void WaitForHistory(ValueWriter writer)
    {
        for (var begin = Stopwatch.GetTimestamp(); writer.RevisionBack == 0; Thread.Sleep(20))
        {
            if (Stopwatch.GetElapsedTime(begin) > BeginLimit)
            {
                throw new BenchException($"streams: no values were written within {BeginLimit.TotalSeconds:0} s");
            }
        }
    }

    private static string Line(StreamsSample sample) => string.Create(
        CultureInfo.InvariantCulture,
        $"  round {sample.Round}  {sample.Streams,3} streams  peak {sample.After.Peak / MiB,5} MiB"
        + $"  longest get {sample.Probes[0].MaxMs,7:0.0} ms  longest renewal {sample.Probes[1].MaxMs,7:0.0} ms  {sample.NotDone} not done");
}
