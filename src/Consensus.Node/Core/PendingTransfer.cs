using Consensus.Primitives;

namespace Consensus.Node.Core;

/// <summary>
/// One hand-over of leadership that this member was asked for. It is either queued, because no leader is known, or sent: then the leader of one
/// term was asked, and it is over when a later term has a leader.
/// </summary>
internal sealed class PendingTransfer(TransferInput input, long sequence, long deadlineMicros)
{
    public TransferInput Input { get; } = input;

    /// <summary>Tells the leader's refusal of this one from that of another of this process.</summary>
    public long Sequence { get; } = sequence;

    /// <summary>The member that shall lead; <see cref="MemberId.None"/>: whichever voter is furthest.</summary>
    public MemberId To => Input.To;

    public PendingStage Stage { get; private set; } = PendingStage.Queued;

    /// <summary>Loop time, in microseconds, until which a leader to ask is waited for.</summary>
    public long DeadlineMicros { get; } = deadlineMicros;

    /// <summary>Who led when it was asked, and in which term.</summary>
    public MemberId From { get; private set; }

    public Term SentIn { get; private set; }

    /// <summary>Loop time, in microseconds, until which the outcome is waited for.</summary>
    public long SentUntilMicros { get; private set; }

    public void MarkSent(MemberId leader, Term term, long untilMicros) =>
        (Stage, From, SentIn, SentUntilMicros) = (PendingStage.Sent, leader, term, untilMicros);

    public void Requeue() => Stage = PendingStage.Queued;

    public void Settle()
    {
        Invariant.Require(Stage != PendingStage.Answered, "a request is answered once");
        Stage = PendingStage.Answered;
    }
}
