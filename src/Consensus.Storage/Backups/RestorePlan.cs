using Consensus.Primitives;
using Consensus.Storage.Encryption;

namespace Consensus.Storage.Backups;

/// <summary>How a backup becomes the first member of a new cluster.</summary>
public sealed record RestorePlan
{
    /// <summary>What a member may be called, in words.</summary>
    public const string NameForm = MemberName.Form;

    public required string File { get; init; }

    public required string DataDirectory { get; init; }

    /// <summary>Of the member that will run on it.</summary>
    public required string Name { get; init; }

    /// <summary>Whether a member can be called so.</summary>
    public bool HasMemberName => MemberName.IsValid(Name);

    /// <summary>That the member will be started with.</summary>
    public required string ClusterToken { get; init; }

    /// <summary>host:port that other members reach it under; it says its own again whenever it starts.</summary>
    public required string PeerAddress { get; init; }

    /// <summary>Now, in seconds since 1970: what every new fencing token is above (rule 15).</summary>
    public required long UnixSeconds { get; init; }

    /// <summary>No token of the backup is good any more.</summary>
    public bool DropTokens { get; init; }

    /// <summary>Open a sealed backup; null: it is refused.</summary>
    public KeyRing? Keys { get; init; }

    /// <summary>Seal the data directory that is made; null: it is in plain.</summary>
    public KeyRing? DirectoryKeys { get; init; }

    /// <summary>Bytes allocated for the log's first segment.</summary>
    public long SegmentBytes { get; init; } = new StorageOptions().SegmentBytes;

    /// <summary>Told how many bytes of how many were read.</summary>
    public Action<long, long>? Progress { get; init; }
}

/// <summary>What came of a restore.</summary>
/// <param name="FromClusterId">Of the cluster that the backup was taken of.</param>
/// <param name="Revision">Which the new cluster goes on from.</param>
/// <param name="Leases">Ended; <paramref name="Holds"/>, <paramref name="Waiters"/> and the <paramref name="LeaseKeys"/> tied to them likewise.</param>
/// <param name="JudgesRights">The new cluster asks everybody who he is, as that of the backup did.</param>
/// <param name="LiveTokens">Which were good in the backup and are not over by their time.</param>
/// <param name="DroppedTokens">All of these, or 0.</param>
public sealed record RestoreSummary(
    string DataDirectory,
    string Name,
    string ClusterId,
    string MemberId,
    string FromClusterId,
    long Index,
    long Term,
    long Revision,
    long Keys,
    long Leases,
    long Holds,
    long Waiters,
    long LeaseKeys,
    bool JudgesRights,
    long LiveTokens,
    long DroppedTokens);
