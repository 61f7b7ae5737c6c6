using Consensus.Node.Core.Desks;
using Consensus.Primitives;

namespace Consensus.Node.Core;

/// <summary>
/// Whether this member has once applied what its leader had committed. It asks with a read of its own, for its own commit index does not tell: that goes no further than its log does, and a
/// member that lacks a snapshot knows of nothing that it lacks.
/// </summary>
internal sealed class CatchUpQuestion(TurnContext turn, ReadDesk reads)
{
    private PendingRead? _asked;
    private bool _isAnswered;

    /// <summary>True until the member is without a leader, or stops.</summary>
    public bool HasCaughtUp
    {
        get
        {
            _isAnswered |= _asked is { Stage: PendingStage.Answered, Answer.Kind: AnswerKind.Done };
            return _isAnswered && !turn.IsStopping && !turn.Raft.Leader.IsNone;
        }
    }

    /// <summary>Before the desks send: asks, and asks again where no answer came.</summary>
    public void Keep()
    {
        if (turn.IsStopping || turn.Raft.Leader.IsNone)
        {
            (_asked, _isAnswered) = (null, false);
        }
        else if (!HasCaughtUp && _asked is null or { Stage: PendingStage.Answered })
        {
            _asked = new PendingRead(Revision.Zero);
            reads.Accept(_asked);
        }
    }
}
