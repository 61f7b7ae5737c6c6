using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine;

public sealed partial class ReplicatedState
{
    private Outcome Compact(CompactCommand c) => Invariant.Unreachable<Outcome>(c);
}
