using Consensus.Primitives;

namespace Consensus.Raft.Log;

/// <summary>What an entry is for. The numbers are on disk.</summary>
public enum EntryKind
{
    /// <summary>The first entry of a leader's term: lets it commit what earlier terms left. Dissertation §6.4.</summary>
    NoOp = 0,

    /// <summary>A command for the state machine.</summary>
    Command = 1,

    /// <summary>A cluster configuration, in force as soon as it is appended. Raft §6.</summary>
    Configuration = 2,

    /// <summary>Carries only its stamp, so that a full restart does not give leases new life (rule 1).</summary>
    Time = 3,
}

/// <summary>One entry of the replicated log. Immutable; the payload's array is never written again.</summary>
public sealed class Entry
{
    public required Term Term { get; init; }

    public required LogIndex Index { get; init; }

    public required EntryKind Kind { get; init; }

    /// <summary>Cluster time at which the leader appended it; never less than the stamp of the entry before it.</summary>
    public required ClusterTime Stamp { get; init; }

    /// <summary>Which request of which process this is; <see cref="RequestId.None"/> for the leader's own entries.</summary>
    public RequestId Request { get; init; }

    /// <summary>Identity of the caller; empty until access control exists.</summary>
    public string Principal { get; init; } = "";

    /// <summary>The feature level that a member must have to apply it; 0 for everything in the first version.</summary>
    public int FeatureLevel { get; init; }

    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Upper estimate of the encoded size in bytes, for batch and in-flight limits.</summary>
    public int ApproximateSize => 96 + Payload.Length + Principal.Length;
}

/// <summary>What a leader is asked to append; term, index and stamp are the leader's to give.</summary>
/// <param name="IsUrgent">Small, and gives back, takes away or keeps alive: it may use the tenth of the room that is kept for such.</param>
public readonly record struct Proposal(
    EntryKind Kind, RequestId Request, ReadOnlyMemory<byte> Payload, string Principal = "", int FeatureLevel = 0, bool IsUrgent = false);
