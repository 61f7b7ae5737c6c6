namespace Consensus.Client;

/// <summary>A wish to take permits of a semaphore; what is not said here is as in <see cref="LockWish"/>.</summary>
/// <param name="Permits">The limit, the same for all who use the semaphore at a time.</param>
public sealed record SemaphoreWish(string Name, string Owner, long Permits)
{
    /// <summary>Permits asked for.</summary>
    public long Count { get; init; } = 1;

    public TimeSpan? Ttl { get; init; }

    public string? Lease { get; init; }

    public TimeSpan Wait { get; init; }

    public TimeSpan? LockDelay { get; init; }

    public TimeSpan? MaxHold { get; init; }

    public string? Metadata { get; init; }
}
