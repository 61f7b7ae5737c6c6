using System.Diagnostics;
using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Scale;

/// <summary>
/// Many watchers of one key at one member, each with a connection of its own, and now and then a put through another member: how long from sending the put until the last
/// watcher has its event?
/// </summary>
internal sealed class WatcherScale(LocalCluster cluster, int count)
{
    private const int Puts = 20;
    private const string Key = "scale/watched";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public IEnumerable<ScaleFinding> Run()
    {
        using var poll = new EventPoll();
        var watchers = new List<EventStream>(count);
        try
        {
            var request = RequestWriter.Build("GET", $"/v1/kv/{Key}", cluster.Hosts[0], headers: "Accept: text/event-stream\r\n");
            var begin = Stopwatch.GetTimestamp();
            for (var i = 0; i < count; i++)
            {
                watchers.Add(new EventStream(cluster.Endpoints[0], request));
                watchers[i].Register(poll, i);
                if (i % 64 == 0)
                {
                    ReadAll(poll, watchers, 0);
                }
            }

            WaitUntil(poll, watchers, watcher => watcher.LastId > 0, "opened");
            var opening = Stopwatch.GetElapsedTime(begin);
            Progress.Say(string.Create(CultureInfo.InvariantCulture, $"watchers: {count} opened in {opening.TotalSeconds:0.0} s"));
            var cpuBefore = cluster.CpuTime();
            var times = new List<double>();
            for (var put = 0; put < Puts; put++)
            {
                times.Add(PutAndWait(poll, watchers));
            }

            var cpu = cluster.CpuTime() - cpuBefore;
            yield return new ScaleFinding("watchers", $"seconds to open {count} watches", opening.TotalSeconds);
            yield return new ScaleFinding("watchers", "ms from a put to the last watcher, median", Statistics.Median(times));
            yield return new ScaleFinding("watchers", "ms from a put to the last watcher, longest", times.Max(), "at most 1,000");
            yield return new ScaleFinding("watchers", "CPU us per event and watcher", cpu.TotalMicroseconds / ((double)Puts * count));
            yield return new ScaleFinding("watchers", "RSS of the watched member, MiB", cluster.ResidentBytesOf(0) / (1024.0 * 1024.0));
        }
        finally
        {
            watchers.ForEach(watcher => watcher.Dispose());
        }
    }

    private double PutAndWait(EventPoll poll, List<EventStream> watchers)
    {
        using var put = new Connection(cluster.Endpoints[1]);
        var begin = Stopwatch.GetTimestamp();
        if (!put.Send(RequestWriter.Copy(RequestWriter.Build("PUT", $"/v1/kv/{Key}", cluster.Hosts[1], "value"), put.Request)))
        {
            throw new BenchException("watchers: a put could not be sent");
        }

        ReceiveResult received;
        while ((received = put.Receive()) == ReceiveResult.Nothing)
        {
            ReadAll(poll, watchers, 1);
        }

        if (received != ReceiveResult.Answer || !JsonScan.TryReadNumber(put.Answer.Body, "\"modRevision\""u8, out var revision))
        {
            throw new BenchException("watchers: a put failed");
        }

        WaitUntil(poll, watchers, watcher => watcher.LastId >= revision, "told of a put");
        return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
    }

    private static void WaitUntil(EventPoll poll, List<EventStream> watchers, Func<EventStream, bool> isThere, string what)
    {
        var begin = Stopwatch.GetTimestamp();
        var open = watchers.Where(watcher => !isThere(watcher)).ToHashSet();
        while (open.Count > 0)
        {
            if (Stopwatch.GetElapsedTime(begin) > Limit)
            {
                throw new BenchException($"watchers: {open.Count} of {watchers.Count} were not {what} within {Limit.TotalSeconds:0} s");
            }

            foreach (var read in ReadAll(poll, watchers, 100))
            {
                if (isThere(read))
                {
                    open.Remove(read);
                }
            }
        }
    }

    private static List<EventStream> ReadAll(EventPoll poll, List<EventStream> watchers, int timeoutMs)
    {
        var ready = poll.Wait(timeoutMs);
        var read = new List<EventStream>(ready);
        for (var i = 0; i < ready; i++)
        {
            var watcher = watchers[poll.Id(i)];
            watcher.Read();
            read.Add(watcher);
        }

        return read;
    }
}
