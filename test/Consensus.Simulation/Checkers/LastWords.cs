using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Checkers;

/// <summary>A process that can go on no longer says why: nothing that its disk does escapes from a thread of it.</summary>
public static class LastWords
{
    public const string Name = "last words";

    /// <summary>Something was thrown out of a thread of the transport, and no connection that broke is the reason.</summary>
    public static void Escaped(string member, Exception failure) =>
        throw new SimulationFailureException(Name, $"{member} ended without a word: {failure.GetType().Name}: {failure.Message}", failure);
}
