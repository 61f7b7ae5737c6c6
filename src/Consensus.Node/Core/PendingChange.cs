using Consensus.Primitives;
using Consensus.Raft.Membership;

namespace Consensus.Node.Core;

/// <summary>
/// One membership change that this member was asked for, from its arrival to its answer. Like a command it is bound to the leader of one term, so
/// what became of it can be told; see <see cref="PendingStage"/>, where waiting means that its joint configuration is committed.
/// </summary>
public class PendingChange(RequestId request, MembershipChange change, string principal)
{
    public RequestId Request { get; } = request;

    public MembershipChange Change { get; } = change;

    public string Principal { get; } = principal;

    public PendingStage Stage { get; internal set; }

    /// <summary>The term whose leader may have appended it.</summary>
    public Term SentIn { get; internal set; }

    /// <summary>Loop time, in microseconds, at which it is answered at the latest.</summary>
    public long DeadlineMicros { get; internal set; }

    public MembershipAnswer Answer { get; private set; }

    internal void Settle(in MembershipAnswer answer)
    {
        Invariant.Require(Stage != PendingStage.Answered, "a request is answered once");
        Stage = PendingStage.Answered;
        Answer = answer;
    }
}
