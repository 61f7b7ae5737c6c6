namespace Consensus.Client;

/// <summary>A wish to take permits of a semaphore; what is not said here is as in <see cref="LockWish"/>.</summary>
/// <param name="Permits">The limit, the same for all who use the semaphore at a time.</param>
public sealed record SemaphoreWish(string Name, string Owner, long Permits)
{
    /// <summary>Permits asked for.</summary>
    public long Count { get; init; } = 1;

    /// <summary>Holds with a lease of its own, which outlives its holder by this.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>Holds under an existing lease (hexadecimal id).</summary>
    public string? Lease { get; init; }

    /// <summary>How long to stand in line; at most 10 minutes.</summary>
    public TimeSpan Wait { get; init; }

    /// <summary>Should the hold be lost, nobody but the same owner is granted it for that long; at most 1 hour.</summary>
    public TimeSpan? LockDelay { get; init; }

    /// <summary>The hold ends so long after its grant, however often it is renewed.</summary>
    public TimeSpan? MaxHold { get; init; }

    /// <summary>A JSON object of at most 4 KiB, shown with the hold.</summary>
    public string? Metadata { get; init; }

    /// <summary>As <see cref="LockWish.IdempotencyKey"/>.</summary>
    public string? IdempotencyKey { get; init; }
}
