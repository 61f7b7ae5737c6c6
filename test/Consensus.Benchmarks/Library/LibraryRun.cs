using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Load;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Library;

/// <summary>
/// In each round, on a fresh cluster, every <see cref="Speaker"/> has its turn with each workload, in the opposite order every other
/// round; then the writes beside a wait.
/// </summary>
internal sealed class LibraryRun(BenchOptions options, ClusterFactory factory, string directory)
{
    public static readonly IReadOnlyList<Workload> Workloads = [Workload.Put, Workload.Lock];

    /// <summary>Of a round.</summary>
    public static readonly IReadOnlyList<string> Parts = [.. SpeakerNames.All.Select(SpeakerNames.PartOf), Wait];

    private const string Wait = "wait";

    /// <summary>What a library has to compile under load before it is as fast as it gets.</summary>
    private static readonly TimeSpan LongestWarmUp = TimeSpan.FromSeconds(8);

    private readonly TimeSpan _window = TimeSpan.FromSeconds(options.Seconds);
    private readonly List<LibrarySample> _samples = [];
    private readonly List<WaitSample> _waits = [];
    private int _runs;

    public RawResults Run(RawResults results)
    {
        for (var round = 1; round <= options.Rounds; round++)
        {
            Progress.Say($"round {round} of {options.Rounds}: starting a cluster");
            using var cluster = factory.Create("consensus");
            cluster.Start();
            Measurer.Fill(cluster);
            Measurer.Rehearse(cluster, options.Workloads);
            Run(cluster, round);
        }

        return results with { Library = _samples, Wait = _waits };
    }

    /// <summary>One round on a cluster that stands and has its keys.</summary>
    public (IReadOnlyList<LibrarySample> Samples, IReadOnlyList<WaitSample> Waits) Run(LocalCluster cluster, int round)
    {
        var asked = SpeakerNames.All.Where(speaker => options.Parts.Contains(SpeakerNames.PartOf(speaker)));
        List<Speaker> speakers = [.. round % 2 == 0 ? asked.Reverse() : asked];
        foreach (var workload in options.Workloads)
        {
            foreach (var speaker in speakers)
            {
                _samples.Add(Measure(cluster, workload, speaker, round));
            }
        }

        if (options.Parts.Contains(Wait))
        {
            _waits.Add(WaitBesideWrites.Measure(cluster, options.Clients[0], _window, round));
        }

        return (_samples, _waits);
    }

    private LibrarySample Measure(LocalCluster cluster, Workload workload, Speaker speaker, int round)
    {
        var refused = cluster.RefusedRequests();
        var warmUp = _window / 2 < LongestWarmUp ? _window / 2 : LongestWarmUp;
        var measured = speaker is Speaker.HttpClient or Speaker.Library
            ? MeasurePool(cluster, workload, speaker, round, warmUp)
            : Measurer.Measure(
                cluster, SpeakerNames.NameOf(speaker), workload, Scripts(cluster, workload, speaker), round, warmUp, _window);
        if (cluster.FindDeadMember() is { } dead)
        {
            throw new BenchException(dead);
        }

        var sample = new LibrarySample(measured, cluster.RefusedRequests() - refused);
        Progress.Say(LoadRun.Line(measured, wide: true) + (sample.Refused > 0 ? $"  {sample.Refused} refused" : string.Empty));
        return sample;
    }

    private Measurement MeasurePool(LocalCluster cluster, Workload workload, Speaker speaker, int round, TimeSpan warmUp)
    {
        var run = NextRun();
        var task = new PoolTask(
            speaker,
            workload,
            options.Clients[0],
            round,
            run,
            KeySpace.ValueBytes,
            warmUp.TotalSeconds,
            _window.TotalSeconds,
            [.. cluster.Hosts.Select(host => "http://" + host)],
            [.. Enumerable.Range(0, cluster.Size).Select(cluster.ProcessIdOf)],
            Path.Combine(directory, run + ".json"));
        return PoolProgram.Measure(task, directory) with
        {
            Nodes = cluster.Size,
            ValueBytes = KeySpace.ValueBytes,
            Elections = cluster.CountNewElections(),
        };
    }

    private List<IClientScript> Scripts(LocalCluster cluster, Workload workload, Speaker speaker)
    {
        var run = NextRun();
        var sessions = speaker == Speaker.RawSession ? cluster.Hosts.Select(NewSession).ToList() : [];
        return [.. Enumerable.Range(0, options.Clients[0]).Select(Script)];

        IClientScript Script(int client)
        {
            var seat = new ClientSeat(cluster.Hosts[client % cluster.Size], client, run, new HolderWitness());
            IWriteMark mark = speaker switch
            {
                Speaker.RawKeyed => new KeyMark(string.Create(CultureInfo.InvariantCulture, $"{run}.{client:0000}")),
                Speaker.RawSession => sessions[client % cluster.Size].NewMark(),
                _ => new NoMark(),
            };
            return workload == Workload.Lock ? new MarkedLockScript(seat, mark) : new MarkedPutScript(seat, mark);
        }
    }

    /// <summary>One for the clients of each member, as the library's have. It outlives the measurement without being renewed.</summary>
    private static NumberedSession NewSession(string host) =>
        ControlClient.TryPostJson($"http://{host}/v1/leases", "{\"ttl\":\"10m\",\"session\":true}") is { } granted
            && granted.GetProperty("id").GetString() is { } id
            ? new NumberedSession(id)
            : throw new BenchException($"{host} granted no session");

    private string NextRun() => string.Create(CultureInfo.InvariantCulture, $"client-{++_runs}");
}
