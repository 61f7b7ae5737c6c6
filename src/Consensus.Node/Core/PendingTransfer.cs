using Consensus.Primitives;

namespace Consensus.Node.Core;

/// <summary>
/// One hand-over of leadership. It is either queued, because no leader is known, or sent: then the leader of one term was asked, and it is over when a later term has a leader.
/// </summary>
/// <param name="to">The member that shall lead; <see cref="MemberId.None"/>: whichever voter is furthest.</param>
public class PendingTransfer(MemberId to) : PendingRequest<TransferAnswer>
{
    public MemberId To { get; } = to;

    /// <summary>Tells the leader's refusal of this one from that of another of this process.</summary>
    internal long Sequence { get; set; }

    /// <summary>Who led when it was asked.</summary>
    internal MemberId From { get; set; }

    /// <summary>Loop time, in microseconds, until which the outcome is waited for.</summary>
    internal long SentUntilMicros { get; set; }
}
