using Consensus.Api.Requests;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Client.Testing.Api;

internal sealed partial class InMemoryApi
{
    /// <summary>Takes back whatever was asked under this key.</summary>
    public Task<ApiResult<WithdrawAnswer>> WithdrawAsync(string idempotencyKey, CancellationToken cancellationToken) => ExecuteAsync(
        Checks.IdempotencyKey(idempotencyKey),
        () => new WithdrawCommand(Key.FromText(idempotencyKey)),
        outcome => outcome is Withdrawn withdrawn ? RequestShapes.Of(withdrawn) : null,
        cancellationToken);
}
