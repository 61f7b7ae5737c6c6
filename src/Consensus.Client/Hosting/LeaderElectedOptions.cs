namespace Consensus.Client;

/// <summary>How a leader-elected service stands for election.</summary>
public sealed record LeaderElectedOptions
{
    /// <summary>How long leadership outlives its process.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long before the lease can end the service is told to stop when it cannot be renewed: it must have stopped within this. Null: a quarter of the TTL.
    /// </summary>
    public TimeSpan? StopMargin { get; init; }

    /// <summary>The candidate's name; null: <see cref="ConsensusClientOptions.ClientName"/>.</summary>
    public string? Candidate { get; init; }

    /// <summary>What is proclaimed once elected, such as an address.</summary>
    public string Value { get; init; } = "";

    /// <summary>Should leadership be lost, rather than given up, nobody but the same candidate is elected for that long.</summary>
    public TimeSpan? LockDelay { get; init; }

    /// <summary>How long to wait before standing again after the service failed or ended by itself, and after an election that was refused.</summary>
    public TimeSpan RestartPause { get; init; } = TimeSpan.FromSeconds(1);
}
