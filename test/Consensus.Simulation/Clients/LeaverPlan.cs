namespace Consensus.Simulation.Clients;

/// <summary>
/// Clients that ask for locks and leave without their answers, while operators break what there is. They use names that others do not.
/// </summary>
public sealed record LeaverPlan
{
    /// <summary>0 for none.</summary>
    public int Clients { get; init; }

    public int Locks { get; init; } = 5;

    /// <summary>Mean pause between two requests of one client, in microseconds.</summary>
    public long ThinkMicros { get; init; } = 60_000;

    /// <summary>Of a hundred requests so many are for several locks.</summary>
    public int SeveralPercent { get; init; } = 60;

    /// <summary>Of a hundred clients that left so many come back under their key.</summary>
    public int BackPercent { get; init; } = 20;
}
