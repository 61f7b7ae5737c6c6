using Consensus.Api.Requests;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Client.Testing.Api;

internal sealed partial class InMemoryApi
{
    /// <summary>Takes back whatever was asked under this key.</summary>
    public Task<ApiResult<WithdrawAnswer>> WithdrawAsync(string idempotencyKey, CancellationToken cancellationToken) => ExecuteAsync(
        Checks.IdempotencyKey(idempotencyKey),
        () => new WithdrawCommand(Key.FromText(idempotencyKey)),
        outcome => outcome is Withdrawn withdrawn ? new WithdrawAnswer(NameOf(withdrawn.Result), withdrawn.Revision.Value) : null,
        cancellationToken);

    private static string NameOf(WithdrawResult result) => result switch
    {
        WithdrawResult.Withdrawn => WithdrawOutcomes.Withdrawn,
        WithdrawResult.Released => WithdrawOutcomes.Released,
        WithdrawResult.Done => WithdrawOutcomes.Done,
        _ => Invariant.Unreachable<string>(result),
    };
}
