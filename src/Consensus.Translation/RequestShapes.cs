using Consensus.Api.Requests;
using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Translation;

/// <summary>What is answered about requests.</summary>
public static class RequestShapes
{
    public static WithdrawAnswer Of(Withdrawn withdrawn) => new(
        withdrawn.Result switch
        {
            WithdrawResult.Withdrawn => WithdrawOutcomes.Withdrawn,
            WithdrawResult.Released => WithdrawOutcomes.Released,
            WithdrawResult.Done => WithdrawOutcomes.Done,
            _ => Invariant.Unreachable<string>(withdrawn.Result),
        },
        withdrawn.Revision.Value);
}
