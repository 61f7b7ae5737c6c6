using Consensus.Storage.Encryption;

namespace Consensus.Storage;

/// <summary>How things are kept on disk.</summary>
public sealed record StorageOptions
{
    /// <summary>Bytes allocated for each log segment; a frame that is larger gets a segment of its own size.</summary>
    public long SegmentBytes { get; init; } = 64L << 20;

    /// <summary>The largest snapshot file that is taken from a leader, in bytes.</summary>
    public long MaxSnapshotBytes { get; init; } = 16L << 30;

    /// <summary>Seals log and snapshots, and opens them; null: what is written is plain, and a sealed file is refused.</summary>
    public KeyRing? Keys { get; init; }
}
