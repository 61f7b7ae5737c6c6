using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;

namespace Consensus.Node.Core;

/// <summary>Something that happened outside, given to a turn of the <see cref="NodeCore"/> in the order in which it happened.</summary>
public abstract record NodeInput;

/// <summary>A client's command, received by this member.</summary>
public sealed record CommandInput(PendingCommand Pending) : NodeInput;

/// <summary>The client of this command went away.</summary>
public sealed record CommandCancelledInput(PendingCommand Pending) : NodeInput;

/// <summary>The client never had the answer that tells of what this request was granted (rule 18).</summary>
/// <param name="HasKey">It was asked for under an idempotency key.</param>
public sealed record HoldAbandonedInput(ObjectName Name, RequestId Request, bool HasKey) : NodeInput;

public sealed record ReadInput(PendingRead Pending) : NodeInput;

/// <summary>Whoever asked for this read went away.</summary>
public sealed record ReadCancelledInput(PendingRead Pending) : NodeInput;

public sealed record PeerMessageInput(MemberId From, PeerMessage Message) : NodeInput;

/// <param name="Boot">The peer's process at the other end: what is sent reaches this one or none.</param>
public sealed record LinkUpInput(MemberId Peer, long Boot) : NodeInput;

public sealed record LinkDownInput(MemberId Peer) : NodeInput;

public sealed record ProcessGoneInput(MemberId Peer) : NodeInput;

/// <summary>Everything handed to the log up to <paramref name="Sequence"/> is durable.</summary>
public sealed record PersistedInput(long Sequence) : NodeInput;

/// <summary>The snapshot that a turn asked for is durable under its name.</summary>
public sealed record SnapshotSavedInput(SnapshotFile File) : NodeInput;

/// <summary>There was no room on the disk for the snapshot; what was written of it is gone again.</summary>
public sealed record SnapshotNotSavedInput : NodeInput;

/// <summary>The log marks the snapshot that was saved last as taken, durably.</summary>
public sealed record SnapshotMarkedInput : NodeInput;

/// <summary>The leader's snapshot is wholly on this disk, and decoded.</summary>
public sealed record SnapshotArrivedInput(InstallSnapshotRequest Request, SnapshotFile File, ReplicatedState State) : NodeInput;

/// <param name="Request">The <see cref="NodeOutput.SendSnapshots"/> that it answers.</param>
public sealed record SnapshotSentInput(InstallSnapshotRequest Request, SnapshotOutcome Outcome) : NodeInput;

/// <summary>A change of who belongs to the cluster, asked for at this member.</summary>
public sealed record MembershipInput(PendingChange Pending) : NodeInput;

/// <summary>A hand-over of leadership, asked for at this member.</summary>
public sealed record TransferInput(PendingTransfer Pending) : NodeInput;

public sealed record HashInput(PendingHash Pending) : NodeInput;

public sealed record ViewInput(PendingView Pending) : NodeInput;

/// <summary>What this machine's clock says, now and then: in seconds since 1970.</summary>
public sealed record TimeOfDayInput(long UnixSeconds) : NodeInput;

/// <summary>The process was asked to end: hand over, settle what waits (rule 30). Answered when everything is settled.</summary>
public sealed record StopInput(PendingStop Pending) : NodeInput;
