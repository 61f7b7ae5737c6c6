using Consensus.Client.Testing.Store;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Client.Testing.Api;

/// <summary>The API as one client has it, answered out of the state machine.</summary>
internal sealed partial class InMemoryApi(InMemoryStore store) : IConsensusApi
{
    private readonly Lock _gate = new();
    private CancellationTokenSource _connection = new();
    private TaskCompletionSource _reconnected = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Disconnect()
    {
        CancellationTokenSource connection;
        lock (_gate)
        {
            connection = _connection;
        }
        connection.Cancel();
    }

    public void Reconnect()
    {
        lock (_gate)
        {
            if (_connection.IsCancellationRequested)
            {
                _connection = new CancellationTokenSource();
                _reconnected.TrySetResult();
                _reconnected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    public void Dispose() => Disconnect();

    private CancellationToken Connection
    {
        get
        {
            lock (_gate)
            {
                return _connection.Token;
            }
        }
    }

    /// <summary>Null while connected; else what ends when it is connected again.</summary>
    private Task? Reconnected
    {
        get
        {
            lock (_gate)
            {
                return _connection.IsCancellationRequested ? _reconnected.Task : null;
            }
        }
    }

    /// <summary>Applies a command and turns its outcome into an answer; a null answer means that the outcome is a refusal.</summary>
    private async Task<ApiResult<T>> ExecuteAsync<T>(
        ApiProblem? refusal, Func<Command> command, Func<Outcome, T?> answer, CancellationToken cancellationToken, RequestIdentity? identity = null)
        where T : class
    {
        cancellationToken.ThrowIfCancellationRequested();
        var connection = Connection;
        if (connection.IsCancellationRequested)
        {
            await PauseAsync(cancellationToken).ConfigureAwait(false);
            return ApiResult<T>.Failed(Refusals.Unreachable);
        }
        if (refusal is not null)
        {
            return ApiResult<T>.Failed(refusal);
        }
        using var either = CancellationTokenSource.CreateLinkedTokenSource(connection, cancellationToken);
        var outcome = await store.ExecuteAsync(command(), either.Token, identity?.BeginSend() ?? "").ConfigureAwait(false);
        if (outcome is WaitCancelled)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }
        if (answer(outcome) is { } value)
        {
            return ApiResult<T>.Of(value, "");
        }
        identity?.EndSend(wasAnswered: true);
        return ApiResult<T>.Failed(Refusals.Of(outcome));
    }

    private async Task<ApiResult<T>> ReadAsync<T>(ApiProblem? refusal, ReadOptions? read, Func<StateView, ApiResult<T>> answer, CancellationToken cancellationToken)
        where T : class
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Connection.IsCancellationRequested)
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
        if (Connection.IsCancellationRequested)
        {
            return new HoldRenewal(HoldRenewalOutcome.Unanswered, Refusals.Unreachable.Detail);
        }
        var outcome = send();
        return ttlMicros(outcome) is { } micros
            ? new HoldRenewal(HoldRenewalOutcome.Renewed, "") { Ttl = TimeSpan.FromMilliseconds(Answers.Ms(micros)) }
            : new HoldRenewal(HoldRenewalOutcome.Lost, refusal(outcome).Detail);
    }
}
