using Consensus.Client.Testing;

namespace Consensus.Client.Tests.Contract;

internal sealed class InMemoryContractTests : ClientContract
{
    private InMemoryCluster _cluster = null!;

    [OneTimeSetUp]
    public void Start() => _cluster = new InMemoryCluster();

    [OneTimeTearDown]
    public void Stop() => _cluster.Dispose();

    protected override IConsensusClient CreateClient(string name) => _cluster.CreateClient(name);

    protected override Task BreakLockAsync(string name)
    {
        _cluster.BreakLock(name);
        return Task.CompletedTask;
    }
}
