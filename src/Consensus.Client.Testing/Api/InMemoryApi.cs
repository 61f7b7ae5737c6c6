using Consensus.Client.Testing.Store;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Client.Testing.Api;

/// <summary>The API as one client has it, answered out of the state machine.</summary>
/// <param name="identity">Of its next write; null: it has none.</param>
internal sealed partial class InMemoryApi(InMemoryStore store, InMemoryConnection link, RequestIdentity? identity = null) : IConsensusApi
{
    public InMemoryApi(InMemoryStore store)
        : this(store, new InMemoryConnection())
    {
    }

    public IConsensusApi Under(RequestIdentity own) => new InMemoryApi(store, link, own);

    public IConsensusApi Hurried => this;

    public void Disconnect() => link.Disconnect();

    public void Reconnect() => link.Reconnect();

    public void Dispose() => link.Disconnect();

    /// <summary>Applies a command and turns its outcome into an answer; a null answer means that the outcome is a refusal.</summary>
    private async Task<ApiResult<T>> ExecuteAsync<T>(
        ApiProblem? refusal, Func<Command> command, Func<Outcome, T?> answer, CancellationToken cancellation, RequestIdentity? own = null)
        where T : class
    {
        cancellation.ThrowIfCancellationRequested();
        var connected = link.Token;
        if (connected.IsCancellationRequested)
        {
            await PauseAsync(cancellation).ConfigureAwait(false);
            return ApiResult<T>.Failed(Refusals.Unreachable);
        }
        if (refusal is not null)
        {
            return ApiResult<T>.Failed(refusal);
        }
        using var either = CancellationTokenSource.CreateLinkedTokenSource(connected, cancellation);
        var asked = own ?? identity;
        var outcome = await store.ExecuteAsync(command(), either.Token, asked?.BeginSend() ?? default).ConfigureAwait(false);
        if (outcome is WaitCancelled or WaitDetached)
        {
            cancellation.ThrowIfCancellationRequested();
        }
        if (answer(outcome) is { } value)
        {
            return ApiResult<T>.Of(value, "");
        }
        var problem = Refusals.Of(outcome);
        if (outcome is SessionRefused { Reason: SessionRefusal.Ended })
        {
            asked?.Numbers?.End(problem.Detail);
        }
        else if (problem.Kind != ApiFailureKind.OutcomeUnknown)
        {
            asked?.EndSend(wasAnswered: true);
        }
        return ApiResult<T>.Failed(problem);
    }

    private async Task<ApiResult<T>> ReadAsync<T>(ApiProblem? refusal, ReadOptions? read, Func<StateView, ApiResult<T>> answer, CancellationToken cancellationToken)
        where T : class
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (link.Token.IsCancellationRequested)
        {
            await PauseAsync(cancellationToken).ConfigureAwait(false);
            return ApiResult<T>.Failed(Refusals.Unreachable);
        }
        var view = store.View;
        if (refusal is null && read?.MinRevision > view.Revision.Value)
        {
            return ApiResult<T>.Failed(new ApiProblem(ApiFailureKind.Unavailable, 503, "not-ready", "The revision is not there yet."));
        }
        return refusal is null ? answer(view) : ApiResult<T>.Failed(refusal);
    }

    /// <summary>Nobody answers at once that nobody answers.</summary>
    private static Task PauseAsync(CancellationToken cancellationToken) => Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken);

    /// <param name="ttlMicros">The renewed lease's; null when the outcome is a refusal.</param>
    private HoldRenewal Renew(Func<Outcome> send, Func<Outcome, long?> ttlMicros, Func<Outcome, ApiProblem> refusal)
    {
        if (link.Token.IsCancellationRequested)
        {
            return new HoldRenewal(HoldRenewalOutcome.Unanswered, Refusals.Unreachable.Detail);
        }
        var outcome = send();
        return ttlMicros(outcome) is { } micros
            ? new HoldRenewal(HoldRenewalOutcome.Renewed, "") { Ttl = TimeSpan.FromMilliseconds(Millis.Of(micros)) }
            : new HoldRenewal(HoldRenewalOutcome.Lost, refusal(outcome).Detail);
    }
}
