using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Failover;
using Consensus.Benchmarks.Library;
using Consensus.Benchmarks.Scale;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks;

/// <summary>What the command line asks for.</summary>
internal sealed record BenchOptions
{
    public const string Usage = """
        usage: scripts/bench [load] [options]        throughput, latency, CPU and memory under load
               scripts/bench failover [options]      time without a write when the leader is killed (-9), and when it is stopped (SIGTERM)
               scripts/bench --verify                whether an acknowledgement ever leaves before its flush (with strace)
               scripts/bench scale [options]         a million leases, ten thousand watchers, ten thousand waiters, a million keys, and how long turns are with these
               scripts/bench memory [options]        memory of a member of each system after many puts over fewer keys
               scripts/bench saturation [options]    256 clients that put, get and lock for minutes: elections and failed operations
               scripts/bench vary [options]          put, get and lock with 64 clients, and from there 1,024 clients, 1 and 5 members, values of 64 to 65536 bytes
               scripts/bench watch [options]         watchers of one key, and how long a put takes to reach the last of them
               scripts/bench bulk [options]          renewals of locks beside 48 clients that put values of 1 MB: how long they take, and what is lost
               scripts/bench restart [options]       kill -9 of all members with much log behind their snapshots: until they are ready, until the first write, in how many new terms
               scripts/bench client [options]        the .NET client library beside plain requests, and what keys and sessions cost
               scripts/bench streams [options]       event streams that nobody reads: memory of their member, latency of others
               scripts/bench inner [--filter X]      time and allocation of single parts (log, codec, apply, index, routing); options of BenchmarkDotNet

          --rounds N          alternate rounds, each on fresh clusters; the table shows medians   (default 3; vary: 2; bulk: 1; streams: 2)
          --seconds S         length of one measurement                                          (default 5; bulk, client, streams: 60)
          --workloads A,B     of put,get,cas,lock,contended,stale,mixed,renew,election           (default all; client: put,lock, no others)
          --clients A,B       closed-loop clients                                                (default 1,64,256; one: bulk 48, client 64)
          --nodes N           members of each cluster                                            (default 3)
          --value-bytes N     bytes of each value, from 64 to 65536                              (default 256)
          --systems A,B       of consensus,consensus-tls,consensus-auth,consensus-before,etcd,zookeeper,dotnext,dotnext-flushed;
                              etcd and zookeeper are left out when they are not installed, docs/peers/dotnext.md tells of the last
                              two; consensus-tls, and consensus-auth, which judges rights in the clear, are for load, vary,
                              saturation and failover
                              (default consensus,etcd; saturation: consensus)
          --kills K           failover: how many leaders of each system are ended in each way; restart: how many times all (default 10)
          --ways A,B          failover: of kill,stop                                             (default both)
          --minutes M         saturation: how long for each system                               (default 10)
          --small-clients N   bulk: beside the others, so many that put values of --value-bytes  (default 0)
          --holders N         bulk: locks that are held                                          (default 60)
          --heap-mib N        of consensus, what the heap of a member may have; 0: what the runtime gives it
                              (in a container that is three quarters of its memory)              (default 0)
          --watchers N        watch: how many                                                    (default 100)
          --streams N         streams: how many                                                  (default 40)
          --puts N            memory: how many puts; restart: before each round                  (default 1000000; restart: 340000)
          --keys N            memory, restart: over how many keys                                         (default 100000)
          --parts A,B         scale: of leases,watchers,waiters,keys,turns                       (default all)
                              client: of raw,key,session,httpclient,library,wait                 (default all)
          --size F            scale: this fraction of the full numbers, for a try                (default 1)
          --tls               load: consensus,consensus-tls with put,get and 64 clients; failover: the two systems
          --limits            also measure an empty Kestrel endpoint and the disk's fdatasync
          --quick             one round, 2 seconds, 1 and 64 clients; failover: 3 kills
          --charts DIR        write charts of the medians as SVG
          --json FILE         write the raw results of every measurement
          --server PATH       the consensusd to measure  (default artifacts/consensusd/consensusd, published anew)
          --before PATH       an earlier consensusd, which --systems names consensus-before: load, vary, saturation and failover
          --etcd PATH         the etcd to measure        (default /usr/bin/etcd)
          --zookeeper PATH    the zookeeper.jar to measure, with java on the path (default /usr/share/java/zookeeper.jar)
          --dotnext PATH      the dotnextd to measure    (default artifacts/dotnextd/dotnextd, published anew)
          --directory D       where data directories are made and removed; a real disk           (default artifacts)
        """;

    public BenchMode Mode { get; private set; }

    public IReadOnlyList<string> Parts { get; private set; } = ScaleRun.Parts;

    public double Size { get; private set; } = 1;

    public int Rounds { get; private set; } = 3;

    public double Seconds { get; private set; } = 5;

    public IReadOnlyList<Workload> Workloads { get; private set; } = WorkloadNames.All;

    public IReadOnlyList<int> Clients { get; private set; } = [1, 64, 256];

    public IReadOnlyList<string> Systems { get; private set; } = ["consensus", "etcd"];

    public int Nodes { get; private set; } = 3;

    public int ValueBytes { get; private set; } = 256;

    public string? Charts { get; private set; }

    public int Kills { get; private set; } = 10;

    public IReadOnlyList<LeaderEnd> Ways { get; private set; } = LeaderEndNames.All;

    public double Minutes { get; private set; } = 10;

    public int SmallClients { get; private set; }

    public int Holders { get; private set; } = 60;

    public int HeapMiB { get; private set; }

    public int Watchers { get; private set; } = 100;

    public int Streams { get; private set; } = 40;

    public int Puts { get; private set; } = 1_000_000;

    public int Keys { get; private set; } = 100_000;

    public bool Limits { get; private set; }

    public string? JsonFile { get; private set; }

    /// <summary>The earlier consensusd that is measured as <see cref="ClusterFactory.Before"/>; empty: none is.</summary>
    public string Before { get; private set; } = string.Empty;

    public string Server { get; private set; } = InRepository("artifacts", "consensusd", "consensusd");

    public string Etcd { get; private set; } = "/usr/bin/etcd";

    public string ZooKeeper { get; private set; } = "/usr/share/java/zookeeper.jar";

    public string DotNext { get; private set; } = InRepository("artifacts", "dotnextd", "dotnextd");

    public string WorkDirectory { get; private set; } = InRepository("artifacts");

    /// <summary>Throws <see cref="BenchException"/> with one sentence for the first argument that is wrong.</summary>
    public static BenchOptions Parse(IReadOnlyList<string> arguments)
    {
        // --quick sets defaults, so that explicit options win wherever they stand.
        var options = new BenchOptions();
        var quick = arguments.Contains("--quick");
        if (quick)
        {
            options.Rounds = 1;
            options.Seconds = 2;
            options.Clients = [1, 64];
            options.Kills = 3;
        }

        if (arguments.Contains("--tls"))
        {
            options.Systems = ["consensus", SecureConsensusCluster.SystemName];
            options.Workloads = [Workload.Put, Workload.Get];
            options.Clients = [64];
        }

        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            if (!options.ApplySwitch(name, first: i == 0, quick))
            {
                var value = i + 1 < arguments.Count ? arguments[++i] : throw new BenchException($"{name} is unknown or lacks its value");
                options.ApplyValue(name, value);
            }
        }

        if (options.Systems.FirstOrDefault(ClusterFactory.IsForLoad) is { } special
            && options.Mode is not (BenchMode.Load or BenchMode.Vary or BenchMode.Saturation or BenchMode.Failover))
        {
            throw new BenchException($"{special} is measured by load, vary, saturation and failover");
        }

        return options.Systems.Contains(ClusterFactory.Before) && options.Before.Length == 0
            ? throw new BenchException($"{ClusterFactory.Before} is a consensusd that --before PATH names")
            : options;
    }

    public BenchOptions Varied(int nodes, int valueBytes, IReadOnlyList<int> clients) =>
        this with { Nodes = nodes, ValueBytes = valueBytes, Clients = clients };

    public BenchOptions Without(string system) => this with { Systems = [.. Systems.Where(name => name != system)] };

    /// <summary>Defaults are found from where this program was built to, so that it can be started from anywhere.</summary>
    private static string InRepository(params string[] parts)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Consensus.sln")))
        {
            root = root.Parent;
        }

        return Path.Combine([root?.FullName ?? Environment.CurrentDirectory, .. parts]);
    }

    private bool ApplySwitch(string name, bool first, bool quick)
    {
        switch (name)
        {
            case "load" when first:
            case "--quick":
            case "--tls":
                return true;
            case "failover" when first:
                Mode = BenchMode.Failover;
                return true;
            case "scale" when first:
                Mode = BenchMode.Scale;
                return true;
            case "saturation" when first:
                Mode = BenchMode.Saturation;
                Clients = [256];
                Systems = ["consensus"];
                return true;
            case "vary" when first:
                Mode = BenchMode.Vary;
                Clients = [64];
                Workloads = [Workload.Put, Workload.Get, Workload.Lock];
                Rounds = quick ? 1 : 2;
                return true;
            case "watch" when first:
                Mode = BenchMode.Watch;
                return true;
            case "bulk" when first:
                Mode = BenchMode.Bulk;
                Clients = [48];
                Systems = ["consensus"];
                Rounds = 1;
                Seconds = quick ? Seconds : 60;
                return true;
            case "restart" when first:
                Mode = BenchMode.Restart;
                Systems = ["consensus"];
                Puts = 340_000;
                ValueBytes = 64;
                Kills = quick ? 2 : 10;
                return true;
            case "client" when first:
                Mode = BenchMode.Client;
                Systems = ["consensus"];
                Workloads = LibraryRun.Workloads;
                Parts = LibraryRun.Parts;
                Clients = [64];
                Seconds = quick ? Seconds : 60;
                return true;
            case "streams" when first:
                Mode = BenchMode.Streams;
                Systems = ["consensus"];
                Rounds = quick ? 1 : 2;
                Seconds = quick ? Seconds : 60;
                return true;
            case "memory" when first:
                Mode = BenchMode.Memory;
                return true;
            case "--verify":
                Mode = BenchMode.Verify;
                return true;
            case "--limits":
                Limits = true;
                return true;
            default:
                return false;
        }
    }

    private void ApplyValue(string name, string value)
    {
        switch (name)
        {
            case "--rounds":
                Rounds = Whole(name, value, 1, 100);
                break;
            case "--seconds":
                Seconds = Number(name, value, 0.2, 120);
                break;
            case "--workloads":
                var all = Mode == BenchMode.Client ? LibraryRun.Workloads : WorkloadNames.All;
                Workloads = [.. Items(value).Select(item => OneOf(name, item, all, WorkloadNames.NameOf))];
                break;
            case "--clients":
                Clients = [.. Items(value).Select(item => Whole(name, item, 1, 4096))];
                break;
            case "--systems":
                Systems = [.. Items(value).Select(item => OneOf(name, item, ClusterFactory.Systems, text => text))];
                break;
            case "--nodes":
                Nodes = Whole(name, value, 1, 7);
                break;
            case "--value-bytes":
                ValueBytes = Whole(name, value, 64, 65536);
                break;
            case "--charts":
                Charts = value;
                break;
            case "--kills":
                Kills = Whole(name, value, 1, 1000);
                break;
            case "--ways":
                Ways = [.. Items(value).Select(item => OneOf(name, item, LeaderEndNames.All, LeaderEndNames.NameOf))];
                break;
            case "--minutes":
                Minutes = Number(name, value, 0.05, 1440);
                break;
            case "--small-clients":
                SmallClients = Whole(name, value, 0, 4096);
                break;
            case "--holders":
                Holders = Whole(name, value, 2, 4096);
                break;
            case "--heap-mib":
                HeapMiB = Whole(name, value, 0, 1 << 20);
                break;
            case "--watchers":
                Watchers = Whole(name, value, 1, 20_000);
                break;
            case "--streams":
                Streams = Whole(name, value, 1, 20_000);
                break;
            case "--puts":
                Puts = Whole(name, value, 1, 1_000_000_000);
                break;
            case "--keys":
                Keys = Whole(name, value, 1, KeySpace.MostKeys);
                break;
            case "--parts":
                var parts = Mode == BenchMode.Client ? LibraryRun.Parts : ScaleRun.Parts;
                Parts = [.. Items(value).Select(item => OneOf(name, item, parts, text => text))];
                break;
            case "--size":
                Size = Number(name, value, 0.00001, 1);
                break;
            case "--json":
                JsonFile = value;
                break;
            case "--server":
                Server = value;
                break;
            case "--before":
                Before = value;
                break;
            case "--etcd":
                Etcd = value;
                break;
            case "--zookeeper":
                ZooKeeper = value;
                break;
            case "--dotnext":
                DotNext = value;
                break;
            case "--directory":
                WorkDirectory = value;
                break;
            default:
                throw new BenchException($"unknown option {name}");
        }
    }

    private static string[] Items(string value) => value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static int Whole(string name, string value, int smallest, int largest) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= smallest && number <= largest
            ? number
            : throw new BenchException($"{name} takes a whole number from {smallest} to {largest}, not '{value}'");

    private static double Number(string name, string value, double smallest, double largest) =>
        double.TryParse(value, CultureInfo.InvariantCulture, out var number) && number >= smallest && number <= largest
            ? number
            : throw new BenchException(string.Create(CultureInfo.InvariantCulture, $"{name} takes a number from {smallest} to {largest}, not '{value}'"));

    private static T OneOf<T>(string name, string value, IReadOnlyList<T> all, Func<T, string> nameOf)
    {
        var index = all.Select(nameOf).ToList().IndexOf(value);
        return index >= 0 ? all[index] : throw new BenchException($"{name} takes {string.Join(',', all.Select(nameOf))}, not '{value}'");
    }
}
