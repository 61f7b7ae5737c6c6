using Consensus.Primitives;

namespace Consensus.Node.Core;

/// <summary>How far a request that this member received has come.</summary>
public enum PendingStage
{
    /// <summary>Nothing left this member: it had no effect.</summary>
    Queued,

    /// <summary>Appended here, or sent to the leader of <see cref="PendingRequest.SentIn"/>: its effect is unknown.</summary>
    Sent,

    /// <summary>Applied, and not over: a place in a lock's queue inside the replicated state, or a joint configuration. It is never sent again.</summary>
    Waiting,

    Answered,
}

/// <summary>
/// One request that this member was asked for, from its arrival to its answer. It belongs to the loop until it stands in <see cref="NodeOutput.Answered"/>; whoever performs the
/// output then tells the caller, once.
/// </summary>
public abstract class PendingRequest
{
    public PendingStage Stage { get; internal set; }

    /// <summary>The term whose leader was asked.</summary>
    public Term SentIn { get; private set; }

    /// <summary>Loop time, in microseconds, at which it is answered at the latest.</summary>
    public long DeadlineMicros { get; internal set; }

    internal void MarkSent(Term term) => (Stage, SentIn) = (PendingStage.Sent, term);

    private protected void Settle()
    {
        Invariant.Require(Stage != PendingStage.Answered, "a request is answered once");
        Stage = PendingStage.Answered;
    }
}

/// <summary>A request with this kind of answer.</summary>
public abstract class PendingRequest<TAnswer> : PendingRequest
    where TAnswer : struct
{
    /// <summary>Set once <see cref="PendingRequest.Stage"/> is answered.</summary>
    public TAnswer Answer { get; private set; }

    internal void Settle(in TAnswer answer)
    {
        Settle();
        Answer = answer;
    }
}
