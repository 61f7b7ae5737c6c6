using System.Globalization;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Workloads;
using Consensus.Benchmarks.Workloads.ZooKeeper;

namespace Consensus.Benchmarks.Clusters;

/// <summary>
/// Members of ZooKeeper as its package installs it, with the settings of the package's example and the heap of ZooKeeper's own scripts:
/// durable writes (<c>forceSync</c>), ticks of 2 s. What is set beside that are bounds that a measurement would run into, and that all
/// stays on loopback.
/// </summary>
/// <param name="library">Its <c>zookeeper.jar</c>, which names all others that it needs.</param>
internal sealed class ZooKeeperCluster(string library, string directory, int size) : LocalCluster(Java, directory, size)
{
    private const string Java = "java";
    private const string MainClass = "org.apache.zookeeper.server.quorum.QuorumPeerMain";

    /// <summary>The only place that Debian has one whose output goes to standard error.</summary>
    private const string Logger = "/usr/share/java/slf4j-simple.jar";

    private static readonly TimeSpan PreparationLimit = TimeSpan.FromSeconds(30);

    private readonly int[] _electionPorts = FreePorts.Next(size);

    public override string Name => "zookeeper";

    public override string FlushMetric => "zk_cnt_fsynctime";

    public override IScriptSource Scripts { get; } = new ZooKeeperScripts();

    protected override IEnumerable<string> Arguments(int member, string dataDirectory)
    {
        Directory.CreateDirectory(dataDirectory);
        File.WriteAllText(Path.Combine(dataDirectory, "myid"), Id(member));
        var file = Path.Combine(dataDirectory, "zoo.cfg");
        File.WriteAllText(file, string.Join('\n', Settings(member, dataDirectory)) + "\n");
        return
        [
            "-Xmx1000m",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp", $"{library}:{Logger}",
            MainClass,
            file,
        ];
    }

    /// <summary>The nodes that its clients do not make.</summary>
    protected override void Prepare()
    {
        var nodes = new[] { ZooKeeperScripts.Root, ZooKeeperScripts.OneKey }
            .Select(path => ZooKeeperRequest.Create(path, "", ZooKeeperRequest.Node.Persistent));
        using var generator = new LoadGenerator([Endpoints[0]], [new ZooKeeperSession(new OnceScript([.. nodes]))]);
        var result = generator.Run(TimeSpan.Zero, PreparationLimit);
        if (result.Errors > 0)
        {
            throw new BenchException($"{Name}: its first nodes could not be made: {result.FirstError}");
        }
    }

    protected override bool IsServing(string host) => FourLetterWord.TryAsk(host, "srvr") is { } told && Line(told, "Mode: ") is not null;

    protected override MemberStatus? TryStatus(string host)
    {
        const int EpochBits = 32;
        if (FourLetterWord.TryAsk(host, "srvr") is not { } told
            || Line(told, "Mode: ") is not { } mode
            || Line(told, "Zxid: 0x") is not { } zxid)
        {
            return null;
        }

        var epoch = long.Parse(zxid, NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> EpochBits;

        // A member alone has no epochs.
        return new MemberStatus(mode == "standalone" ? 1 : epoch, mode is "leader" or "standalone");
    }

    protected override double? TryMetric(string host, string name) =>
        FourLetterWord.TryAsk(host, "mntr") is { } told && Line(told, name + "\t") is { } value
            ? double.Parse(value, CultureInfo.InvariantCulture)
            : null;

    private static string Id(int member) => (member + 1).ToString(CultureInfo.InvariantCulture);

    /// <summary>What stands behind this at the beginning of a line.</summary>
    private static string? Line(string told, string beginning) =>
        told.Split('\n').FirstOrDefault(line => line.StartsWith(beginning, StringComparison.Ordinal))?[beginning.Length..].Trim();

    private IEnumerable<string> Settings(int member, string dataDirectory) =>
    [
        "tickTime=2000",
        "initLimit=10",
        "syncLimit=5",
        $"dataDir={dataDirectory}",
        string.Create(CultureInfo.InvariantCulture, $"clientPort={ClientPorts[member]}"),
        "clientPortAddress=127.0.0.1",
        "maxClientCnxns=0",
        string.Create(CultureInfo.InvariantCulture, $"maxSessionTimeout={ZooKeeperRequest.SessionMs}"),
        "admin.enableServer=false",
        "4lw.commands.whitelist=srvr,mntr",
        .. Enumerable.Range(0, Size).Select(one => string.Create(
            CultureInfo.InvariantCulture, $"server.{Id(one)}=127.0.0.1:{PeerPorts[one]}:{_electionPorts[one]}")),
    ];

    /// <summary>Sends each of these once; that they are done already is no error.</summary>
    private sealed class OnceScript(IReadOnlyList<byte[]> requests) : IClientScript
    {
        private int _next;

        public int NextRequest(Span<byte> request, bool stopping) =>
            stopping || _next == requests.Count ? 0 : Http.RequestWriter.Copy(requests[_next++], request);

        public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body) =>
            status is 200 or ZooKeeperReply.NodeExists ? StepOutcome.Completed : StepOutcome.Failed;
    }
}
