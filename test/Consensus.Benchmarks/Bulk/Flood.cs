using System.Diagnostics;
using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Clusters;

namespace Consensus.Benchmarks.Bulk;

/// <summary>Clients that put values, each into a key of its own, one after the other. One that is refused asks again after a pause that is far shorter than the one that it is told.</summary>
/// <param name="prefix">Of their keys.</param>
internal sealed class Flood(LocalCluster cluster, int clients, int valueBytes, string prefix)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan PauseAfterRefusal = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly List<double> _times = [];
    private readonly SortedDictionary<int, long> _byStatus = [];
    private readonly List<Thread> _threads = [];
    private double _longestRefusedMs;
    private volatile bool _ending;

    public void Start()
    {
        for (var i = 0; i < clients; i++)
        {
            var client = i;
            var thread = new Thread(() => Put(client)) { IsBackground = true };
            _threads.Add(thread);
            thread.Start();
        }
    }

    public void End()
    {
        _ending = true;
        _threads.ForEach(thread => thread.Join());
    }

    /// <summary>After the end.</summary>
    public FloodSample Sample() => new(
        clients, valueBytes, _byStatus, Statistics.Median(_times), _times.DefaultIfEmpty(double.NaN).Max(), _longestRefusedMs);

    private void Put(int client)
    {
        using var connection = new BlockingClient(cluster.Endpoints[client % cluster.Size], Limit);
        var head = Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"PUT /v1/kv/{prefix}/{client} HTTP/1.1\r\nHost: {cluster.Hosts[client % cluster.Size]}\r\nContent-Length: {valueBytes}\r\n\r\n"));
        var request = new byte[head.Length + valueBytes];
        head.CopyTo(request, 0);
        new Random(client).NextBytes(request.AsSpan(head.Length));
        while (!_ending)
        {
            var started = Stopwatch.GetTimestamp();
            var status = connection.Exchange(request);
            Count(status, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            if (status != 200)
            {
                Thread.Sleep(PauseAfterRefusal);
            }
        }
    }

    private void Count(int status, double milliseconds)
    {
        lock (_gate)
        {
            _byStatus[status] = _byStatus.GetValueOrDefault(status) + 1;
            if (status == 200)
            {
                _times.Add(milliseconds);
            }
            else
            {
                _longestRefusedMs = Math.Max(_longestRefusedMs, milliseconds);
            }
        }
    }
}
