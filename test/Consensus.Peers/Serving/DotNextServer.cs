using System.Net;
using Consensus.Primitives;
using Consensus.Server;
using Consensus.Server.Hosting;
using Consensus.Server.Options;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using DotNext.Net.Cluster.Consensus.Raft;
using DotNext.Net.Cluster.Consensus.Raft.Membership;
using DotNext.Net.Cluster.Consensus.Raft.StateMachine;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Consensus.Peers.Serving;

/// <summary>
/// <c>dotnextd</c>: the web server and the state of <c>consensusd</c> on the library's Raft, with the options of <c>consensusd</c>, of
/// which those that the library has nothing for are
/// read and not used, and <c>--flushed</c>.
/// </summary>
internal static class DotNextServer
{
    private const string Flushed = "--flushed";

    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        ServerOptions options;
        try
        {
            options = ServerOptionsReader.Read([.. arguments.Where(argument => argument != Flushed)], _ => null);
        }
        catch (OptionsException e)
        {
            await Console.Error.WriteLineAsync($"dotnextd: {e.Message}");
            return ServerRunner.ExitWrongOptions;
        }
        await ServeAsync(options, arguments.Contains(Flushed));
        return ServerRunner.ExitDone;
    }

    private static async Task ServeAsync(ServerOptions options, bool flushed)
    {
        await using var app = ConsensusServer.Build(options.ListenClient);
        var members = options.InitialCluster.Select(member => new PeerMember(member.Name, IPEndPoint.Parse(member.PeerAddress))).ToList();
        var self = members.Single(member => member.Name == options.Name);
        var boot = Random.Shared.NextInt64(1, long.MaxValue);
        var requests = new WaitingRequests();
        var home = Path.GetFullPath(options.DataDirectory);
        var snapshots = new DirectoryInfo(Path.Combine(home, "snapshots"));
        await using var state = new AppliedState(snapshots, options.SnapshotEntries, requests.Resolve);
        // Before the log is opened, which begins where the snapshot ends.
        await state.RestoreAsync();
        await using var log = OpenLog(Path.Combine(home, "log"), state, flushed);
        var loggers = app.Services.GetRequiredService<ILoggerFactory>();
        await using var cluster = new RaftCluster(ConfigurationOf(options, self, members, loggers)) { AuditTrail = log };
        var board = new StatusBoard(
            new ClusterId(Digest.Of("cluster", options.ClusterToken)), self, members, boot, cluster, log, state, TimeProvider.System);
        var clock = new LeaderClock(TimeProvider.System);
        using var proposals = new Proposals(cluster, state, clock, () => board.LeaderUrl);
        var node = new DotNextNode(self.Id, boot, cluster, state, requests, proposals, board);
        var keeper = new HouseKeeper(
            node, proposals, state, () => clock.Now(cluster.Term, state.AppliedStamp), AnnouncementOf(self, boot, options.AdvertiseClient));
        var lifecycle = new ServerLifecycle(TimeProvider.System);
        app.Use((http, next) => http.Request.Path == Proposals.Route ? proposals.AnswerAsync(http) : next(http));
        app.MapConsensusApi(node, ServerRunner.InfoOf(options), lifecycle);
        await cluster.StartAsync();
        await app.StartAsync();
        var mode = flushed ? "flushing before it acknowledges" : "as shipped";
        await Console.Out.WriteLineAsync($"dotnextd {self.Name} serves on {options.ListenClient}, {mode}");
        using var stopping = new CancellationTokenSource();
        var keeping = keeper.RunAsync(stopping.Token);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = app.Lifetime.ApplicationStopping.Register(stopped.SetResult);
        await stopped.Task;
        lifecycle.BeginStopping();
        await stopping.CancelAsync();
        await keeping;
        await cluster.StopAsync();
        await app.StopAsync();
    }

    private static AnnounceMemberCommand AnnouncementOf(PeerMember self, long boot, string clientUrl) =>
        new(self.Id, self.Name, boot, clientUrl, self.Peer.ToString(), ConsensusServer.Version, ReplicatedState.SupportedFeatureLevel)
        {
            Settings = [.. SettingDefinition.All.Select(definition => new SettingValue(definition.Setting, definition.Default))],
        };

    private static WriteAheadLog OpenLog(string directory, AppliedState state, bool flushed)
    {
        var options = new WriteAheadLog.Options { Location = directory };
        return flushed ? new FlushedLog(options, state) : new WriteAheadLog(options, state);
    }

    /// <summary>
    /// The time-outs of <c>consensusd</c>, so that the two fail over alike; everything else as shipped. The members are those of the
    /// options, at every start.
    /// </summary>
    private static RaftCluster.TcpConfiguration ConfigurationOf(
        ServerOptions options, PeerMember self, IReadOnlyList<PeerMember> members, ILoggerFactory loggers)
    {
        var election = (int)options.ElectionTimeout.TotalMilliseconds;
        var configuration = new RaftCluster.TcpConfiguration(self.Peer)
        {
            // The library's, in memory.
            ConfigurationStorage = null!,
            LowerElectionTimeout = election,
            UpperElectionTimeout = 2 * election,
            HeartbeatThreshold = options.HeartbeatInterval / options.ElectionTimeout,
            ColdStart = false,
            LoggerFactory = loggers,
        };
        var storage = (InMemoryClusterConfigurationStorage<EndPoint>)configuration.ConfigurationStorage;
        var initial = storage.CreateInitialConfigurationBuilder();
        foreach (var member in members)
        {
            initial.Add(member.Peer);
        }
        initial.Build();
        return configuration;
    }
}
