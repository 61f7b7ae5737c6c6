namespace Consensus.Storage.Backups;

/// <summary>What a backup holds. Every checksum of the file was verified.</summary>
/// <param name="Index">The last log entry that is in it, of <paramref name="Term"/>.</param>
/// <param name="ClusterTimeMs">The time of that entry, in milliseconds of cluster time.</param>
/// <param name="StateHash">As the members of its cluster had it at that index.</param>
/// <param name="Members">Names of the members at that index.</param>
public sealed record BackupSummary(
    string File,
    long SizeBytes,
    string ClusterId,
    long Index,
    long Term,
    long Revision,
    long Keys,
    long Leases,
    long Locks,
    long Waiters,
    long Fences,
    long ClusterTimeMs,
    string StateHash,
    IReadOnlyList<string> Members)
{
    /// <summary>The key that the file is sealed with; null when it is plain.</summary>
    public string? KeyId { get; init; }
}
