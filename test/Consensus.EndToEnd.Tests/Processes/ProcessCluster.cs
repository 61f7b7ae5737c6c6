using System.Net;
using System.Text;
using System.Text.Json;

namespace Consensus.EndToEnd.Tests.Processes;

/// <summary>Members as real processes on loopback, and plain HTTP to talk to them.</summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("consensus-e2e-").FullName;
    private readonly List<(int Client, int Peer)> _ports = [];
    private readonly ServerProcess?[] _processes;
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(1) }) { Timeout = Patience.Limit };

    private readonly int _initialSize;

    private ProcessCluster(int initialSize, int joining)
    {
        _initialSize = initialSize;
        var size = initialSize + joining;
        var ports = FreePorts.Next(2 * size);
        for (var i = 0; i < size; i++)
        {
            _ports.Add((ports[2 * i], ports[(2 * i) + 1]));
        }
        _processes = new ServerProcess?[size];
    }

    public int Size => _processes.Length;

    /// <param name="prepare">Given the cluster before its first member starts.</param>
    /// <param name="joining">Processes after the first <paramref name="size"/>, to be started to join them.</param>
    public static async Task<ProcessCluster> StartAsync(int size, Action<ProcessCluster>? prepare = null, int joining = 0)
    {
        var cluster = new ProcessCluster(size, joining);
        prepare?.Invoke(cluster);
        for (var i = 0; i < size; i++)
        {
            cluster.Start(i);
        }
        await cluster.UntilReadyAsync();
        return cluster;
    }

    public string DataOf(int member) => Path.Combine(_root, $"n{member + 1}");

    public int PeerPortOf(int member) => _ports[member].Peer;

    public int ClientPortOf(int member) => _ports[member].Client;

    public string[] ArgumentsOf(int member, string? initialCluster = null) =>
    [
        "--name", $"n{member + 1}",
        "--data-dir", DataOf(member),
        "--listen-client", $"127.0.0.1:{_ports[member].Client}",
        "--listen-peer", $"127.0.0.1:{_ports[member].Peer}",
        "--cluster-token", "e2e",
        "--snapshot-entries", "500",
        "--min-ttl", "100ms",
        .. member < _initialSize
            ? ["--initial-cluster", initialCluster ?? string.Join(',', _ports.Take(_initialSize).Select((p, i) => $"n{i + 1}=127.0.0.1:{p.Peer}"))]
            : new[] { "--join", $"127.0.0.1:{_ports[0].Peer}" },
    ];

    public void Start(int member, params string[] under) => _processes[member] = new ServerProcess(ArgumentsOf(member), under);

    /// <summary>Starts a member with arguments of the test's own.</summary>
    public void StartWith(int member, params string[] arguments) => _processes[member] = new ServerProcess(arguments);

    /// <summary>From its next start on the member listens for others on another port; those that are told a list are told the new one.</summary>
    public void Move(int member) => _ports[member] = (_ports[member].Client, FreePorts.Next());

    /// <summary>Waits for a member that ends by itself; its exit code and what it said.</summary>
    public async Task<(int Code, string Output)> EndAsync(int member)
    {
        using var process = _processes[member]!;
        var code = await process.ExitAsync();
        _processes[member] = null;
        return (code, process.Output);
    }

    public void Kill(int member)
    {
        _processes[member]!.Kill();
        _processes[member] = null;
    }

    public ServerProcess Process(int member) => _processes[member]!;

    public async Task StopAsync(int member)
    {
        _processes[member]!.Signal(15);
        Assert.That(await _processes[member]!.ExitAsync(), Is.Zero, _processes[member]!.Output);
        _processes[member] = null;
    }

    public async Task UntilReadyAsync()
    {
        for (var i = 0; i < Size; i++)
        {
            if (_processes[i] is { } process)
            {
                var member = i;
                await EventuallyAsync(
                    async () =>
                    {
                        Assert.That(process.HasExited, Is.False, process.Output);
                        return (await TryAsync(HttpMethod.Get, member, "/readyz")).Status == HttpStatusCode.OK;
                    },
                    $"n{i + 1} is ready");
            }
        }
    }

    public async Task<int> LeaderAsync()
    {
        var leader = -1;
        await EventuallyAsync(
            async () =>
            {
                for (var i = 0; i < Size && leader < 0; i++)
                {
                    if (_processes[i] is not null
                        && await TryAsync(HttpMethod.Get, i, "/v1/status") is { Status: HttpStatusCode.OK } status
                        && status.Json.GetProperty("role").GetString() == "leader")
                    {
                        leader = i;
                    }
                }
                return leader >= 0;
            },
            "somebody leads");
        return leader;
    }

    /// <summary>One request; a broken connection or a time-out comes back as status 0: nothing is known.</summary>
    public async Task<Answer> TryAsync(
        HttpMethod method, int member, string path, string? body = null, string? ifMatch = null, string? identity = null, CancellationToken cancellation = default)
    {
        using var request = new HttpRequestMessage(method, $"http://127.0.0.1:{_ports[member].Client}{path}");
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        }
        if (ifMatch is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        }
        if (identity is not null)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", identity);
        }
        try
        {
            using var response = await _http.SendAsync(request, cancellation);
            var bytes = await response.Content.ReadAsByteArrayAsync(cancellation);
            var json = bytes.Length > 0 && bytes[0] == '{' ? JsonDocument.Parse(bytes).RootElement : default;
            return new Answer(response.StatusCode, json);
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
        {
            return new Answer(0, default);
        }
    }

    /// <summary>Waits until a write is done at this member: somebody has to lead, and a machine that is busy may take its time to find out who.</summary>
    public Task UntilWrittenAsync(int member, string path, string value = "1") =>
        EventuallyAsync(async () => (await TryAsync(HttpMethod.Put, member, path, value)).IsOk, $"{path} is written");

    public static Task EventuallyAsync(Func<Task<bool>> condition, string what) => Patience.UntilAsync(condition, what);

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            if (process is not null && TestContext.CurrentContext.Result.Outcome.Status == NUnit.Framework.Interfaces.TestStatus.Failed)
            {
                await TestContext.Out.WriteLineAsync(process.Output);
            }
            process?.Dispose();
        }
        _http.Dispose();
        Directory.Delete(_root, recursive: true);
    }
}

internal readonly record struct Answer(HttpStatusCode Status, JsonElement Json)
{
    public bool IsOk => (int)Status is >= 200 and < 300;

    public long Number(string name) => Json.GetProperty(name).GetInt64();
}
