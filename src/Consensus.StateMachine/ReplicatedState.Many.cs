using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine;

public sealed partial class ReplicatedState
{
    private Outcome AcquireMany(AcquireManyCommand c) => Invariant.Unreachable<Outcome>(c);

    private Outcome HandOver(HandOverCommand c) => Invariant.Unreachable<Outcome>(c);
}
