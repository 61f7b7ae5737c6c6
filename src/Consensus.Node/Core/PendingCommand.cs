using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Node.Core;

/// <summary>How far a command that this member received has come.</summary>
public enum PendingStage
{
    /// <summary>Nothing left this member: it had no effect.</summary>
    Queued,

    /// <summary>Appended here, or sent to the leader of <see cref="PendingCommand.SentIn"/>: its effect is unknown.</summary>
    Sent,

    /// <summary>Applied: it waits in a lock's queue inside the replicated state.</summary>
    Waiting,

    Answered,
}

/// <summary>
/// One command received by this member, from its arrival to its answer. Fields below the constructor belong to the loop until
/// <see cref="Stage"/> is answered.
/// </summary>
public class PendingCommand(RequestId request, ReadOnlyMemory<byte> payload, string principal)
{
    public RequestId Request { get; } = request;

    /// <summary>The encoded command envelope.</summary>
    public ReadOnlyMemory<byte> Payload { get; } = payload;

    public string Principal { get; } = principal;

    /// <summary>What an acquire asks for, so that it can be cancelled; empty for other commands.</summary>
    public ImmutableArray<ObjectName> Asked { get; init; } = [];

    /// <summary>How long the request may wait in the lock's queue, in microseconds.</summary>
    public long WaitMicros { get; init; }

    /// <summary>A retry under its idempotency key can find what this request left behind. A lease is no identity: many requests may name it (rule 18).</summary>
    public bool HasIdentity { get; init; }

    /// <summary>True for the node's own bookkeeping: nobody reads the answer, and it may run while the member stops.</summary>
    public bool IsInternal { get; init; }

    public PendingStage Stage { get; internal set; }

    /// <summary>The term whose leader may have appended it.</summary>
    public Term SentIn { get; internal set; }

    /// <summary>Loop time, in microseconds, at which the request is answered at the latest.</summary>
    public long DeadlineMicros { get; internal set; }

    public CommandAnswer Answer { get; private set; }

    /// <summary>Why a queued request cannot go on, should its deadline come: no leader unless said otherwise.</summary>
    internal NotDoneReason BlockedBy { get; set; } = NotDoneReason.NoLeader;

    /// <summary>For <see cref="Asked"/>.</summary>
    public static ImmutableArray<ObjectName> AskedBy(Command command) => command switch
    {
        AcquireLockCommand acquire => [acquire.Object],
        AcquireManyCommand many => [.. many.Names.Select(ObjectName.Lock)],
        _ => [],
    };

    internal void Settle(AnswerKind kind, Outcome? outcome, NotDoneReason reason)
    {
        Invariant.Require(Stage != PendingStage.Answered, "a request is answered once");
        Stage = PendingStage.Answered;
        Answer = new CommandAnswer(kind, outcome, reason, Request);
    }
}

/// <summary>One read received by this member. Fields belong to the loop until it is answered.</summary>
public class PendingRead(Revision minRevision)
{
    public Revision MinRevision { get; } = minRevision;

    /// <summary>False for a stale read that only waits for its smallest revision.</summary>
    public bool NeedsReadIndex { get; init; } = true;

    public long DeadlineMicros { get; internal set; }

    public ReadAnswer Answer { get; internal set; }

    /// <summary>True for a read that is to leave the house whole, as a backup: then <see cref="Mark"/> says where its view stands in the log.</summary>
    public bool WantsMark { get; init; }

    /// <summary>Set with a done <see cref="Answer"/> where it is wanted.</summary>
    public SnapshotMark? Mark { get; internal set; }

    internal LogIndex Index { get; set; }
}
