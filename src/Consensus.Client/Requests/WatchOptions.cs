namespace Consensus.Client;

/// <summary>Where a watch begins, and what its events carry.</summary>
public sealed record WatchOptions
{
    /// <summary>The first revision to tell of. Null: the next one (a watch of an election begins with the present leader then).</summary>
    public long? FromRevision { get; init; }

    /// <summary>Each event has the key before it as <c>prev</c>, unless there was none.</summary>
    public bool WithPrevious { get; init; }

    /// <summary>
    /// How long after a stream broke a watch tries to go on before it gives up with a <see cref="ConsensusException"/>; null: for as long as it is enumerated. A watch that
    /// could not begin gives up as any other operation does.
    /// </summary>
    public TimeSpan? GiveUpAfter { get; init; }
}
