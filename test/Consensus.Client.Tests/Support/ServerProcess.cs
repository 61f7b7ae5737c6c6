using Daemon = Consensus.EndToEnd.Tests.Processes.ServerProcess;

namespace Consensus.Client.Tests.Support;

/// <summary>A member as a real process with a data directory of its own; it can be killed and started again where it was.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly TemporaryDirectory _root = new();
    private readonly string _name;
    private readonly int _clientPort;
    private readonly int _peerPort;
    private readonly string _initialCluster;
    private Daemon? _process;

    private ServerProcess(string name, int clientPort, int peerPort, string initialCluster)
    {
        (_name, _clientPort, _peerPort, _initialCluster) = (name, clientPort, peerPort, initialCluster);
        Endpoint = new Uri($"http://127.0.0.1:{_clientPort}");
    }

    public Uri Endpoint { get; }

    public string Name => _name;

    /// <summary>A single node.</summary>
    public static async Task<ServerProcess> StartAsync() => (await StartClusterAsync(1))[0];

    public static async Task<IReadOnlyList<ServerProcess>> StartClusterAsync(int size)
    {
        var ports = FreePorts.Next(2 * size);
        var initialCluster = string.Join(',', Enumerable.Range(1, size).Select(i => $"n{i}=127.0.0.1:{ports[^i]}"));
        var members = Enumerable.Range(1, size).Select(i => new ServerProcess($"n{i}", ports[i - 1], ports[^i], initialCluster)).ToList();
        await Task.WhenAll(members.Select(member => member.RunAsync()));
        return members;
    }

    /// <summary>Starts it, and returns when it serves.</summary>
    public async Task RunAsync()
    {
        _process = new Daemon(
        [
            "--name", _name,
            "--data-dir", Path.Combine(_root.Path, "data"),
            "--listen-client", $"127.0.0.1:{_clientPort}",
            "--listen-peer", $"127.0.0.1:{_peerPort}",
            "--initial-cluster", _initialCluster,
        ]);
        using var http = new HttpClient();
        await Eventually.UntilAsync(
            async () =>
            {
                Assert.That(_process.HasExited, Is.False, _process.Output);
                try
                {
                    return (await http.GetAsync(new Uri(Endpoint, "/readyz"))).IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            "the server is ready");
    }

    public void Kill()
    {
        _process!.Dispose();
        _process = null;
    }

    /// <summary>It answers nothing, and its connections stay.</summary>
    public void Freeze() => _process!.Signal(19);

    public void Thaw() => _process!.Signal(18);

    public void Dispose()
    {
        _process?.Dispose();
        _root.Dispose();
    }

    /// <summary>A port of loopback on which nobody listens.</summary>
    public static Uri DeadEndpoint() => new($"http://127.0.0.1:{FreePorts.Next()}");
}
