using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace Consensus.Client.Tests.Support;

/// <summary>A member as a real process with a data directory of its own; it can be killed and started again where it was.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("consensus-client-").FullName;
    private readonly string _name;
    private readonly int _clientPort;
    private readonly int _peerPort;
    private readonly string _initialCluster;
    private readonly StringBuilder _output = new();
    private Process? _process;

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
        var directory = typeof(ServerProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "ServerDirectory").Value!;
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
        [
            Path.Combine(directory, "consensusd.dll"),
            "--name", _name,
            "--data-dir", Path.Combine(_root, "data"),
            "--listen-client", $"127.0.0.1:{_clientPort}",
            "--listen-peer", $"127.0.0.1:{_peerPort}",
            "--initial-cluster", _initialCluster,
        ];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        using var http = new HttpClient();
        await Eventually.UntilAsync(
            async () =>
            {
                Assert.That(_process.HasExited, Is.False, ToString());
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
        _process!.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
    }

    /// <summary>It answers nothing, and its connections stay.</summary>
    public void Freeze() => Assert.That(Signal(_process!.Id, 19), Is.Zero);

    public void Thaw() => Assert.That(Signal(_process!.Id, 18), Is.Zero);

    public override string ToString()
    {
        lock (_output)
        {
            return _output.ToString();
        }
    }

    public void Dispose()
    {
        if (_process is not null)
        {
            Kill();
        }
        Directory.Delete(_root, recursive: true);
    }

    /// <summary>A port of loopback on which nobody listens.</summary>
    public static Uri DeadEndpoint() => new($"http://127.0.0.1:{FreePorts.Next()}");

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Signal(int process, int signal);

    private void Keep(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }
}
