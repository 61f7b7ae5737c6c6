namespace Consensus.Client;

/// <summary>
/// A wish to take exclusive holds of all the locks at once or of none; what is not said here is as in <see cref="LockWish"/>.
/// </summary>
/// <param name="Names">1 to 128, no two alike.</param>
public sealed record MultiLockWish(IReadOnlyList<string> Names, string Owner)
{
    /// <summary>Holds with a lease of its own, which outlives its holder by this.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>Holds under an existing lease (hexadecimal id).</summary>
    public string? Lease { get; init; }

    /// <summary>How long to wait for them, in the line of each and holding none, at most 10 minutes. Zero: not at all.</summary>
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
