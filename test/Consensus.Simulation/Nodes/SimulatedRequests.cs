using Consensus.Node;
using Consensus.Node.Core;
using Consensus.Node.Runtime;
using Consensus.Primitives;
using Consensus.Raft.Membership;
using Consensus.StateMachine.Commands;

namespace Consensus.Simulation.Nodes;

/// <summary>A command whose answer somebody wants to see, at the moment at which the member gives it.</summary>
public sealed class SimulatedCommand(RequestId request, CommandEnvelope envelope, ReadOnlyMemory<byte> payload, Action<CommandAnswer> answered)
    : PendingCommand(request, envelope, payload), IAwaited
{
    void IAwaited.Complete(bool inline) => answered(Answer);
}

/// <summary>A read whose view somebody wants to see.</summary>
public sealed class SimulatedRead(Revision minRevision, Action<ReadAnswer> answered) : PendingRead(minRevision), IAwaited
{
    void IAwaited.Complete(bool inline) => answered(Answer);
}

/// <summary>A membership change whose answer somebody wants to see.</summary>
public sealed class SimulatedChange(RequestId request, MembershipChange change, Action<MembershipAnswer> answered) : PendingChange(request, change), IAwaited
{
    void IAwaited.Complete(bool inline) => answered(Answer);
}

/// <summary>A hand-over of leadership whose end somebody wants to see.</summary>
public sealed class SimulatedTransfer(MemberId to, Action answered) : PendingTransfer(to), IAwaited
{
    void IAwaited.Complete(bool inline) => answered();
}

/// <summary>A stop whose end somebody wants to see.</summary>
public sealed class SimulatedStop(Action answered) : PendingStop, IAwaited
{
    void IAwaited.Complete(bool inline) => answered();
}
