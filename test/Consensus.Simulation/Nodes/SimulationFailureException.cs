namespace Consensus.Simulation.Nodes;

/// <summary>A promise was broken, as seen by one checker.</summary>
public sealed class SimulationFailureException(string checker, string message, Exception? inner = null) : Exception($"{checker}: {message}", inner)
{
    /// <summary>Which checker saw it.</summary>
    public string Checker { get; } = checker;
}
