using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Contract;

internal sealed class ServerContractTests : ClientContract
{
    private ServerProcess _server = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _server = await ServerProcess.StartAsync();

    [OneTimeTearDown]
    public void Stop() => _server.Dispose();

    protected override IConsensusClient CreateClient(string name) =>
        // What is waited for in line is answered, however busy the machine.
        new ConsensusClient(new ConsensusClientOptions { Endpoints = [_server.Endpoint], ClientName = name, AnswerGrace = Eventually.Deadline });

    protected override async Task BreakLockAsync(string name)
    {
        using var api = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [_server.Endpoint] });
        var result = await api.ForceReleaseLockAsync(name, null, CancellationToken.None);
        Assert.That(result.Succeeded, result.Problem?.Detail);
    }
}
