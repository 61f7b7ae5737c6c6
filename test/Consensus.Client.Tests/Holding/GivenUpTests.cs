using System.Text.Json;
using Consensus.Cli.Tests.Support;
using Consensus.Client.Tests.Support;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Consensus.Client.Tests.Holding;

/// <summary>
/// Whoever gives up while a request is under way leaves nothing held, however far the request came. Against a real server; what is held outlives every test, unless it is given back.
/// </summary>
internal sealed class GivenUpTests
{
    private static readonly TimeSpan Ttl = TimeSpan.FromMinutes(30);

    private static readonly Call[] Calls =
    [
        new("AcquireLockAsync", async (client, name, timeout, token) => await client.AcquireLockAsync(name, new LockOptions { Ttl = Ttl }, timeout, token), IsLockFreeAsync),
        new("AcquireLockAsync, shared", async (client, name, timeout, token) =>
            await client.AcquireLockAsync(name, new LockOptions { Ttl = Ttl, Shared = true }, timeout, token), IsLockFreeAsync),
        new("TryAcquireLockAsync", async (client, name, timeout, token) =>
            await client.TryAcquireLockAsync(name, new LockOptions { Ttl = Ttl }, timeout ?? TimeSpan.Zero, token), IsLockFreeAsync),
        new("AcquireLocksAsync", async (client, name, timeout, token) =>
            await client.AcquireLocksAsync([name, name + "b"], new MultiLockOptions { Ttl = Ttl }, timeout, token), IsLockFreeAsync),
        new("TryAcquireLocksAsync", async (client, name, timeout, token) =>
            await client.TryAcquireLocksAsync([name, name + "b"], new MultiLockOptions { Ttl = Ttl }, timeout ?? TimeSpan.Zero, token), IsLockFreeAsync),
        new("AcquireSemaphoreAsync", async (client, name, timeout, token) =>
            await client.AcquireSemaphoreAsync(name, 3, new SemaphoreOptions { Ttl = Ttl }, timeout, token), IsSemaphoreFreeAsync),
        new("TryAcquireSemaphoreAsync", async (client, name, timeout, token) =>
            await client.TryAcquireSemaphoreAsync(name, 3, new SemaphoreOptions { Ttl = Ttl }, timeout ?? TimeSpan.Zero, token), IsSemaphoreFreeAsync),
        new("CampaignAsync", async (client, name, timeout, token) =>
            await client.CampaignAsync(name, new CampaignOptions { Ttl = Ttl }, timeout, token), IsElectionFreeAsync),
        new("TryCampaignAsync", async (client, name, timeout, token) =>
            await client.TryCampaignAsync(name, new CampaignOptions { Ttl = Ttl }, timeout ?? TimeSpan.Zero, token), IsElectionFreeAsync),
        new("GrantLeaseAsync", async (client, _, _, token) => await client.GrantLeaseAsync(Ttl, null, token), IsLeaseGoneAsync) { TakesTimeOut = false },
    ];

    private static readonly Call[] TimedCalls = [.. Calls.Where(call => call.TakesTimeOut)];

    private ServerProcess _server = null!;
    private ConsensusApiClient _looker = null!;
    private string _name = "";

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _server = await ServerProcess.StartAsync();
        _looker = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [_server.Endpoint] });
    }

    [OneTimeTearDown]
    public void Stop()
    {
        _looker.Dispose();
        _server.Dispose();
    }

    [SetUp]
    public void ChooseName() => _name = Guid.NewGuid().ToString("N");

    [TestCaseSource(nameof(Calls))]
    public async Task A_grant_whose_answer_was_not_waited_for_is_given_back(Call call)
    {
        using var proxy = new DelayingProxy(_server.Endpoint) { HoldsAnswers = true };
        using var client = new ConsensusClient(proxy.Endpoint);
        using var cancellation = new CancellationTokenSource();
        var acquire = call.Make(client, _name, null, cancellation.Token);
        await Eventually.UntilAsync(() => !proxy.Grants.IsEmpty, "it is granted");

        await cancellation.CancelAsync();

        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        await GivenBackAsync(call, proxy);
    }

    [TestCaseSource(nameof(Calls))]
    public async Task A_request_that_arrives_after_it_was_given_up_does_nothing(Call call)
    {
        using var proxy = new DelayingProxy(_server.Endpoint) { HoldsRequests = true };
        using var client = new ConsensusClient(proxy.Endpoint);
        using var cancellation = new CancellationTokenSource();
        var acquire = call.Make(client, _name, null, cancellation.Token);
        await Eventually.UntilAsync(() => !proxy.Requests.IsEmpty, "it is under way");
        await cancellation.CancelAsync();
        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        await Eventually.UntilAsync(() => !proxy.Withdrawals.IsEmpty, "it is withdrawn");

        proxy.Release();

        await Eventually.UntilAsync(() => !proxy.Grants.IsEmpty, "it arrives");
        Assert.That(proxy.Grants.Single().Status, Is.EqualTo(409));
        Assert.That(proxy.Grants.Single().Body, Does.Contain("withdrawn"));
    }

    [TestCaseSource(nameof(TimedCalls))]
    public async Task A_grant_whose_answer_comes_after_the_time_out_is_given_back(Call call)
    {
        using var proxy = new DelayingProxy(_server.Endpoint) { HoldsAnswers = true };
        using var client = new ConsensusClient(proxy.Endpoint);

        var acquire = call.Make(client, _name, TimeSpan.FromSeconds(1), CancellationToken.None);

        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<TimeoutException>().Or.InstanceOf<ConsensusException>());
        await Eventually.UntilAsync(() => !proxy.Grants.IsEmpty, "it is granted");
        await GivenBackAsync(call, proxy);
    }

    [TestCaseSource(nameof(Calls))]
    public async Task A_client_that_is_disposed_of_gives_back_what_it_was_being_granted(Call call)
    {
        using var proxy = new DelayingProxy(_server.Endpoint) { HoldsAnswers = true };
        var client = new ConsensusClient(new ConsensusClientOptions { Endpoints = [proxy.Endpoint], LastPatience = Eventually.Deadline });
        var acquire = call.Make(client, _name, null, CancellationToken.None);
        await Eventually.UntilAsync(() => !proxy.Grants.IsEmpty, "it is granted");

        client.Dispose();

        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<ObjectDisposedException>());
        await GivenBackAsync(call, proxy);
    }

    [TestCaseSource(nameof(Calls))]
    public async Task An_outcome_that_stays_unknown_is_withdrawn(Call call)
    {
        // The answer comes later than the client waits for any.
        using var proxy = new DelayingProxy(_server.Endpoint) { HoldsAnswers = true };
        using var client = new ConsensusClient(new ConsensusClientOptions
        {
            Endpoints = [proxy.Endpoint],
            AttemptTimeout = TimeSpan.FromMilliseconds(200),
            RetryFor = TimeSpan.Zero,
        });
        using var cancellation = new CancellationTokenSource();
        var acquire = call.Make(client, _name, call.TakesTimeOut ? TimeSpan.FromSeconds(1) : null, cancellation.Token);

        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<TimeoutException>().Or.InstanceOf<ConsensusException>());
        await Eventually.UntilAsync(() => !proxy.Grants.IsEmpty, "it is granted");
        await GivenBackAsync(call, proxy);
    }

    [Test]
    public async Task A_withdrawal_is_tried_again_and_through_other_members()
    {
        using var proxy = new DelayingProxy(_server.Endpoint) { HoldsAnswers = true, WithdrawalsToRefuse = 3 };
        using var mute = new FakeServer(_ => FakeAnswer.Abort);
        using var client = new ConsensusClient(proxy.Endpoint, mute.Endpoint);
        using var cancellation = new CancellationTokenSource();
        var acquire = client.AcquireLockAsync(_name, new LockOptions { Ttl = Ttl }, null, cancellation.Token);
        await Eventually.UntilAsync(() => !proxy.Grants.IsEmpty, "it is granted");

        await cancellation.CancelAsync();

        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        await Eventually.UntilAsync(() => IsLockFreeAsync(_looker, _name, proxy), "it is free");
        Assert.That(mute.Requests.Any(request => request.Method == "DELETE"), Is.True, "another member was asked too");
    }

    [Test]
    public async Task A_place_in_line_is_given_up_and_the_next_is_granted()
    {
        using var client = new ConsensusClient(_server.Endpoint);
        var held = await client.AcquireLockAsync(_name, new LockOptions { Ttl = Ttl });
        using var cancellation = new CancellationTokenSource();
        var given = client.AcquireLockAsync(_name, new LockOptions { Ttl = Ttl, Owner = "first" }, null, cancellation.Token);
        await Eventually.UntilAsync(async () => (await client.GetLockAsync(_name)).WaiterCount == 1, "the first waits");
        var next = client.AcquireLockAsync(_name, new LockOptions { Ttl = Ttl, Owner = "second" });
        await Eventually.UntilAsync(async () => (await client.GetLockAsync(_name)).WaiterCount == 2, "the second waits");

        await Task.WhenAll(cancellation.CancelAsync(), held.DisposeAsync().AsTask());

        await Assert.ThatAsync(() => given.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        await using var handle = await next.InTimeAsync();
        Assert.That(handle.Owner, Is.EqualTo("second"));
    }

    [Test]
    public async Task Acquires_that_are_cancelled_at_any_moment_leave_nothing_held()
    {
        using var client = new ConsensusClient(_server.Endpoint);
        var random = new Random(12);
        for (var round = 0; round < 20; round++)
        {
            var acquires = Enumerable.Range(0, 10).Select(async i =>
            {
                using var cancellation = new CancellationTokenSource(TimeSpan.FromMicroseconds(random.Next(20_000)));
                try
                {
                    await using var handle = await client.AcquireLockAsync($"{_name}/{round}/{i}", new LockOptions { Ttl = Ttl }, null, cancellation.Token);
                }
                catch (OperationCanceledException)
                {
                    // Given up.
                }
            }).ToList();
            await Task.WhenAll(acquires).InTimeAsync();
        }

        await Eventually.UntilAsync(
            async () => (await _looker.ListLocksAsync(_name + "/", null, CancellationToken.None)).Value!.Items.All(item => item.HolderCount == 0), "all are free");
    }

    [Test]
    public async Task A_host_that_stops_while_its_service_is_being_elected_leads_no_more()
    {
        using var proxy = new DelayingProxy(_server.Endpoint) { HoldsAnswers = true };
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.ClearProviders();
        builder.Services.AddConsensusClient(proxy.Endpoint.ToString());
        builder.Services.AddLeaderElectedHostedService<Idle>(_name, new LeaderElectedOptions { Ttl = Ttl });
        using var host = builder.Build();
        await host.StartAsync();
        await Eventually.UntilAsync(() => !proxy.Grants.IsEmpty, "it is elected");

        await host.StopAsync().InTimeAsync();

        Assert.That(await IsElectionFreeAsync(_looker, _name, proxy), Is.True, "when it has stopped");
    }

    [Test]
    public async Task The_end_of_a_client_does_not_wait_for_ever_for_members_that_do_not_answer()
    {
        var silence = new TaskCompletionSource();
        using var server = new FakeServer(async _ =>
        {
            await silence.Task;
            return FakeAnswer.Abort;
        });
        var client = new ConsensusClient(server.Endpoint);
        var acquire = client.AcquireLockAsync("a");
        await Eventually.UntilAsync(() => !server.Requests.IsEmpty, "it is under way");

        await Task.Run(client.Dispose).InTimeAsync();

        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<ObjectDisposedException>());
        silence.SetResult();
    }

    private async Task GivenBackAsync(Call call, DelayingProxy proxy)
    {
        Assert.That(proxy.Grants.First().Status, Is.InRange(200, 201), proxy.Grants.First().Body);
        await Eventually.UntilAsync(() => call.IsFree(_looker, _name, proxy), "it is free");
    }

    private static async Task<bool> IsLockFreeAsync(ConsensusApiClient looker, string name, DelayingProxy proxy)
    {
        var (one, other) = (await looker.GetLockAsync(name, CancellationToken.None), await looker.GetLockAsync(name + "b", CancellationToken.None));
        return one.Value is { HolderCount: 0, WaiterCount: 0, LastLoss: null } && other.Value is { HolderCount: 0, LastLoss: null };
    }

    private static async Task<bool> IsSemaphoreFreeAsync(ConsensusApiClient looker, string name, DelayingProxy proxy) =>
        (await looker.GetSemaphoreAsync(name, null, CancellationToken.None)).Value is { HolderCount: 0, WaiterCount: 0, LastLoss: null };

    private static async Task<bool> IsElectionFreeAsync(ConsensusApiClient looker, string name, DelayingProxy proxy) =>
        (await looker.GetElectionAsync(name, null, CancellationToken.None)).Problem?.Status == 404;

    private static async Task<bool> IsLeaseGoneAsync(ConsensusApiClient looker, string name, DelayingProxy proxy)
    {
        using var grant = JsonDocument.Parse(proxy.Grants.First().Body);
        return (await looker.GetLeaseAsync(grant.RootElement.GetProperty("id").GetString()!, CancellationToken.None)).Problem?.Status == 404;
    }

    internal sealed record Call(
        string Name,
        Func<IConsensusClient, string, TimeSpan?, CancellationToken, Task> Make,
        Func<ConsensusApiClient, string, DelayingProxy, Task<bool>> IsFree)
    {
        public bool TakesTimeOut { get; init; } = true;

        public override string ToString() => Name;
    }

    private sealed class Idle : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
