namespace Consensus.Client;

/// <summary>A wish to lead; what is not said here is as in <see cref="LockWish"/>.</summary>
public sealed record CampaignWish(string Name, string Candidate)
{
    /// <summary>What is proclaimed once elected, such as an address: at most 4 KiB.</summary>
    public string? Value { get; init; }

    public TimeSpan? Ttl { get; init; }

    public string? Lease { get; init; }

    public TimeSpan Wait { get; init; }

    public TimeSpan? LockDelay { get; init; }

    public TimeSpan? MaxHold { get; init; }

    public string? Metadata { get; init; }
}
