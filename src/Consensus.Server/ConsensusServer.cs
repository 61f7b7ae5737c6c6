using System.Net;
using System.Reflection;
using Consensus.Node;
using Consensus.Node.Core.Flow;
using Consensus.Server.Auth;
using Consensus.Server.Backups;
using Consensus.Server.Cluster;
using Consensus.Server.Commands;
using Consensus.Server.Comparison;
using Consensus.Server.Connections;
using Consensus.Server.Elections;
using Consensus.Server.Fences;
using Consensus.Server.Holds;
using Consensus.Server.Hosting;
using Consensus.Server.Http;
using Consensus.Server.KeyValue;
using Consensus.Server.Leases;
using Consensus.Server.Lists;
using Consensus.Server.Locks;
using Consensus.Server.Metrics;
using Consensus.Server.OpenApi;
using Consensus.Server.Requests;
using Consensus.Server.Routing;
using Consensus.Server.Semaphores;
using Consensus.Server.Settings;
using Consensus.Server.Tls;
using Consensus.Server.Tokens;
using Consensus.Server.Transactions;
using Consensus.Server.Watches;
using Consensus.Server.WebTokens;

namespace Consensus.Server;

/// <summary>The HTTP server around a node.</summary>
public static class ConsensusServer
{
    public static string Version { get; } =
        typeof(ConsensusServer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    /// <summary>A web application on Kestrel with this server's limits, that has no routes yet.</summary>
    /// <param name="tls">Null: it speaks without TLS. Else the same that its <see cref="ServerInfo"/> has.</param>
    /// <param name="adminSocket">The path of a socket for whoever has the machine; null: there is none.</param>
    /// <param name="webTokens">Whose JSON Web Tokens are believed; null: nobody's.</param>
    public static WebApplication Build(
        IPEndPoint listen, ServerTls? tls = null, string? adminSocket = null, WebTokenReload? webTokens = null)
    {
        // Empty: ours is the one place that reads options, not ASPNETCORE_URLS, and no appsettings.json of whatever directory this runs in.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "consensusd" });
        builder.WebHost.UseKestrelCore();
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Logging.AddFilter("Consensus", LogLevel.Information);
        // A start that fails (a port in use) is told once, in ServerRunner's one sentence; the host would log the same with its stack trace.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        // Kestrel notes that HTTP/2 lacks TLS here; Http2PriorKnowledge sees to that.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error);
        // While anything could be logged there, the host gives every request an activity and a logging scope, whose ids nothing here would print.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        var tokens = new TokenJudge(tls?.Source.Time ?? TimeProvider.System, tls?.Clock ?? TimeProvider.System, webTokens);
        builder.Services.AddSingleton(tokens);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        // Requests go on where their bytes arrived, and answers leave from where they were made: no handler here blocks a thread, so two of the four
        // changes of threads that a request costs otherwise buy nothing.
        builder.WebHost.UseSockets(sockets =>
        {
            sockets.UnsafePreferInlineScheduling = true;
            KestrelLimits.Apply(sockets);
        });
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            KestrelLimits.Apply(kestrel, ProcessMemory.AvailableBytes, hasTls: tls is not null);
            KestrelLimits.Listen(kestrel, listen, tls, tokens, TimeProvider.System);
            if (adminSocket is not null)
            {
                KestrelLimits.ListenLocally(kestrel, adminSocket, TimeProvider.System);
            }
        });
        return builder.Build();
    }

    /// <summary>Every route of the API, as the application's one and only handler.</summary>
    public static void MapConsensusApi(this WebApplication app, IConsensusNode node, ServerInfo info, ServerLifecycle lifecycle)
    {
        ArgumentNullException.ThrowIfNull(app);
        ArgumentNullException.ThrowIfNull(info);
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Consensus.Server");
        var unsent = new ByteBudget(info.MaxUnsentAnswerBytes);
        var replies = new Replies(node, unsent, asksWho: info.Tls is not null);
        var counters = new RequestCounters();
        var views = new PinnedViews(TimeProvider.System);
        app.Lifetime.ApplicationStopped.Register(views.Dispose);
        var compared = new ComparedViews(TimeProvider.System);
        app.Lifetime.ApplicationStopped.Register(compared.Dispose);
        var watches = new WatchHub(node, TimeProvider.System, info.MaxWatches, info.MaxWatchMessageBytes, logger);
        app.Lifetime.ApplicationStopping.Register(watches.Stop);
        app.Lifetime.ApplicationStopped.Register(watches.Dispose);
        var bodies = new UnfinishedBodies(info.MaxUnfinishedBodyBytes, info.BodyTimeLimit, TimeProvider.System);
        var streams = new StreamMemory(info.MaxStreamBytes, replies, TimeProvider.System);
        var held = new HeldByServer(node, bodies, streams, unsent, watches, info.Audit?.Log);
        info.Tls?.Revoked.Follow(() => node.Policy);
        var tokens = app.Services.GetRequiredService<TokenJudge>();
        tokens.Follow(() => node.Policy);
        tokens.WebTokens?.Changed = tokens.Look;
        var look = TimeProvider.System.CreateTimer(static state => ((TokenJudge)state!).Look(), tokens, TokenJudge.LookEvery, TokenJudge.LookEvery);
        app.Lifetime.ApplicationStopped.Register(look.Dispose);
        var gate = new AccessGate(node, info.Insecure, info.AwaitsForming);
        var endpoints = CreateEndpoints(node, replies, gate, info, lifecycle, views, compared, watches, bodies, held, counters, tokens, logger);
        var hosts = new HostGuard(info.HostNames, info.ListensOnAnyAddress, info.Tls?.Source);
        var callers = new CallerGuard(info.Tls, tokens);
        var dispatcher = new ApiDispatcher(endpoints, replies, hosts, callers, gate, bodies, counters, info.Audit, logger);
        app.Run(streams.Around(dispatcher.InvokeAsync));
    }

    internal static Endpoints CreateEndpoints(
        IConsensusNode node,
        Replies replies,
        AccessGate gate,
        ServerInfo info,
        ServerLifecycle lifecycle,
        PinnedViews views,
        ComparedViews compared,
        WatchHub hub,
        UnfinishedBodies bodies,
        HeldByServer held,
        RequestCounters counters,
        TokenJudge tokens,
        ILogger logger)
    {
        var commands = new CommandRunner(node);
        var reads = new JudgedReads(node, gate);
        var (records, changes) = (new PolicyRecordReads(node, reads, replies), new PolicyChanges(node, commands, replies, logger));
        var lists = new ListReader(node, reads, views);
        var watches = new WatchEndpoints(reads, hub, replies);
        HoldReadEndpoints ReadsOf(HoldForm form) => new(form, node, reads, lists, watches, replies);
        var waits = new SlicedWaits(node, replies, TimeProvider.System);
        HoldWriteEndpoints WritesOf(HoldForm form) => new(form, node, commands, waits, replies, info, logger);
        var (locks, semaphores, elections) = (new LockForm(replies), new SemaphoreForm(replies), new ElectionForm(replies));
        var members = new MemberLookup(node, gate);
        var alarms = new MemberAlarms(
            new DiskSpace(info.DataDirectory, TimeProvider.System).Read, info.Tls, info.Keys, info.Audit?.Log, tokens.WebTokens);
        return new Endpoints(
            new KeyReadEndpoints(reads, lists, watches, replies),
            new KeyWriteEndpoints(commands, replies),
            new LeaseReadEndpoints(node, reads, lists, watches, replies),
            new LeaseEndpoints(node, commands, replies, info),
            new SettleEndpoint(commands, replies),
            new HoldEndpoints(ReadsOf(locks).GetAsync, WritesOf(locks)),
            new HoldEndpoints(ReadsOf(semaphores).GetAsync, WritesOf(semaphores)),
            new HoldEndpoints(new ElectionReadEndpoints(ReadsOf(elections), watches, replies).GetAsync, WritesOf(elections)),
            new MultiLockEndpoint(node, commands, waits, replies, info),
            new FenceEndpoints(node, reads, commands, lists, replies, logger),
            new SettingEndpoints(node, reads, commands, replies, logger),
            new TxnEndpoint(reads, commands, replies),
            new WithdrawEndpoint(commands, replies),
            new AuthEndpoints(reads, changes, replies, knowsCallers: info.Tls is not null),
            new RoleEndpoints(records, changes, replies),
            new PrincipalEndpoints(records, changes, replies),
            new RevocationEndpoints(records, reads, changes, replies, new CertificatesInUse(node, info.Tls?.Source)),
            new TokenEndpoints(node, reads, changes, replies, tokens),
            new ClusterEndpoints(node, members, replies, info, lifecycle, alarms, counters, hub),
            new StateHashEndpoint(node, replies),
            new StateTableEndpoints(node, reads, compared, replies),
            new SnapshotEndpoint(node, gate, replies, logger),
            new MemberEndpoints(node, members, replies, logger),
            new HealthEndpoints(node, gate, replies, lifecycle),
            new MetricsEndpoint(node, replies, counters, hub, bodies, held, info, lifecycle, alarms, tokens.WebTokens),
            new OpenApiEndpoint(replies));
    }
}
