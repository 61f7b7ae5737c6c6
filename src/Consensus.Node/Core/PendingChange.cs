using Consensus.Primitives;
using Consensus.Raft.Membership;

namespace Consensus.Node.Core;

/// <summary>One membership change. Like a command it is bound to the leader of one term, so what became of it can be told.</summary>
public class PendingChange(RequestId request, MembershipChange change) : PendingRequest<MembershipAnswer>
{
    public RequestId Request { get; } = request;

    public MembershipChange Change { get; } = change;
}
