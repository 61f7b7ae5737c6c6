using Consensus.Primitives;

namespace Consensus.Simulation.Clients;

/// <summary>Everything that clients asked and were answered, in order of invocation.</summary>
public sealed class History
{
    private readonly List<Operation> _operations = [];
    private readonly Dictionary<RequestId, Operation> _requests = [];
    private readonly HashSet<RequestId> _over = [];

    public IReadOnlyList<Operation> Operations => _operations;

    /// <summary>Leases that their clients told all others of: each may ask for holds under them.</summary>
    internal List<LeaseId> SharedLeases { get; } = [];

    public long NextNumber => _operations.Count + 1;

    /// <summary>A member took an attempt of an operation.</summary>
    public void Asked(RequestId request, Operation operation) => _requests[request] = operation;

    /// <summary>The operation that a request in the log is an attempt of; null for the members' own.</summary>
    public Operation? Find(RequestId request) => _requests.GetValueOrDefault(request);

    /// <summary>The client of an attempt closed its connection, or its member answered it.</summary>
    public void Over(RequestId request) => _over.Add(request);

    /// <summary>True when nobody waits for an attempt any more, as far as its member knows.</summary>
    public bool IsOver(RequestId request) => _over.Contains(request);

    public void Invoked(Operation operation) => _operations.Add(operation);
}
