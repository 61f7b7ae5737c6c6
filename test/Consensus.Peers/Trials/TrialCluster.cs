using System.Diagnostics;
using System.Globalization;

namespace Consensus.Peers.Trials;

/// <summary>A trial could not be held: that is no finding.</summary>
internal sealed class TrialFailedException(string message) : Exception(message);

/// <summary>Three members of one system on loopback with new data directories, for one trial.</summary>
internal sealed class TrialCluster : IDisposable
{
    public const int Size = 3;

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(2) };

    private readonly TrialSystem _system;
    private readonly string _directory;
    private readonly SlowSync? _slow;
    private readonly int[] _clientPorts = FreePorts.Next(Size);
    private readonly int[] _peerPorts = FreePorts.Next(Size);
    private readonly TrialProcess?[] _members = new TrialProcess?[Size];

    /// <param name="slow">Preloaded into every member, where it waits for its flag; null for none.</param>
    public TrialCluster(TrialSystem system, SlowSync? slow)
    {
        (_system, _slow) = (system, slow);
        _directory = Directory.CreateTempSubdirectory("consensus-peers-").FullName;
        for (var member = 0; member < Size; member++)
        {
            Start(member);
        }
    }

    public Uri UrlOf(int member) => new($"http://{AddressOf(_clientPorts[member])}");

    public TrialProcess this[int member] => _members[member]!;

    public void Start(int member)
    {
        _members[member]?.Dispose();
        string[] arguments =
        [
            "--name", NameOf(member),
            "--data-dir", Path.Combine(_directory, NameOf(member)),
            "--listen-client", AddressOf(_clientPorts[member]),
            "--listen-peer", AddressOf(_peerPorts[member]),
            "--initial-cluster", string.Join(',', _peerPorts.Select((port, i) => $"{NameOf(i)}={AddressOf(port)}")),
            .. _system.More,
        ];
        var environment = _slow?.EnvironmentOf(FlagOf(member)) ?? new Dictionary<string, string>();
        _members[member] = new TrialProcess(_system.Program, arguments, environment);
    }

    /// <summary>From now on every flush of this member takes longer.</summary>
    public void SlowDown(int member) => File.WriteAllText(FlagOf(member), "");

    /// <summary>How many flushes of this member took longer.</summary>
    public long DelayedFlushes(int member)
    {
        var counted = new FileInfo(FlagOf(member) + ".delayed");
        return counted.Exists ? counted.Length : 0;
    }

    /// <summary>Waits until each of these is ready.</summary>
    public async Task WaitUntilReadyAsync(params int[] members)
    {
        var since = Stopwatch.GetTimestamp();
        foreach (var member in members)
        {
            while (await TryGetAsync(member, "/readyz") is null)
            {
                if (this[member].HasEnded || Stopwatch.GetElapsedTime(since) > StartLimit)
                {
                    throw Failed(this[member].HasEnded ? "a member ended" : "a member is not ready", member);
                }
                await Task.Delay(PollInterval);
            }
        }
    }

    /// <summary>The one of these that says that it leads.</summary>
    public async Task<int> FindLeaderAsync(params int[] members)
    {
        for (var since = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(since) < StartLimit; await Task.Delay(PollInterval))
        {
            foreach (var member in members)
            {
                var status = await TryGetAsync(member, "/v1/status") ?? "";
                if (status.Contains("\"role\":\"leader\"", StringComparison.OrdinalIgnoreCase))
                {
                    return member;
                }
            }
        }
        throw new TrialFailedException($"{_system.Name}: nobody leads");
    }

    /// <param name="member">Whose output tells most of it.</param>
    public TrialFailedException Failed(string what, int member) =>
        new($"{_system.Name}: {what}. The last that {NameOf(member)} said:\n{this[member].Output}");

    public void Dispose()
    {
        foreach (var member in _members)
        {
            member?.Dispose();
        }
        Directory.Delete(_directory, recursive: true);
    }

    private static string NameOf(int member) => string.Create(CultureInfo.InvariantCulture, $"n{member + 1}");

    private static string AddressOf(int port) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");

    private static string? TextOf(HttpResponseMessage answer) =>
        answer.IsSuccessStatusCode ? new StreamReader(answer.Content.ReadAsStream()).ReadToEnd() : null;

    /// <summary>The body of a success.</summary>
    private async Task<string?> TryGetAsync(int member, string path)
    {
        try
        {
            using var answer = await Http.GetAsync(new Uri(UrlOf(member), path));
            return TextOf(answer);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
        {
            return null;
        }
    }

    private string FlagOf(int member) => Path.Combine(_directory, $"{NameOf(member)}.slow");
}
