using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using Consensus.Benchmarks.Memory;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Clusters;

/// <summary>What one member says of itself.</summary>
internal sealed record MemberStatus(long Term, bool IsLeader);

/// <summary>Processes of one system on loopback, each with a data directory of its own on a real disk.</summary>
internal abstract class LocalCluster : IDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private readonly string _directory;
    private readonly ServerProcess?[] _servers;
    private long _countedTerm;

    protected LocalCluster(string program, string directory, int size)
    {
        Size = size;
        _servers = new ServerProcess?[size];
        Program = program;
        _directory = directory;
        ClientPorts = FreePorts.Next(Size);
        PeerPorts = FreePorts.Next(Size);
        Endpoints = [.. ClientPorts.Select(port => new IPEndPoint(IPAddress.Loopback, port))];
        Hosts = [.. ClientPorts.Select(port => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"))];
    }

    /// <summary>Members.</summary>
    public int Size { get; }

    /// <summary>The system's name in tables and results.</summary>
    public abstract string Name { get; }

    public abstract IScriptSource Scripts { get; }

    /// <summary>Under which name a member counts the flushes of its log.</summary>
    public abstract string FlushMetric { get; }

    /// <summary>How its clients speak; null: in the clear.</summary>
    public virtual SslClientAuthenticationOptions? Tls => null;

    public IReadOnlyList<IPEndPoint> Endpoints { get; }

    public IReadOnlyList<string> Hosts { get; }

    protected string Program { get; }

    /// <summary>Variables that every member is started with, besides those of this program.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    protected IReadOnlyList<int> ClientPorts { get; }

    protected IReadOnlyList<int> PeerPorts { get; }

    /// <summary>Starts all members on empty data directories and waits until each serves.</summary>
    public void Start()
    {
        for (var member = 0; member < Size; member++)
        {
            StartMember(member);
        }

        WaitUntilAllServe();
        WaitForLeader();
        Prepare();
        _countedTerm = HighestTerm();
    }

    /// <summary>Elections since the last call, or since the start, however they came about.</summary>
    public long CountNewElections()
    {
        var term = HighestTerm();
        var elections = term - _countedTerm;
        _countedTerm = term;
        return elections;
    }

    public void StartMember(int member)
    {
        var home = Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"n{member + 1}"));
        Directory.CreateDirectory(home);
        _servers[member]?.Dispose();
        var arguments = Arguments(member, Path.Combine(home, "data"));
        _servers[member] = ServerProcess.Start(Program, arguments, Path.Combine(home, "log"), Environment);
    }

    public void WaitUntilAllServe() => WaitUntilAllServe(StartLimit);

    public void WaitUntilAllServe(TimeSpan limit)
    {
        var started = Stopwatch.GetTimestamp();
        for (var member = 0; member < Size; member++)
        {
            while (!IsServing(Hosts[member]))
            {
                var server = _servers[member]!;
                if (server.HasExited || Stopwatch.GetElapsedTime(started) > limit)
                {
                    var what = server.HasExited ? "ended" : $"did not serve within {limit.TotalSeconds:0} s";
                    throw new BenchException($"{Name}: member n{member + 1} {what}. The end of its log:\n{server.LogTail()}");
                }

                Thread.Sleep(PollInterval);
            }
        }
    }

    /// <summary>The member that leads now, by its own word and with the highest term; waits for one.</summary>
    public int WaitForLeader()
    {
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < StartLimit)
        {
            var leader = -1;
            var highest = 0L;
            for (var member = 0; member < Size; member++)
            {
                if (TryStatus(Hosts[member]) is { IsLeader: true } status && status.Term > highest)
                {
                    leader = member;
                    highest = status.Term;
                }
            }

            if (leader >= 0)
            {
                return leader;
            }

            Thread.Sleep(PollInterval);
        }

        throw new BenchException($"{Name}: no leader within {StartLimit.TotalSeconds:0} s");
    }

    /// <summary>The highest term that any member knows. Each election raises it.</summary>
    private long HighestTerm()
    {
        var terms = Hosts.Select(TryStatus).OfType<MemberStatus>().Select(status => status.Term).ToList();
        return terms.Count > 0 ? terms.Max() : throw new BenchException($"{Name}: no member tells its term");
    }

    /// <summary>kill -9; returns without waiting for the process to be gone.</summary>
    public void KillMember(int member) => _servers[member]!.Kill();

    /// <summary>SIGTERM; returns without waiting for the process to be gone.</summary>
    public void StopMember(int member) => _servers[member]!.Stop();

    public bool IsGone(int member) => _servers[member]!.HasExited;

    /// <summary>Names a member that ended by itself, with the end of its log; null while all live.</summary>
    public string? FindDeadMember()
    {
        var dead = Array.FindIndex(_servers, server => server is { HasExited: true });
        return dead < 0 ? null : $"{Name}: member n{dead + 1} ended. The end of its log:\n{_servers[dead]!.LogTail()}";
    }

    /// <summary>A counter of the members' own, summed; null when some member does not tell it.</summary>
    public double? SumOfMetric(string name)
    {
        var values = Hosts.Select(host => TryMetric(host, name)).ToList();
        return values.Any(value => value is null) ? null : values.Sum();
    }

    /// <summary>Requests that members have answered with 400 and above, since their start; null when some member does not tell it.</summary>
    public double? RefusedRequests()
    {
        var counts = Hosts.Select(host => ControlClient.TrySumOfSamples(
            Url(host, "/metrics"),
            "consensus_http_requests_total{",
            sample => sample.Contains("class=\"4xx\"", StringComparison.Ordinal)
                || sample.Contains("class=\"5xx\"", StringComparison.Ordinal))).ToList();
        return counts.Any(count => count is null) ? null : counts.Sum();
    }

    /// <summary>A gauge of the members' own, of the member where it is largest; null when some member does not tell it.</summary>
    public double? LargestOfMetric(string name)
    {
        var values = Hosts.Select(host => TryMetric(host, name)).ToList();
        return values.Any(value => value is null) ? null : values.Max();
    }

    public TimeSpan CpuTime() => _servers.OfType<ServerProcess>().Aggregate(TimeSpan.Zero, (sum, server) => sum + server.CpuTime());

    /// <summary>Waits for a killed member's process to be gone.</summary>
    public void WaitUntilGone(int member)
    {
        while (!IsGone(member))
        {
            Thread.Sleep(PollInterval);
        }
    }

    /// <summary>What one member holds in memory.</summary>
    public MemberMemory MemoryOf(int member) => _servers[member]!.Memory();

    public int ProcessIdOf(int member) => _servers[member]!.Id;

    public long ResidentBytesOf(int member) => _servers[member]!.ResidentBytes();

    public long LargestResidentBytes() => _servers.OfType<ServerProcess>().Max(server => server.ResidentBytes());

    public List<MemberMemory> Memory() => [.. _servers.OfType<ServerProcess>().Select(server => server.Memory())];

    public long ResidentBytes() => _servers.OfType<ServerProcess>().Sum(server => server.ResidentBytes());

    public void Dispose()
    {
        foreach (var server in _servers)
        {
            server?.Kill();
        }

        foreach (var server in _servers)
        {
            server?.Dispose();
        }

        if (Directory.Exists(_directory))
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    protected abstract IEnumerable<string> Arguments(int member, string dataDirectory);

    protected abstract bool IsServing(string host);

    protected abstract MemberStatus? TryStatus(string host);

    /// <summary>One number that a member counts; null when it does not tell it.</summary>
    protected virtual double? TryMetric(string host, string name) => ControlClient.TryGetMetric(Url(host, "/metrics"), name);

    protected string Url(string host, string path) => $"{(Tls is null ? "http" : "https")}://{host}{path}";

    /// <summary>What must be there before any client speaks, once a leader is.</summary>
    protected virtual void Prepare()
    {
    }

    protected static string MemberName(int member) => string.Create(CultureInfo.InvariantCulture, $"n{member + 1}");
}
