using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine;

public sealed partial class ReplicatedState
{
    private Outcome Fence(FenceCommand c) => Invariant.Unreachable<Outcome>(c);

    private Outcome ResetFence(ResetFenceCommand c) => Invariant.Unreachable<Outcome>(c);
}
