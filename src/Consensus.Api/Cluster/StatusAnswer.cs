namespace Consensus.Api.Cluster;

/// <summary>One member's own view of itself.</summary>
public sealed record StatusAnswer
{
    public required string Name { get; init; }

    public required string MemberId { get; init; }

    public required string ClusterId { get; init; }

    public required string Version { get; init; }

    /// <summary><c>leader</c>, <c>follower</c>, <c>candidate</c>, <c>pre-candidate</c> or <c>learner</c>.</summary>
    public required string Role { get; init; }

    /// <summary>The leader's name; null while none is known.</summary>
    public required string? Leader { get; init; }

    public required long Term { get; init; }

    public required long CommitIndex { get; init; }

    public required long AppliedIndex { get; init; }

    public required long FirstIndex { get; init; }

    public required long LastIndex { get; init; }

    /// <summary>The last log index that is flushed to this member's disk.</summary>
    public required long DurableIndex { get; init; }

    public required long Revision { get; init; }

    /// <summary>Of the state at <see cref="AppliedIndex"/>; equal on all members at equal indexes.</summary>
    public required string StateHash { get; init; }

    public required long ClusterTimeMs { get; init; }

    public required long LogBytes { get; init; }

    public required long SnapshotIndex { get; init; }

    public required long SnapshotBytes { get; init; }

    public required long Keys { get; init; }

    public required long Leases { get; init; }

    /// <summary>Locks that are held.</summary>
    public required long Locks { get; init; }

    /// <summary>Requests that wait for a lock.</summary>
    public required long Waiters { get; init; }

    public required long IdempotencyKeys { get; init; }

    /// <summary>Bytes of everything but the history, about as it takes memory: what the quota counts.</summary>
    public required long StateBytes { get; init; }

    /// <summary>What <see cref="StateBytes"/> may come to: the setting <c>quota-bytes</c>, as this member has applied it.</summary>
    public long? QuotaBytes { get; init; }

    /// <summary>Free bytes on the file system of the data directory; null where that is not known.</summary>
    public long? DiskFreeBytes { get; init; }

    /// <summary>Of which size that file system is.</summary>
    public long? DiskBytes { get; init; }

    /// <summary>Answered requests of this process that read keys, leases, holds or fences.</summary>
    public long? Reads { get; init; }

    /// <summary>Answered requests of this process that were to change them.</summary>
    public long? Writes { get; init; }

    /// <summary>Of both, those that were answered with a status of 500 and above.</summary>
    public long? Failures { get; init; }

    /// <summary>Open event streams.</summary>
    public long? Watches { get; init; }

    /// <summary>Processor time that the process has used.</summary>
    public long? CpuMs { get; init; }

    /// <summary>Its resident memory.</summary>
    public long? MemoryBytes { get; init; }

    public required long UptimeMs { get; init; }

    public required bool Ready { get; init; }

    /// <summary>True when the server was allowed to listen beyond loopback without TLS and access control.</summary>
    public required bool Insecure { get; init; }

    /// <summary>
    /// Ids of the keys that some file of its data directory needs; null when it was started without <c>--encryption-key</c>.
    /// </summary>
    public IReadOnlyList<string>? EncryptionKeys { get; init; }

    /// <summary>Log segments that are not encrypted, of before the option or of its end; null without it.</summary>
    public long? PlainSegments { get; init; }

    /// <summary>Snapshots that are not encrypted; null without the option.</summary>
    public long? PlainSnapshots { get; init; }

    /// <summary>Records of the audit log since the process started; null when it was started without <c>--audit</c>.</summary>
    public long? AuditRecords { get; init; }

    /// <summary>Records that are missing there, because they could not be written; null without it.</summary>
    public long? AuditDropped { get; init; }

    /// <summary>One sentence each; empty when all is well.</summary>
    public required IReadOnlyList<string> Alarms { get; init; }
}
