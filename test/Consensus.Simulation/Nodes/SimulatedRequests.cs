using Consensus.Node;
using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Raft.Membership;

namespace Consensus.Simulation.Nodes;

/// <summary>A command whose answer somebody wants to see, at the moment at which the member gives it.</summary>
public sealed class SimulatedCommand(RequestId request, ReadOnlyMemory<byte> payload, Action<CommandAnswer> answered) : PendingCommand(request, payload, "")
{
    public void Complete() => answered(Answer);
}

/// <summary>A read whose view somebody wants to see.</summary>
public sealed class SimulatedRead(Revision minRevision, Action<ReadAnswer> answered) : PendingRead(minRevision)
{
    public void Complete() => answered(Answer);
}

/// <summary>A membership change whose answer somebody wants to see.</summary>
public sealed class SimulatedChange(RequestId request, MembershipChange change, Action<MembershipAnswer> answered) : PendingChange(request, change, "")
{
    public void Complete() => answered(Answer);
}
