using System.Diagnostics;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Watch;

/// <summary>Watchers of one key at one member, each with a connection of its own, and puts of it through another member. Disposing closes the watches.</summary>
internal sealed class WatchFanOut : IDisposable
{
    private const string Key = "bench/watched";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly EventPoll _poll = new();
    private readonly List<EventStream> _watchers = [];
    private readonly LocalCluster _cluster;
    private readonly WatchWords _words;

    /// <summary>Opens all watches, and waits until each member's answer says so.</summary>
    public WatchFanOut(LocalCluster cluster, int count)
    {
        _cluster = cluster;
        _words = cluster.Scripts.Watch(cluster.Hosts[0], cluster.Hosts[1 % cluster.Size], Key);
        try
        {
            var begin = Stopwatch.GetTimestamp();
            for (var i = 0; i < count; i++)
            {
                _watchers.Add(new EventStream(cluster.Endpoints[0], _words.Watch, _words.EventRevision));
                _watchers[i].Register(_poll, i);
                if (i % 64 == 0)
                {
                    ReadAll(0);
                }
            }

            WaitUntil(watcher => watcher.LastId > 0, "opened");
            Opening = Stopwatch.GetElapsedTime(begin);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>How long it took until all were open.</summary>
    public TimeSpan Opening { get; }

    public void Dispose()
    {
        _watchers.ForEach(watcher => watcher.Dispose());
        _poll.Dispose();
    }

    /// <summary>Milliseconds from sending a put until the last watcher has its event.</summary>
    public double PutAndWait()
    {
        using var put = new Connection(_cluster.Endpoints[1 % _cluster.Size]);
        var begin = Stopwatch.GetTimestamp();
        if (!put.Send(RequestWriter.Copy(_words.Put, put.Request)))
        {
            throw new BenchException("watchers: a put could not be sent");
        }

        ReceiveResult received;
        while ((received = put.Receive()) == ReceiveResult.Nothing)
        {
            ReadAll(1);
        }

        if (received != ReceiveResult.Answer || !JsonScan.TryReadNumber(put.Answer.Body, _words.PutRevision, out var revision))
        {
            throw new BenchException("watchers: a put failed");
        }

        WaitUntil(watcher => watcher.LastId >= revision, "told of a put");
        return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
    }

    private void WaitUntil(Func<EventStream, bool> isThere, string what)
    {
        var begin = Stopwatch.GetTimestamp();
        var open = _watchers.Where(watcher => !isThere(watcher)).ToHashSet();
        while (open.Count > 0)
        {
            if (Stopwatch.GetElapsedTime(begin) > Limit)
            {
                throw new BenchException($"watchers: {open.Count} of {_watchers.Count} were not {what} within {Limit.TotalSeconds:0} s");
            }

            foreach (var read in ReadAll(100))
            {
                if (isThere(read))
                {
                    open.Remove(read);
                }
            }
        }
    }

    private List<EventStream> ReadAll(int timeoutMs)
    {
        var ready = _poll.Wait(timeoutMs);
        var read = new List<EventStream>(ready);
        for (var i = 0; i < ready; i++)
        {
            var watcher = _watchers[_poll.Id(i)];
            watcher.Read();
            read.Add(watcher);
        }

        return read;
    }
}
