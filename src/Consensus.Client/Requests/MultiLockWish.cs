namespace Consensus.Client;

/// <summary>A wish to take exclusive holds of all the locks at once or of none, without waiting; what is not said here is as in <see cref="LockWish"/>.</summary>
/// <param name="Names">1 to 128, no two alike.</param>
public sealed record MultiLockWish(IReadOnlyList<string> Names, string Owner)
{
    public TimeSpan? Ttl { get; init; }

    public string? Lease { get; init; }

    public TimeSpan? LockDelay { get; init; }

    public TimeSpan? MaxHold { get; init; }

    public string? Metadata { get; init; }
}
