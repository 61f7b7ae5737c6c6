using System.Net.Sockets;
using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Security.Certificates;
using Consensus.Security.Generations;
using Consensus.Server.Audit;
using Consensus.Server.Options;
using Consensus.Server.Tls;
using Consensus.Server.WebTokens;
using Consensus.Transport.Formation;
using Microsoft.AspNetCore.Connections;

namespace Consensus.Server.Hosting;

/// <summary>Starts a node with these options. Called once; the application's logger factory is shared.</summary>
/// <param name="tls">By which certificates it links to the other members; null: without.</param>
public delegate Task<INodeHost> StartNode(
    ServerOptions options, ITlsSource? tls, ILoggerFactory loggers, CancellationToken cancellationToken);

/// <summary>The life of the process: options, start, ready, stop.</summary>
public static class ServerRunner
{
    public const int ExitDone = 0;
    public const int ExitFailed = 1;
    public const int ExitWrongOptions = 2;

    /// <summary>The member was removed from its cluster: to start it again is of no use.</summary>
    public const int ExitRemoved = 3;

    /// <summary>Most time that a clean stop takes (rule 30).</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan ReadyPollInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>About five seconds: an election, and a log that has to be caught up with, are over sooner.</summary>
    private const int LooksBeforeNotice = 100;

    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, Func<string, string?> environment, TextWriter output, TextWriter errors, StartNode startNode)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(errors);
        ArgumentNullException.ThrowIfNull(startNode);
        if (arguments.Contains("--help") || arguments is ["-h" or "-?" or "help"])
        {
            await output.WriteAsync(HelpText.Write(ConsensusServer.Version));
            return ExitDone;
        }
        if (arguments.Contains("--version"))
        {
            await output.WriteLineAsync($"consensusd {ConsensusServer.Version}");
            return ExitDone;
        }
        try
        {
            var options = EphemeralPorts.Resolve(ServerOptionsReader.Read(arguments, environment));
            using var certificates = options.Tls is null ? null : TlsReload.Open(options, TimeProvider.System);
            using var webTokens = options.Jwt is { } issuers ? WebTokenReload.Open(issuers, TimeProvider.System) : null;
            if (certificates?.Tls.Source.Current.Own.Name is { } name && !options.IsClusterTokenGiven)
            {
                options = options with { ClusterToken = name.Domain };
            }
            return await ServeAsync(options, certificates, webTokens, output, errors, startNode);
        }
        catch (MemberRemovedException e)
        {
            await errors.WriteLineAsync($"consensusd: {e.Message}");
            return ExitRemoved;
        }
        catch (OptionsException e)
        {
            await errors.WriteLineAsync($"consensusd: {e.Message}{(e.Message.EndsWith('?') ? "" : ".")}");
            return ExitWrongOptions;
        }
        catch (Exception e) when (e is BundleException or WebTokenException)
        {
            await errors.WriteLineAsync($"consensusd: {e.Message}.");
            return ExitWrongOptions;
        }
        catch (Exception e) when (IsRefusal(e))
        {
            await errors.WriteLineAsync($"consensusd: {e.Message}");
            return ExitFailed;
        }
    }

    /// <summary>What an operator can put right, told in one sentence; anything else shows where it came from.</summary>
    private static bool IsRefusal(Exception e) =>
        e is StorageRefusedException or StorageFailedException or FormationRefusedException or IOException or UnauthorizedAccessException or SocketException or AddressInUseException;

    private static async Task<int> ServeAsync(
        ServerOptions options,
        TlsReload? certificates,
        WebTokenReload? webTokens,
        TextWriter output,
        TextWriter errors,
        StartNode startNode)
    {
        var tls = certificates?.Tls;
        var lifecycle = new ServerLifecycle(TimeProvider.System);
        // A third of a start is the web host's: it is put together while the node reads its disk, forms and elects.
        using var loggers = new EarlyLoggers();
        var building = Task.Run(() =>
        {
            var built = ConsensusServer.Build(options.ListenClient, tls, AdminSocketOf(options, loggers), webTokens);
            loggers.Provide(built.Services.GetRequiredService<ILoggerFactory>());
            return built;
        });
        // From the first moment on: until all of a new cluster have met, days may pass.
        certificates?.Start(loggers.CreateLogger("Consensus.Tls"));
        webTokens?.Start(loggers.CreateLogger("Consensus.Jwt"));
        var starting = StartAsync(options, tls?.Source, loggers, startNode);
        await using var app = await building;
        await using var host = await starting;
        using var audit = AuditStart.Open(options, host.Node, certificates, loggers.CreateLogger("Consensus.Audit"));
        app.MapConsensusApi(host.Node, InfoOf(options) with { Tls = tls, Keys = host.Keys, Audit = audit?.Trail }, lifecycle);
        await app.StartAsync();
        await output.WriteAsync(StartupText.Listening(options, host.Node.Status, tls?.Source.Current.Own));
        await output.FlushAsync();
        var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = app.Lifetime.ApplicationStopping.Register(stopping.SetResult);
        var ending = Task.WhenAny(stopping.Task, host.Removed);
        await SayWhenReadyAsync(host, lifecycle, output, ending);
        await ending;
        lifecycle.BeginStopping();
        await host.StopAsync(StopLimit);
        await app.StopAsync();
        if (!host.Removed.IsCompletedSuccessfully)
        {
            return ExitDone;
        }
        await errors.WriteLineAsync($"consensusd: {await host.Removed}");
        return ExitRemoved;
    }

    /// <summary>Null: there is none. A data directory that lies too deep has none either, and its member says so.</summary>
    private static string? AdminSocketOf(ServerOptions options, EarlyLoggers loggers)
    {
        if (!options.HasAdminSocket || AdminSocket.PathIn(options.DataDirectory) is not { } path)
        {
            return null;
        }
        if (AdminSocket.Fits(path))
        {
            return path;
        }
        loggers.CreateLogger("Consensus.Server").LogWarning(
            "there is no admin socket: its path {Path} has more than the {Most} bytes that an address has room for",
            path,
            AdminSocket.MostPathBytes);
        return null;
    }

    /// <summary>A start that is refused at once is so by its task too.</summary>
    private static async Task<INodeHost> StartAsync(ServerOptions options, ITlsSource? tls, ILoggerFactory loggers, StartNode startNode) =>
        await startNode(options, tls, loggers, CancellationToken.None);

    private static async Task SayWhenReadyAsync(INodeHost host, ServerLifecycle lifecycle, TextWriter output, Task ending)
    {
        using var poll = new PeriodicTimer(ReadyPollInterval);
        for (var looks = 1; !host.Node.Status.Ready; looks++)
        {
            if (ending.IsCompleted)
            {
                return;
            }
            if (looks == LooksBeforeNotice)
            {
                await output.WriteAsync(StartupText.Waiting(host.Node.Status));
                await output.FlushAsync();
            }
            await poll.WaitForNextTickAsync();
        }
        await output.WriteAsync(StartupText.Ready(host.Node.Status, lifecycle.Uptime));
        await output.FlushAsync();
    }

    public static ServerInfo InfoOf(ServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new ServerInfo
        {
            Version = ConsensusServer.Version,
            Insecure = options.Insecure,
            AwaitsForming = options.Tls is not null,
            DataDirectory = options.DataDirectory,
            MinTtlMicros = options.MinTtl.Ticks / TimeSpan.TicksPerMicrosecond,
            HostNames = [.. options.AllowedHosts, options.ListenClient.Address.ToString(), new Uri(options.AdvertiseClient).Host],
            ListensOnAnyAddress = ListenAddress.IsAny(options.ListenClient.Address),
        };
    }
}
