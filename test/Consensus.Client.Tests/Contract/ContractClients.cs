using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Contract;

/// <summary>The clients that a contract is kept by, and names that nobody else uses.</summary>
internal abstract class ContractClients
{
    private readonly List<IConsensusClient> _clients = [];
    private string _prefix = "";

    /// <summary>Long enough that nothing is lost to a busy machine.</summary>
    protected static TimeSpan LongTtl { get; } = TimeSpan.FromMinutes(3);

    /// <summary>Short enough to be renewed while a test waits, and long enough that a busy machine does not lose it.</summary>
    protected static TimeSpan ShortTtl { get; } = TimeSpan.FromSeconds(5);

    protected abstract IConsensusClient CreateClient(string name);

    /// <summary>An operator breaks a lock.</summary>
    protected abstract Task BreakLockAsync(string name);

    [SetUp]
    public void ChooseNames() => _prefix = $"{TestContext.CurrentContext.Test.MethodName}-{Guid.NewGuid():N}/";

    [TearDown]
    public void DisposeClients()
    {
        _clients.ForEach(client => client.Dispose());
        _clients.Clear();
    }

    protected IConsensusClient Client(string name = "me")
    {
        var client = CreateClient(name);
        _clients.Add(client);
        return client;
    }

    /// <summary>A name that no other test uses.</summary>
    protected string Name(string name) => _prefix + name;

    protected static LockOptions Lasting => new() { Ttl = LongTtl };

    protected static Task UntilWaitingAsync(IConsensusClient client, string name, long waiters) =>
        Eventually.UntilAsync(async () => (await client.GetLockAsync(name)).WaiterCount == waiters, $"{waiters} wait");
}
