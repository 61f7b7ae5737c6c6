namespace Consensus.Simulation.Clients;

/// <summary>Everything that clients asked and were answered, in order of invocation.</summary>
public sealed class History
{
    private readonly List<Operation> _operations = [];

    public IReadOnlyList<Operation> Operations => _operations;

    public long NextNumber => _operations.Count + 1;

    public void Invoked(Operation operation) => _operations.Add(operation);
}
