namespace Consensus.Simulation.Clients;

/// <summary>What a client does next, and what it remembers of what it was answered.</summary>
public abstract class Workload
{
    /// <param name="clockNow">What the client's clock shows.</param>
    public abstract Operation Next(long clockNow);

    /// <summary>An operation ended, with or without an answer.</summary>
    public abstract void Learn(Operation operation, long clockNow);

    /// <summary>A holder's own deadline (rule 3), on its clock.</summary>
    protected static long PromisedUntil(long sentClock, long micros) => sentClock + (micros / 100 * 99);
}
