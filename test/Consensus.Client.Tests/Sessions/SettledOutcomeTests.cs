using Consensus.Api.Transactions;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Sessions;

/// <summary>
/// Whoever gives up what was asked under a session leaves nothing held, however far the request came. Against a real server; what is held
/// outlives every test, unless it is given back.
/// </summary>
internal sealed class SettledOutcomeTests
{
    private static readonly TimeSpan Ttl = TimeSpan.FromMinutes(30);

    private static readonly Call[] Calls =
    [
        new("lock", async (client, name, token) => await client.AcquireLockAsync(name, new LockOptions { Ttl = Ttl }, null, token)),
        new("several locks", async (client, name, token) =>
            await client.AcquireLocksAsync([name, name + "b"], new MultiLockOptions { Ttl = Ttl }, null, token)),
        new("semaphore", async (client, name, token) =>
            await client.AcquireSemaphoreAsync(name, 3, new SemaphoreOptions { Ttl = Ttl }, null, token)),
        new("election", async (client, name, token) => await client.CampaignAsync(name, new CampaignOptions { Ttl = Ttl }, null, token)),
    ];

    private ServerProcess _server = null!;
    private ConsensusApiClient _looker = null!;
    private DelayingProxy _proxy = null!;
    private ConsensusClient _client = null!;
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
    public async Task OpenAsync()
    {
        _name = Guid.NewGuid().ToString("N");
        _proxy = new DelayingProxy(_server.Endpoint);
        _client = new ConsensusClient(new ConsensusClientOptions { Endpoints = [_proxy.Endpoint], SessionTtl = Ttl });
        for (var i = 0; i < 2; i++)
        {
            await _client.PutAsync(_name, "1"u8.ToArray());
        }
        await Eventually.UntilAsync(() => _client.Session is not null, "the session stands");
    }

    [TearDown]
    public void Close()
    {
        _client.Dispose();
        _proxy.Dispose();
    }

    [TestCaseSource(nameof(Calls))]
    public async Task A_grant_whose_answer_was_not_waited_for_is_given_back(Call call)
    {
        _proxy.HoldsAnswers = true;
        using var cancellation = new CancellationTokenSource();
        var acquire = call.Make(_client, _name, cancellation.Token);
        await Eventually.UntilAsync(() => !_proxy.Grants.IsEmpty, "it is granted");

        await cancellation.CancelAsync();

        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        await Eventually.UntilAsync(async () => await HoldsAsync() == 0, "nothing is held under the session");
        Assert.That(_proxy.Settlements.First().Body, Does.Contain("\"result\":\"done\""));
        Assert.That((await _looker.GetLockAsync(_name, default)).Value?.LastLoss, Is.Null, "it was released, and not lost");
    }

    [TestCaseSource(nameof(Calls))]
    public async Task A_request_that_arrives_after_it_was_given_up_does_nothing(Call call)
    {
        _proxy.HoldsRequests = true;
        using var cancellation = new CancellationTokenSource();
        var acquire = call.Make(_client, _name, cancellation.Token);
        await Eventually.UntilAsync(() => _proxy.Requests.Any(request => request.Header("Consensus-Session") is not null),
            "it is under way");
        await cancellation.CancelAsync();
        await Assert.ThatAsync(() => acquire.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        await Eventually.UntilAsync(() => !_proxy.Settlements.IsEmpty, "it is settled");
        Assert.That(_proxy.Settlements.Single().Body, Does.Contain("\"result\":\"not-done\""));

        _proxy.Release();

        await Eventually.UntilAsync(() => !_proxy.Grants.IsEmpty, "it arrives");
        Assert.That(_proxy.Grants.Single().Status, Is.EqualTo(409), _proxy.Grants.Single().Body);
        Assert.That(await HoldsAsync(), Is.Zero);
    }

    [Test]
    public async Task A_write_that_was_cancelled_is_done_or_never_will_be()
    {
        _proxy.HoldsRequests = true;
        using var cancellation = new CancellationTokenSource();
        var write = _client.TransactAsync(
            new TxnRequest { Success = [new TxnOperationRequest { Put = new TxnPutRequest { Key = _name + "t", Value = "7" } }] },
            cancellation.Token);
        await Eventually.UntilAsync(() => _proxy.Requests.Any(request => request.Header("Consensus-Session") is not null),
            "it is under way");
        await cancellation.CancelAsync();
        await Assert.ThatAsync(() => write.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        await Eventually.UntilAsync(() => !_proxy.Settlements.IsEmpty, "it is settled");

        _proxy.Release();

        await Eventually.UntilAsync(() => !_proxy.Grants.IsEmpty, "it arrives");
        Assert.That((await _looker.GetKeyAsync(_name + "t", default)).Problem?.Status, Is.EqualTo(404));
    }

    private async Task<long> HoldsAsync() => (await _looker.GetLeaseAsync(_client.Session!.Id, default)).Value!.LockCount;

    internal sealed record Call(string Name, Func<IConsensusClient, string, CancellationToken, Task> Make)
    {
        public override string ToString() => Name;
    }
}
