namespace Consensus.Client;

/// <summary>A wish to take a lock: for <see cref="Ttl"/> with a lease of its own, or under an existing lease.</summary>
public sealed record LockWish(string Name, string Owner)
{
    /// <summary>Holds with a lease of its own, which outlives its holder by this.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>An existing lease (hexadecimal id).</summary>
    public string? Lease { get; init; }

    /// <summary>How long to queue for it; at most 10 minutes.</summary>
    public TimeSpan Wait { get; init; }

    /// <summary>Beside other shared holds, never beside an exclusive one.</summary>
    public bool Shared { get; init; }

    /// <summary>Should the hold be lost, nobody but the same owner is granted the lock for that long; at most 1 hour.</summary>
    public TimeSpan? LockDelay { get; init; }

    /// <summary>The hold ends so long after its grant, however often it is renewed.</summary>
    public TimeSpan? MaxHold { get; init; }

    /// <summary>A JSON object of at most 4 KiB, shown with the hold.</summary>
    public string? Metadata { get; init; }

    /// <summary>
    /// Under which it is asked, 1 to 128 printable ASCII characters: whoever gives up takes back what may have been granted by <see cref="ConsensusApiClient.WithdrawAsync"/>. A refusal is kept
    /// under it for 15 s. Null: one of its own.
    /// </summary>
    public string? IdempotencyKey { get; init; }
}
