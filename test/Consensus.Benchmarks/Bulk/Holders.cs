using System.Diagnostics;
using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Bulk;

/// <summary>
/// Holders of locks that renew theirs every fifth of the TTL. A renewal is counted from the time at which it was due, so that one that waits behind an earlier one is as late as it
/// is. Whoever lost a lock takes it again, and is counted.
/// </summary>
internal sealed class Holders(LocalCluster cluster, int count, TimeSpan ttl)
{
    private readonly TimeSpan _interval = ttl / 5;
    private readonly List<Thread> _threads = [];
    private readonly CountdownEvent _held = new(count);
    private readonly Lock _gate = new();
    private readonly List<double> _times = [];
    private int _lost;
    private int _late;
    private long _notDone;
    private volatile bool _measures;
    private volatile bool _ending;

    /// <summary>Comes back when every lock is held.</summary>
    public void Start()
    {
        for (var i = 0; i < count; i++)
        {
            var holder = i;
            var thread = new Thread(() => Hold(holder)) { IsBackground = true };
            _threads.Add(thread);
            thread.Start();
        }

        if (!_held.Wait(TimeSpan.FromSeconds(30)))
        {
            throw new BenchException("the locks could not be taken within 30 s");
        }
    }

    public void Measure() => _measures = true;

    public HolderSample End()
    {
        _measures = false;
        _ending = true;
        _threads.ForEach(thread => thread.Join());
        return new HolderSample(
            (int)ttl.TotalMilliseconds,
            count,
            _lost,
            _late,
            _times.Count,
            _notDone,
            Statistics.Median(_times),
            Statistics.Percentile(_times, 99),
            _times.DefaultIfEmpty(double.NaN).Max());
    }

    private void Hold(int holder)
    {
        var host = cluster.Hosts[holder % cluster.Size];
        var path = string.Create(CultureInfo.InvariantCulture, $"/v1/locks/held-{ttl.TotalMilliseconds:0}-{holder}");
        var acquire = RequestWriter.Build(
            "POST", path, host, string.Create(CultureInfo.InvariantCulture, $"{{\"owner\":\"holder-{holder}\",\"ttl\":\"{ttl.TotalMilliseconds:0}ms\"}}"));
        using var client = new BlockingClient(cluster.Endpoints[holder % cluster.Size], TimeSpan.FromSeconds(10));
        var isFirst = true;
        while (!_ending)
        {
            var asked = Stopwatch.GetTimestamp();
            if (client.Exchange(acquire) != 200 || !JsonScan.TryReadNumber(client.Body, "\"fencingToken\""u8, out var token))
            {
                Thread.Sleep(20);
                continue;
            }

            if (isFirst)
            {
                _held.Signal();
                isFirst = false;
            }

            var body = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"fencingToken\":{token}}}"));
            Renew(client, RequestWriter.Build("PUT", path, host, Encoding.ASCII.GetString(body)), asked);
        }
    }

    /// <summary>Until the hold is lost or the run ends.</summary>
    private void Renew(BlockingClient client, byte[] renewal, long asked)
    {
        var step = (long)(_interval.TotalSeconds * Stopwatch.Frequency);
        var due = Stopwatch.GetTimestamp() + step;
        var knownFrom = asked;
        var isLate = false;
        while (!_ending)
        {
            var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
            if (wait > TimeSpan.Zero)
            {
                Thread.Sleep(wait);
            }

            var sent = Stopwatch.GetTimestamp();
            var status = client.Exchange(renewal);
            var now = Stopwatch.GetTimestamp();
            isLate |= Stopwatch.GetElapsedTime(knownFrom, now) > ttl;
            if (_measures)
            {
                Count(status, Stopwatch.GetElapsedTime(due, now).TotalMilliseconds, isLate);
            }

            if (status is 404 or 410 or 412)
            {
                return;
            }

            if (status == 200)
            {
                (knownFrom, isLate) = (sent, false);
            }

            due = Math.Max(due + step, now);
        }
    }

    private void Count(int status, double milliseconds, bool isLate)
    {
        lock (_gate)
        {
            _times.Add(milliseconds);
            _lost += status is 404 or 410 or 412 ? 1 : 0;
            _notDone += status is 200 or 404 or 410 or 412 ? 0 : 1;
            _late += isLate && status == 200 ? 1 : 0;
        }
    }
}
