using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Watch;

namespace Consensus.Benchmarks.Scale;

/// <summary>
/// Many watchers of one key at one member, each with a connection of its own, and now and then a put through another member: how long from sending the put until the last
/// watcher has its event?
/// </summary>
internal sealed class WatcherScale(LocalCluster cluster, int count)
{
    private const int Puts = 20;

    public IEnumerable<ScaleFinding> Run()
    {
        using var watchers = new WatchFanOut(cluster, count);
        Progress.Say(string.Create(CultureInfo.InvariantCulture, $"watchers: {count} opened in {watchers.Opening.TotalSeconds:0.0} s"));
        var cpuBefore = cluster.CpuTime();
        var times = new List<double>();
        for (var put = 0; put < Puts; put++)
        {
            times.Add(watchers.PutAndWait());
        }

        var cpu = cluster.CpuTime() - cpuBefore;
        yield return new ScaleFinding("watchers", $"seconds to open {count} watches", watchers.Opening.TotalSeconds);
        yield return new ScaleFinding("watchers", "ms from a put to the last watcher, median", Statistics.Median(times));
        yield return new ScaleFinding("watchers", "ms from a put to the last watcher, longest", times.Max(), "at most 1,000");
        yield return new ScaleFinding("watchers", "CPU us per event and watcher", cpu.TotalMicroseconds / ((double)Puts * count));
        yield return new ScaleFinding("watchers", "RSS of the watched member, MiB", cluster.ResidentBytesOf(0) / (1024.0 * 1024.0));
    }
}
