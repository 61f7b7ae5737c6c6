using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Checkers;

/// <summary>How checkers say that a promise is broken.</summary>
internal static class Violation
{
    public static void Unless(bool holds, string checker, Func<string> what)
    {
        if (!holds)
        {
            throw new SimulationFailureException(checker, what());
        }
    }
}
