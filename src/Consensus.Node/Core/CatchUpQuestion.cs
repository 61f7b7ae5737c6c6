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

    /// <summary>True until the member reaches no leader, stood still, or stops.</summary>
    public bool HasCaughtUp
    {
        get
        {
            _isAnswered |= _asked is { Stage: PendingStage.Answered, Answer.Kind: AnswerKind.Done };
            return _isAnswered && MayAsk;
        }
    }

    /// <summary>Without a link to its leader a member is told what is committed, perhaps, but serves nobody; and a stop begins what only ends.</summary>
    private bool MayAsk => turn.ReachesLeader && !turn.IsStopping;

    /// <summary>Before the desks send: asks, and asks again where no answer came.</summary>
    public void Keep()
    {
        if (!MayAsk)
        {
            Forget();
        }
        else if (!HasCaughtUp && _asked is null or { Stage: PendingStage.Answered })
        {
            _asked = new PendingRead(Revision.Zero) { IsInternal = true };
            reads.Accept(_asked);
        }
    }

    /// <summary>What was true is not known to be: for as long as a member stood still it heard of nothing, and its leader may keep no log for it any more.</summary>
    public void Forget()
    {
        if (_asked is not null)
        {
            reads.OnReaderGone(_asked);
        }
        (_asked, _isAnswered) = (null, false);
    }
}
