using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;

namespace Consensus.Node.Core;

/// <summary>A snapshot to be encoded and saved, off the loop.</summary>
public readonly record struct SnapshotOrder(SnapshotMark Mark, StateView View);

/// <summary>
/// What a turn asks of the outside. The lists are cleared by <see cref="Clear"/> and reused. Order to keep: <see cref="Sends"/> may leave at
/// once, in order; the rest in any order.
/// </summary>
public sealed class NodeOutput
{
    /// <summary>Frames for other members.</summary>
    public List<(MemberId To, PeerMessage Message)> Sends { get; } = [];

    /// <summary>For the log, in order; each is answered by a <see cref="PersistedInput"/>, or by a <see cref="SnapshotMarkedInput"/> for a taken mark.</summary>
    public List<PersistRequest> Persists { get; } = [];

    /// <summary>Requests that are answered, of every kind, in the order in which they were; whoever waits for one is told after <see cref="Sends"/>.</summary>
    public List<PendingRequest> Answered { get; } = [];

    public SnapshotOrder? SaveSnapshot { get; set; }

    /// <summary>Snapshot files to send: the request is the header that travels with the file.</summary>
    public List<InstallSnapshotRequest> SendSnapshots { get; } = [];

    /// <summary>This snapshot is marked in the log: segments that hold nothing after it may go.</summary>
    public SnapshotMark? Compact { get; set; }

    /// <summary>Snapshot files older than this one may go: the log needs none, and nobody is being sent one.</summary>
    public SnapshotMark? RemoveSnapshotsBefore { get; set; }

    /// <summary>For the operator's log, a sentence each.</summary>
    public List<string> Notices { get; } = [];

    /// <summary>Set when whom to be linked with changed.</summary>
    public IReadOnlyList<PeerEndpoint>? Peers { get; set; }

    /// <summary>Set when members were removed: ids that nobody may come back under.</summary>
    public IReadOnlyList<MemberId>? RemovedMembers { get; set; }

    /// <summary>This member was removed, for sure: it stops after what else this turn asks for.</summary>
    public bool IsRemoved { get; set; }

    /// <summary>What this turn applied, in units of its budget, of about a microsecond each.</summary>
    public long AppliedUnits { get; set; }

    public void Clear()
    {
        AppliedUnits = 0;
        Sends.Clear();
        Persists.Clear();
        Answered.Clear();
        SaveSnapshot = null;
        SendSnapshots.Clear();
        Compact = null;
        RemoveSnapshotsBefore = null;
        Notices.Clear();
        Peers = null;
        RemovedMembers = null;
        IsRemoved = false;
    }
}
