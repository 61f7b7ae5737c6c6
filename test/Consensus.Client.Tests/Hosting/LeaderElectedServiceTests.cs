using System.Collections.Concurrent;
using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Consensus.Client.Tests.Hosting;

/// <summary>A leader-elected service in a real host.</summary>
internal sealed class LeaderElectedServiceTests
{
    private const string Election = "worker";

    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(6);

    private InMemoryCluster _cluster = null!;
    private Journal _journal = null!;

    [SetUp]
    public void Start() => (_cluster, _journal) = (new InMemoryCluster(), new Journal());

    [TearDown]
    public void Stop() => _cluster.Dispose();

    [Test]
    public async Task The_service_runs_only_while_its_process_leads()
    {
        using var first = await StartHostAsync("first");
        await Eventually.UntilAsync(() => _journal.Running == 1, "the first runs");
        using var second = await StartHostAsync("second");
        using var client = _cluster.CreateClient("looker");
        Assert.That((await client.GetLeaderAsync(Election)).Leader, Is.EqualTo("first"));

        await first.StopAsync();
        await Eventually.UntilAsync(() => _journal.Entries.Contains("second started"), "the second takes over");
        await second.StopAsync();

        Assert.That(_journal.Entries, Is.EqualTo(new[] { "first started", "first stopped", "second started", "second stopped" }));
        Assert.That(_journal.MostRunning, Is.EqualTo(1));
        Assert.That(_journal.Tokens, Is.Ordered.Ascending.And.Unique);
        Assert.That((await client.GetLeaderAsync(Election)).Leader, Is.Null, "it resigned");
    }

    [Test]
    public async Task The_work_has_stopped_before_the_process_resigns()
    {
        using var host = await StartHostAsync("first");
        await Eventually.UntilAsync(() => _journal.Running == 1, "it runs");
        using var client = _cluster.CreateClient("looker");
        _journal.HoldStop = new TaskCompletionSource();

        var stopping = host.StopAsync();
        await Eventually.UntilAsync(() => _journal.StopsAsked == 1, "it is told to stop");
        Assert.That((await client.GetLeaderAsync(Election)).Leader, Is.EqualTo("first"), "its work has not stopped yet");
        _journal.HoldStop.SetResult();

        await stopping.InTimeAsync();
        Assert.That((await client.GetLeaderAsync(Election)).Leader, Is.Null);
    }

    [Test]
    public async Task A_service_that_lost_its_leadership_is_stopped_and_runs_again_when_elected_again()
    {
        using var host = await StartHostAsync("first");
        await Eventually.UntilAsync(() => _journal.Running == 1, "it runs");

        _cluster.BreakLeadership(Election);

        await Eventually.UntilAsync(() => _journal.Entries.Count(entry => entry == "first started") == 2, "it runs again");
        await host.StopAsync();
        Assert.That(_journal.Entries, Is.EqualTo(new[] { "first started", "first stopped", "first started", "first stopped" }));
        Assert.That(_journal.MostRunning, Is.EqualTo(1));
    }

    [Test]
    public async Task A_service_that_fails_resigns_and_runs_again()
    {
        _journal.Failures = 1;
        using var host = await StartHostAsync("first");

        await Eventually.UntilAsync(() => _journal.Entries.Count(entry => entry == "first started") == 2, "it runs again");

        await host.StopAsync();
        Assert.That(_journal.Tokens, Is.Unique);
    }

    [Test]
    public async Task Leadership_is_not_given_up_while_the_work_may_still_run()
    {
        var time = new ManualTimeProvider();
        _cluster.Dispose();
        _cluster = new InMemoryCluster(time);
        using var host = await StartHostAsync("first");
        await Eventually.UntilAsync(() => _journal.Running == 1, "it runs");
        using var client = _cluster.CreateClient("looker");
        _journal.HoldStop = new TaskCompletionSource();

        await host.StopAsync(new CancellationToken(canceled: true)).InTimeAsync();

        Assert.That((await client.GetLeaderAsync(Election)).Leader, Is.EqualTo("first"));
        await Eventually.UntilAsync(
            async () =>
            {
                // A renewal may still be under way.
                time.Advance(Ttl / 10);
                return (await client.GetLeaderAsync(Election)).Leader is null;
            },
            "it ends with its lease");
        _journal.HoldStop.SetResult();
    }

    [Test]
    public async Task A_health_check_tells_whether_the_cluster_answers()
    {
        using var client = _cluster.CreateClient();
        var check = new ConsensusHealthCheck(client);
        var context = new Microsoft.Extensions.Diagnostics.HealthChecks.HealthCheckContext
        {
            Registration = new("consensus", check, Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Degraded, null),
        };
        Assert.That((await check.CheckHealthAsync(context)).Status, Is.EqualTo(Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy));

        _cluster.Disconnect(client);

        Assert.That((await check.CheckHealthAsync(context)).Status, Is.EqualTo(Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Degraded));
    }

    [Test]
    public void The_client_is_registered_once_with_its_options()
    {
        var services = new ServiceCollection();
        services.AddConsensusClient("http://127.0.0.1:1, http://127.0.0.1:2").AddConsensusClient("http://127.0.0.1:3");
        using var provider = services.BuildServiceProvider();

        Assert.That(provider.GetServices<IConsensusClient>().Count(), Is.EqualTo(1));
        Assert.That(provider.GetService<ConsensusHealthCheck>(), Is.Not.Null);
    }

    private async Task<IHost> StartHostAsync(string name)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(_ => _cluster.CreateClient(name));
        builder.Services.AddSingleton(_journal);
        builder.Services.AddLeaderElectedHostedService<Worker>(
            Election, new LeaderElectedOptions { Ttl = Ttl, RestartPause = TimeSpan.FromMilliseconds(10) });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    /// <summary>What the workers of all hosts did.</summary>
    private sealed class Journal
    {
        private readonly Lock _gate = new();
        private readonly List<string> _entries = [];

        public ConcurrentQueue<long> Tokens { get; } = new();

        public int Running { get; private set; }

        public int MostRunning { get; private set; }

        public int StopsAsked { get; private set; }

        public int Failures { get; set; }

        public TaskCompletionSource? HoldStop { get; set; }

        public IReadOnlyList<string> Entries
        {
            get
            {
                lock (_gate)
                {
                    return [.. _entries];
                }
            }
        }

        public bool Started(LeadershipHandle leadership)
        {
            lock (_gate)
            {
                _entries.Add($"{leadership.Candidate} started");
                Tokens.Enqueue(leadership.FencingToken);
                MostRunning = Math.Max(MostRunning, ++Running);
                return Failures-- > 0;
            }
        }

        public void StopAsked()
        {
            lock (_gate)
            {
                StopsAsked++;
            }
        }

        public void Stopped(LeadershipHandle leadership)
        {
            lock (_gate)
            {
                _entries.Add($"{leadership.Candidate} stopped");
                Running--;
            }
        }
    }

    private sealed class Worker(Journal journal, LeadershipHandle leadership) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            var fails = journal.Started(leadership);
            try
            {
                if (fails)
                {
                    throw new InvalidOperationException("as asked");
                }
                await Task.Delay(Timeout.Infinite, stoppingToken);
            }
            catch (OperationCanceledException)
            {
                journal.StopAsked();
                await (journal.HoldStop?.Task ?? Task.CompletedTask);
            }
            finally
            {
                journal.Stopped(leadership);
            }
        }
    }
}
