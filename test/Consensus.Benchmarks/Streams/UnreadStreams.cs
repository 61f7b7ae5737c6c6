using System.Diagnostics;
using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;
using Consensus.Benchmarks.Watch;

namespace Consensus.Benchmarks.Streams;

/// <summary>
/// Event streams of all kinds at one member, of which nothing is read once they are open: of keys, of keys from some way back, of a
/// lock, of an election, of a lease. The member may cut
/// off who takes nothing; another one is opened for each.
/// </summary>
internal sealed class UnreadStreams(LocalCluster cluster, int member, int count, ValueWriter writer, string lease) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly byte[] Marker = "id: "u8.ToArray();

    private readonly List<EventStream> _streams = [];

    /// <summary>All that were opened so far.</summary>
    public int Opened => _streams.Count;

    /// <summary>As the member counts them.</summary>
    public long Open => (long)(ControlClient.TryGetMetric($"http://{cluster.Hosts[member]}/metrics", "consensus_watches")
        ?? throw new BenchException($"streams: {cluster.Hosts[member]} does not tell its streams"));

    /// <summary>Opens as many as there are too few, and waits until the member says of each that it is open.</summary>
    public void Fill()
    {
        for (var missing = count - Open; missing > 0; missing--)
        {
            var path = (_streams.Count % 5) switch
            {
                0 => $"/v1/kv/?prefix={ValueWriter.Prefix}",
                1 => string.Create(CultureInfo.InvariantCulture, $"/v1/kv/?prefix={ValueWriter.Prefix}&fromRevision={writer.RevisionBack}"),
                2 => HoldChurn.LockPath,
                3 => HoldChurn.ElectionPath,
                _ => "/v1/leases/" + lease,
            };
            OpenOne(RequestWriter.Build("GET", path, cluster.Hosts[member], headers: "Accept: text/event-stream\r\n"));
        }
    }

    public void Dispose() => _streams.ForEach(stream => stream.Dispose());

    private void OpenOne(byte[] request)
    {
        var stream = new EventStream(cluster.Endpoints[member], request, Marker);
        _streams.Add(stream);
        using var poll = new EventPoll();
        stream.Register(poll, 0);
        for (var begin = Stopwatch.GetTimestamp(); stream.LastId == 0;)
        {
            if (Stopwatch.GetElapsedTime(begin) > Limit)
            {
                throw new BenchException($"streams: one was not opened within {Limit.TotalSeconds:0} s");
            }

            if (poll.Wait(100) > 0)
            {
                stream.Read();
            }
        }
    }
}
