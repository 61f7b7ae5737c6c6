using System.Net;
using System.Text;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Server.Hosting;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.Transport;

namespace Consensus.Server.Tests.Hosting;

/// <summary>Members in this process over the real disk and real sockets, without HTTP.</summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("consensus-").FullName;
    private readonly List<(string Name, string Address)> _initial = [];
    private readonly List<(string Name, string Address)> _joining = [];
    private readonly Dictionary<int, string> _movedTo = [];
    private readonly NodeHost?[] _hosts;

    private LocalCluster(int size, int joining)
    {
        foreach (var port in FreePorts.Next(size + joining))
        {
            var number = _initial.Count + _joining.Count + 1;
            (number <= size ? _initial : _joining).Add(($"n{number}", $"127.0.0.1:{port}"));
        }
        _hosts = new NodeHost?[size + joining];
    }

    public long SnapshotEntries { get; init; } = 10_000;

    public List<string> Fatals { get; } = [];

    public System.Collections.Concurrent.ConcurrentQueue<string> Notices { get; } = [];

    /// <summary>Those of <see cref="Notices"/> that somebody has to look after.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<string> Warnings { get; } = [];

    public IReadOnlyList<NodeHost?> Hosts => _hosts;

    /// <param name="joining">Members after these, for which <see cref="StartMemberAsync(int)"/> means that they are started to join.</param>
    public static async Task<LocalCluster> StartAsync(int size, long snapshotEntries = 10_000, int joining = 0)
    {
        var cluster = new LocalCluster(size, joining) { SnapshotEntries = snapshotEntries };
        await Task.WhenAll(Enumerable.Range(0, size).Select(cluster.StartMemberAsync));
        await cluster.UntilReadyAsync();
        return cluster;
    }

    public string DataOf(int index) => Path.Combine(_root, $"n{index + 1}");

    /// <summary>Where the member listens for others when it is started next.</summary>
    public string PeerAddressOf(int index) =>
        _movedTo.TryGetValue(index, out var moved) ? moved : index >= _initial.Count ? _joining[index - _initial.Count].Address : _initial[index].Address;

    /// <summary>From its next start on the member listens on another port.</summary>
    public string Move(int index) => _movedTo[index] = $"127.0.0.1:{FreePorts.Next()}";

    public Task StartMemberAsync(int index) => StartMemberAsync(index, options => options);

    public async Task StartMemberAsync(int index, Func<NodeHostOptions, NodeHostOptions> with)
    {
        var joins = index >= _initial.Count;
        var name = (joins ? _joining[index - _initial.Count] : _initial[index]).Name;
        _hosts[index] = await NodeHost.StartAsync(
            with(new NodeHostOptions
            {
                Name = name,
                DataDirectory = Path.Combine(_root, name),
                ListenPeer = IPEndPoint.Parse(PeerAddressOf(index)),
                AdvertiseClient = $"http://{name}",
                InitialCluster = joins ? null : _initial,
                Join = joins ? [_initial[0].Address] : [],
                SnapshotEntries = SnapshotEntries,
                Raft = new RaftOptions { TrailingEntries = 10 },
                Storage = new Consensus.Storage.StorageOptions { SegmentBytes = 1 << 20 },
            }),
            (message, failure) =>
            {
                Fatals.Add($"{name}: {message}: {failure}");
                TestContext.Progress.WriteLine($"{name}: {message}: {failure}");
            },
            (level, message) =>
            {
                Notices.Enqueue($"{name}: {message}");
                if (level == TransportLogLevel.Warning)
                {
                    Warnings.Enqueue($"{name}: {message}");
                }
                TestContext.Out.WriteLine($"{name}: {message}");
            },
            CancellationToken.None);
    }

    public async Task StopMemberAsync(int index)
    {
        await _hosts[index]!.StopAsync(TimeSpan.FromSeconds(2));
        _hosts[index] = null;
    }

    public async Task UntilReadyAsync() =>
        await EventuallyAsync(() => _hosts.Where(h => h is not null).All(h => h!.Node.Status.Ready), "every member is ready");

    public NodeHost Leader() => _hosts.First(h => h?.Node.Status.Role == RaftRole.Leader)!;

    public int LeaderIndex() => _hosts.ToList().FindIndex(h => h?.Node.Status.Role == RaftRole.Leader);

    public static Task EventuallyAsync(Func<bool> condition, string what) => Patience.UntilAsync(condition, what);

    public static Task EventuallyAsync(Func<Task<bool>> condition, string what) => Patience.UntilAsync(condition, what);

    public static async Task<Outcome> DoneAsync(NodeHost host, Command command)
    {
        var answer = await host.Node.ExecuteAsync(new CommandEnvelope(command), CancellationToken.None);
        Assert.That(answer.Kind, Is.EqualTo(AnswerKind.Done), $"{command}: {answer}");
        return answer.Outcome!;
    }

    public static PutCommand Put(string key, string value) =>
        new(Key.FromText(key), Encoding.UTF8.GetBytes(value), LeaseId.None, KeyCondition.None);

    public static async Task<string?> GetAsync(NodeHost host, string key)
    {
        var answer = await host.Node.ReadAsync(ReadConsistency.Linearizable, Revision.Zero, CancellationToken.None);
        Assert.That(answer.Kind, Is.EqualTo(AnswerKind.Done), answer.ToString());
        return answer.View!.GetKey(Key.FromText(key)) is { } record ? Encoding.UTF8.GetString(record.Value.Span) : null;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts.Where(h => h is not null))
        {
            await host!.DisposeAsync();
        }
        Directory.Delete(_root, recursive: true);
        Assert.That(Fatals, Is.Empty);
    }
}
