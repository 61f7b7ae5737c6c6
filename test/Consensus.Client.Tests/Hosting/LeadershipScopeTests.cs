using System.Collections.Concurrent;
using Consensus.Client.Testing;
using Consensus.Client.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Consensus.Client.Tests.Hosting;

/// <summary>What is made in the scope of a leader-elected service ends while its process still leads, by a clock that the test moves.</summary>
internal sealed class LeadershipScopeTests
{
    private const string Election = "worker";

    private static readonly End[] Ends =
    [
        new("the host stops", (test, host) => host.StopAsync()),
        new("leadership is lost", (test, _) => test.LoseLeadershipAsync()),
        new("the service cannot be made", (_, _) => Task.CompletedTask) { Failing = Part.Constructor },
        new("the service fails to start", (_, _) => Task.CompletedTask) { Failing = Part.Start },
        new("the service fails to stop", (_, host) => host.StopAsync()) { Failing = Part.Stop },
        new("the disposal of the service fails", (_, host) => host.StopAsync()) { Failing = Part.Disposal },
    ];

    private ManualTimeProvider _time = null!;
    private InMemoryCluster _cluster = null!;
    private IConsensusClient _client = null!;
    private Journal _journal = null!;

    [SetUp]
    public void Start()
    {
        _time = new ManualTimeProvider();
        _cluster = new InMemoryCluster(_time);
        _client = _cluster.CreateClient("first");
        _journal = new Journal(_cluster.CreateClient("looker"));
    }

    [TearDown]
    public void Stop()
    {
        _journal.Looker.Dispose();
        _client.Dispose();
        _cluster.Dispose();
    }

    [TestCaseSource(nameof(Ends))]
    public async Task A_service_made_before_the_handle_flushes_as_the_leader_when(End end)
    {
        _journal.Failing = end.Failing;
        using var host = await StartHostAsync();
        if (end.Failing is not (Part.Constructor or Part.Start))
        {
            await Eventually.UntilAsync(() => _journal.Started, "the service runs");
        }

        await end.Make(this, host).InTimeAsync();

        await Eventually.UntilAsync(() => !_journal.Flushes.IsEmpty, "it flushes");
        var (leader, token, own) = _journal.Flushes.First();
        Assert.That((leader, token), Is.EqualTo(("first", own)), "who leads as it flushes, and with what token");
        await Eventually.UntilAsync(async () => (await _journal.Looker.GetLeaderAsync(Election)).FencingToken != own, "leadership ends afterwards");
        await host.StopAsync().InTimeAsync();
    }

    [Test]
    public async Task Disposing_of_the_handle_within_the_service_resigns_nothing()
    {
        using var host = await StartHostAsync();
        await Eventually.UntilAsync(() => _journal.Started, "the service runs");

        await _journal.Handle!.DisposeAsync();

        Assert.That(_journal.Handle.IsHeld, Is.True);
        Assert.That((await _journal.Looker.GetLeaderAsync(Election)).Leader, Is.EqualTo("first"));
        Assert.That(await _journal.Handle.ReleaseAsync(), Is.True);
        Assert.That((await _journal.Looker.GetLeaderAsync(Election)).Leader, Is.Null);
        await host.StopAsync().InTimeAsync();
    }

    /// <summary>The time is over before a renewal had its turn: the handle is told to be lost a margin before the lease ends.</summary>
    private Task LoseLeadershipAsync()
    {
        _time.Advance(_journal.Handle!.SafeFor);
        return Task.CompletedTask;
    }

    private async Task<IHost> StartHostAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(_client);
        builder.Services.AddSingleton(_journal);
        builder.Services.AddScoped<Flusher>();
        // Long enough that it does not stand again before the test has looked.
        builder.Services.AddLeaderElectedHostedService<Worker>(Election, new LeaderElectedOptions { RestartPause = TimeSpan.FromMinutes(10) });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    internal enum Part
    {
        None,
        Constructor,
        Start,
        Stop,
        Disposal,
    }

    /// <summary>How the work of the leader ends.</summary>
    internal sealed record End(string Name, Func<LeadershipScopeTests, IHost, Task> Make)
    {
        public Part Failing { get; init; }

        public override string ToString() => Name;
    }

    private sealed class Journal(IConsensusClient looker)
    {
        public IConsensusClient Looker => looker;

        public Part Failing { get; set; }

        public bool Started { get; set; }

        public LeadershipHandle? Handle { get; set; }

        /// <summary>Who led with what token, and under what token the flushing service was made.</summary>
        public ConcurrentQueue<(string? Leader, long? Token, long Own)> Flushes { get; } = new();

        public void FailIf(Part part)
        {
            if (Failing == part)
            {
                throw new InvalidOperationException("as asked");
            }
        }
    }

    /// <summary>Has work of the leader's to finish when it is disposed of.</summary>
    private sealed class Flusher(Journal journal) : IAsyncDisposable
    {
        public long Own { get; set; }

        public async ValueTask DisposeAsync()
        {
            var state = await journal.Looker.GetLeaderAsync(Election);
            journal.Flushes.Enqueue((state.Leader, state.FencingToken, Own));
        }
    }

    private sealed class Worker : IHostedService, IDisposable
    {
        private readonly Journal _journal;

        /// <param name="flusher">Made before the handle, and so disposed of after it by a scope that owns both.</param>
        public Worker(Journal journal, Flusher flusher, LeadershipHandle leadership)
        {
            _journal = journal;
            journal.Handle = leadership;
            flusher.Own = leadership.FencingToken;
            journal.FailIf(Part.Constructor);
        }

        public Task StartAsync(CancellationToken cancellationToken)
        {
            _journal.FailIf(Part.Start);
            _journal.Started = true;
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken)
        {
            _journal.FailIf(Part.Stop);
            return Task.CompletedTask;
        }

        public void Dispose() => _journal.FailIf(Part.Disposal);
    }
}
