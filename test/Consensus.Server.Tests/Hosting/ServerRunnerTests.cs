using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.Sockets;
using Consensus.Node;
using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Server.Hosting;
using Consensus.Server.Options;
using Consensus.Server.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Consensus.Server.Tests.Hosting;

/// <summary>The life of the process, without the process.</summary>
internal sealed class ServerRunnerTests
{
    private StringWriter _output = null!;
    private StringWriter _errors = null!;

    [SetUp]
    public void Start() => (_output, _errors) = (new StringWriter(), new StringWriter());

    private Task<int> RunAsync(string arguments, StartNode start) => ServerRunner.RunAsync(
        arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), _ => null, TextWriter.Synchronized(_output), TextWriter.Synchronized(_errors), start);

    private static StartNode Never => (_, _, _, _) => throw new InvalidOperationException("the node is not to be started");

    [Test]
    public async Task A_wrong_option_stops_the_start_with_one_sentence()
    {
        Assert.That(await RunAsync("--naem x", Never), Is.EqualTo(2));
        Assert.That(_errors.ToString(), Is.EqualTo("consensusd: --naem is not an option; did you mean --name?" + Environment.NewLine));
        Assert.That(_output.ToString(), Is.Empty);
    }

    [Test]
    public async Task Help_and_version_are_printed()
    {
        Assert.That(await RunAsync("--help", Never), Is.Zero);
        Assert.That(_output.ToString(), Does.Contain("--initial-cluster"));
        _output.GetStringBuilder().Clear();
        Assert.That(await RunAsync("-h", Never), Is.Zero);
        Assert.That(_output.ToString(), Does.Contain("--initial-cluster"));
        Assert.That(await RunAsync("--version", Never), Is.Zero);
        Assert.That(_output.ToString(), Does.Contain("consensusd " + ConsensusServer.Version));
    }

    [Test]
    public async Task A_refusal_of_the_storage_is_told_in_one_sentence()
    {
        var code = await RunAsync("", (_, _, _, _) => throw new StorageRefusedException("the log is damaged at 7"));
        Assert.That(code, Is.EqualTo(1));
        Assert.That(_errors.ToString(), Is.EqualTo("consensusd: the log is damaged at 7" + Environment.NewLine));
    }

    [Test]
    public async Task A_port_in_use_is_told_in_one_sentence()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        taken.Listen();
        var host = new Host();
        var code = await RunAsync($"--listen-client {taken.LocalEndPoint}", (_, _, _, _) => Task.FromResult<INodeHost>(host));
        Assert.That(code, Is.EqualTo(1));
        Assert.That(_errors.ToString().Trim(), Does.Contain("in use").And.Not.Contain("\n"));
        Assert.That(host.IsDisposed, Is.True);
    }

    [Test]
    public async Task A_start_that_fails_is_not_told_a_second_time_by_the_hosts_log()
    {
        await using var app = ConsensusServer.Build(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        var loggers = app.Services.GetRequiredService<ILoggerFactory>();
        Assert.That(loggers.CreateLogger("Microsoft.Extensions.Hosting.Internal.Host").IsEnabled(LogLevel.Error), Is.False);
        Assert.That(loggers.CreateLogger("Microsoft.AspNetCore.Server.Kestrel").IsEnabled(LogLevel.Error), Is.True);
    }

    [Test]
    public async Task A_full_disk_at_the_start_is_told_in_one_sentence()
    {
        Assert.That(await RunAsync("", (_, _, _, _) => throw new StorageFailedException("the disk is full")), Is.EqualTo(1));
        Assert.That(_errors.ToString(), Is.EqualTo("consensusd: the disk is full" + Environment.NewLine));
    }

    [Test]
    public async Task A_server_tells_where_it_listens_serves_and_ends_cleanly()
    {
        var host = new Host();
        ServerOptions? given = null;
        using var loggedIn = new StopByHost();
        var running = RunAsync("--listen-client 127.0.0.1:0 --listen-peer 127.0.0.1:0 --data-dir /nowhere/data --admin-socket none",
            (options, _, loggers, _) =>
        {
            given = options;
            return Task.FromResult<INodeHost>(host);
        });
        await UntilAsync(() => _output.ToString().Contains("Ready after", StringComparison.Ordinal), running);
        Assert.That(given!.ListenClient.Port, Is.Positive);
        Assert.That(given.AdvertiseClient, Is.EqualTo($"http://{given.ListenClient}"));
        Assert.That(given.InitialCluster.Single().PeerAddress, Is.EqualTo(given.ListenPeer.ToString()));
        Assert.That(_output.ToString(), Does.Contain($"curl http://{given.ListenClient}/v1/locks/demo -d").And.Contain("/nowhere/data"));
        using var client = new HttpClient { BaseAddress = new Uri(given.AdvertiseClient) };
        Assert.That((await client.GetFromJsonAsync("/readyz", Api.ApiJson.Default.ReadyAnswer))!.Ready, Is.True);
        host.OnStop = async () =>
        {
            using var answer = await client.GetAsync(new Uri("/readyz", UriKind.Relative));
            Assert.That((int)answer.StatusCode, Is.EqualTo(503), "not ready while it stops");
        };
        loggedIn.Terminate();
        Assert.That(await running, Is.Zero);
        Assert.That(host.StoppedWithin, Is.EqualTo(TimeSpan.FromSeconds(2)));
    }

    [Test]
    public async Task A_directory_that_was_removed_is_refused_with_an_exit_code_of_its_own()
    {
        var code = await RunAsync("", (_, _, _, _) => throw new MemberRemovedException("n1 was removed"));
        Assert.That(code, Is.EqualTo(ServerRunner.ExitRemoved).And.EqualTo(3));
        Assert.That(_errors.ToString(), Is.EqualTo("consensusd: n1 was removed" + Environment.NewLine));
    }

    [Test]
    public async Task A_member_that_learns_that_it_was_removed_stops_cleanly_and_says_so()
    {
        var host = new Host();
        host.RemovedSource.SetResult("n1 was removed");
        var code = await RunAsync(
            "--listen-client 127.0.0.1:0 --listen-peer 127.0.0.1:0 --data-dir /nowhere/data --admin-socket none",
            (_, _, _, _) => Task.FromResult<INodeHost>(host));
        Assert.That(code, Is.EqualTo(ServerRunner.ExitRemoved));
        Assert.That(_errors.ToString(), Is.EqualTo("consensusd: n1 was removed" + Environment.NewLine));
        Assert.That(host.StoppedWithin, Is.EqualTo(TimeSpan.FromSeconds(2)));
    }

    private static Task UntilAsync(Func<bool> condition, Task running) => Patience.UntilAsync(
        async () =>
        {
            if (running.IsCompleted)
            {
                await running;
                Assert.Fail("the server ended");
            }
            return condition();
        },
        "the server runs");

    /// <summary>Sends this process the signal that an operator would: the server takes it and nothing else here does.</summary>
    private sealed class StopByHost : IDisposable
    {
        private readonly System.Runtime.InteropServices.PosixSignalRegistration _shield =
            System.Runtime.InteropServices.PosixSignalRegistration.Create(
                System.Runtime.InteropServices.PosixSignal.SIGTERM, context => context.Cancel = true);

        public void Terminate()
        {
            using var kill = Process.Start("kill", ["-TERM", Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
            kill.WaitForExit();
        }

        public void Dispose() => _shield.Dispose();
    }

    private sealed class Host : INodeHost
    {
        public IConsensusNode Node { get; } = new InProcessNode();

        public TaskCompletionSource<string> RemovedSource { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Removed => RemovedSource.Task;

        public TimeSpan? StoppedWithin { get; private set; }

        public bool IsDisposed { get; private set; }

        public Func<Task> OnStop { get; set; } = () => Task.CompletedTask;

        public async Task StopAsync(TimeSpan limit)
        {
            StoppedWithin = limit;
            await OnStop();
        }

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return ValueTask.CompletedTask;
        }
    }
}
