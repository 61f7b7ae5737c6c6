using Consensus.Client.Testing.Api;
using Consensus.Client.Testing.Store;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Client.Testing;

/// <summary>
/// A Consensus cluster in memory, for tests of programs that use <see cref="IConsensusClient"/>: the server's own state machine behind the client's own handles. What a
/// cluster does by faults and operators is done here by methods. Thread-safe.
/// </summary>
public sealed class InMemoryCluster : IDisposable
{
    /// <summary>Who is named where something is taken away by a method.</summary>
    private const string Operator = "the test";

    private readonly TimeProvider _time;
    private readonly InMemoryStore _store;
    private readonly Lock _gate = new();
    private readonly Dictionary<IConsensusClient, InMemoryApi> _clients = [];

    public InMemoryCluster()
        : this(BootTimeProvider.Instance)
    {
    }

    /// <param name="time">The clock of the cluster and of its clients.</param>
    public InMemoryCluster(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        _time = time;
        _store = new InMemoryStore(time);
    }

    /// <param name="name">As whom it holds and waits unless options say otherwise.</param>
    public IConsensusClient CreateClient(string name = "test")
    {
        var api = new InMemoryApi(_store);
        var client = new ConsensusClient(api, new ConsensusClientOptions { TimeProvider = _time, ClientName = name });
        lock (_gate)
        {
            _clients[client] = api;
        }
        return client;
    }

    /// <summary>
    /// From here on nothing that this client asks is answered, and what it waits for is given up. The cluster goes on: its leases end in their time, its handles are told before.
    /// </summary>
    public void Disconnect(IConsensusClient client) => ApiOf(client).Disconnect();

    /// <summary>Undoes <see cref="Disconnect"/>; watches go on where they were.</summary>
    public void Reconnect(IConsensusClient client) => ApiOf(client).Reconnect();

    /// <summary>An operator breaks a lock, whoever holds it: its holder learns it by its next renewal.</summary>
    public void BreakLock(string name) => Break(ObjectName.Lock(Key.FromText(name)));

    /// <summary>An operator takes all permits away.</summary>
    public void BreakSemaphore(string name) => Break(ObjectName.Semaphore(Key.FromText(name)));

    /// <summary>An operator ends a leadership.</summary>
    public void BreakLeadership(string election) => Break(ObjectName.Election(Key.FromText(election)));

    /// <summary>Ends a lease with all that it holds, as if its time were over; one that is not there is left alone.</summary>
    public void RevokeLease(string lease)
    {
        if (LeaseId.TryParse(lease, out var id))
        {
            _store.Apply(new RevokeLeaseCommand(id) { By = Operator });
        }
    }

    /// <summary>Forgets the history: a watch from before is told that it was compacted.</summary>
    public void CompactHistory() => _store.Apply(new CompactCommand(_store.View.Revision));

    /// <summary>The store's present revision.</summary>
    public long Revision => _store.View.Revision.Value;

    public void Dispose() => _store.Dispose();

    private void Break(ObjectName name) => _store.Apply(new ReleaseHoldCommand(name.Name, FencingToken.None, Force: true) { Space = name.Space, By = Operator });

    private InMemoryApi ApiOf(IConsensusClient client)
    {
        lock (_gate)
        {
            return _clients.TryGetValue(client, out var api) ? api : throw new ArgumentException("It is not a client of this cluster.", nameof(client));
        }
    }
}
