namespace Consensus.Simulation.Clients;

/// <summary>Clients with a session each for all that they hold and wait for. They use names that others do not.</summary>
public sealed record HolderPlan
{
    /// <summary>0 for none.</summary>
    public int Clients { get; init; }

    public int Locks { get; init; } = 2;

    /// <summary>The limit of the semaphore.</summary>
    public int Permits { get; init; } = 3;

    /// <summary>Of a hundred acquires so many wait.</summary>
    public int WaitPercent { get; init; } = 75;

    /// <summary>Of a hundred attempts that wait so many are left: their connection breaks.</summary>
    public int BreakPercent { get; init; } = 50;
}
