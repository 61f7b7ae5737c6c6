using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Node.Core;

/// <summary>One read. It changes nothing, so it may always be asked again.</summary>
public class PendingRead(Revision minRevision) : PendingRequest<ReadAnswer>
{
    public Revision MinRevision { get; } = minRevision;

    /// <summary>False for a stale read that only waits for its smallest revision.</summary>
    public bool NeedsReadIndex { get; init; } = true;

    /// <summary>The member's own: it is let in however many clients' reads wait.</summary>
    public bool IsInternal { get; init; }

    /// <summary>True for a read that is to leave the house whole, as a backup: then <see cref="Mark"/> says where its view stands in the log.</summary>
    public bool WantsMark { get; init; }

    /// <summary>Set with a done answer where it is wanted.</summary>
    public SnapshotMark? Mark { get; internal set; }

    /// <summary>It may be answered once this is applied here.</summary>
    internal LogIndex Index { get; set; }
}
