using Consensus.Api.Requests;

namespace Consensus.Client.Holding;

/// <summary>What came of asking once to take something back.</summary>
internal enum WithdrawalOutcome
{
    /// <summary>It is not known; it may be asked again.</summary>
    Again,

    /// <summary>Nothing is left of it.</summary>
    Settled,

    /// <summary>It was refused, and would be again.</summary>
    InVain,
}

/// <summary>
/// Takes back, in the background, what was asked for and is not wanted any more: nobody is kept waiting for it, and it is tried for some
/// seconds, through several members at once. Bounded in number and in time; what it could not take back ends with its lease. Thread-safe.
/// </summary>
/// <param name="lastPatience">How long the end of a client waits for those under way.</param>
internal sealed class Withdrawals(IConsensusApi api, TimeSpan lastPatience) : IDisposable
{
    /// <summary>As long as an attempt of the request can be under way (rule 21).</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private const int Most = 1_000;
    private const int MostAtOnce = 16;

    private readonly IConsensusApi _api = api.Hurried;
    private readonly object _gate = new();
    private readonly HashSet<Task<bool>> _running = [];
    private readonly SemaphoreSlim _turns = new(MostAtOnce);
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationTokenSource _ending = new();
    private int _acquires;
    private bool _closed;
    private bool _isAnyLeft;

    /// <summary>Cancelled when the client is disposed of: nothing is asked for any more.</summary>
    public CancellationToken Closing => _closing.Token;

    /// <summary>Something is being asked for until the answer is disposed of; whoever ends this object waits for that too.</summary>
    /// <exception cref="ObjectDisposedException">Nothing is asked for any more.</exception>
    public IDisposable BeginAcquire()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(ConsensusClient));
            _acquires++;
        }
        return new Acquire(this);
    }

    /// <summary>Withdraws whatever was asked under this key.</summary>
    public void Begin(string idempotencyKey) => Begin((hurried, cancellation) => WithdrawAsync(hurried, idempotencyKey, cancellation));

    /// <param name="takeBack">Is called again as long as that may help, with what asks several members at once.</param>
    /// <param name="ended">Is told at the end whether it was settled.</param>
    public void Begin(Func<IConsensusApi, CancellationToken, Task<WithdrawalOutcome>> takeBack, Action<bool>? ended = null)
    {
        lock (_gate)
        {
            if (_running.Count < Most)
            {
                var task = Task.Run(() => RunAsync(takeBack, ended));
                _running.Add(task);
                task.ContinueWith(Ended, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                return;
            }
            _isAnyLeft = true;
        }
        ended?.Invoke(false);
    }

    /// <summary>Whether nothing more can come of asking to take something back.</summary>
    public static bool IsSettled(ApiProblem? problem) =>
        problem is null or { Kind: ApiFailureKind.Refused } or { Slug: "retry-too-late" or "session-ended" };

    /// <summary>The same of what is gone when it is refused. Who is not known any more takes nothing back.</summary>
    public static WithdrawalOutcome Of(ApiProblem? problem) => IsSettled(problem) ? WithdrawalOutcome.Settled
        : problem is { Kind: ApiFailureKind.Denied } ? WithdrawalOutcome.InVain
        : WithdrawalOutcome.Again;

    /// <summary>
    /// Withdraws whatever was asked under this key: for who has no client that does so in the background, and waits for it.
    /// </summary>
    /// <returns>True when nothing is held under it for certain, nor will be; false too when it was cancelled.</returns>
    public static Task<bool> TryAsync(IConsensusApi api, string idempotencyKey, CancellationToken cancellationToken) =>
        UntilSettledAsync(cancellation => WithdrawAsync(api.Hurried, idempotencyKey, cancellation), cancellationToken);

    /// <summary>Ends when those that are under way now have ended; whether they and all before them were settled.</summary>
    public async Task<bool> WhenDoneAsync()
    {
        Task<bool>[] running;
        bool isAnyLeft;
        lock (_gate)
        {
            (running, isAnyLeft) = ([.. _running], _isAnyLeft);
        }
        return Array.TrueForAll(await Task.WhenAll(running).ConfigureAwait(false), static isSettled => isSettled) && !isAnyLeft;
    }

    /// <summary>Ends what is being asked for.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
        }
        _closing.Cancel();
    }

    /// <summary>Waits for what that leaves to be taken back, but not for ever.</summary>
    public void Dispose()
    {
        Close();
        var until = Environment.TickCount64 + (long)lastPatience.TotalMilliseconds;
        lock (_gate)
        {
            while ((_acquires > 0 || _running.Count > 0) && until - Environment.TickCount64 is var left and > 0)
            {
                Monitor.Wait(_gate, (int)left);
            }
        }
        _ending.Cancel();
    }

    private static async Task<WithdrawalOutcome> WithdrawAsync(
        IConsensusApi hurried, string idempotencyKey, CancellationToken cancellationToken)
    {
        var result = await hurried.WithdrawAsync(idempotencyKey, cancellationToken).ConfigureAwait(false);
        return result.Value is { Outcome: WithdrawOutcomes.Withdrawn or WithdrawOutcomes.Released } ? WithdrawalOutcome.Settled
            : IsSettled(result.Problem) || result.Problem is { Kind: ApiFailureKind.Denied } ? WithdrawalOutcome.InVain
                : WithdrawalOutcome.Again;
    }

    private static async Task<bool> UntilSettledAsync(
        Func<CancellationToken, Task<WithdrawalOutcome>> takeBack, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var taken = await takeBack(cancellationToken).ConfigureAwait(false);
                if (taken != WithdrawalOutcome.Again)
                {
                    return taken == WithdrawalOutcome.Settled;
                }
                await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // It ends with its lease.
            return false;
        }
    }

    private async Task<bool> RunAsync(Func<IConsensusApi, CancellationToken, Task<WithdrawalOutcome>> takeBack, Action<bool>? ended)
    {
        var isSettled = false;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
        patience.CancelAfter(Patience);
        try
        {
            await _turns.WaitAsync(patience.Token).ConfigureAwait(false);
            try
            {
                isSettled = await UntilSettledAsync(cancellation => takeBack(_api, cancellation), patience.Token).ConfigureAwait(false);
            }
            finally
            {
                _turns.Release();
            }
        }
        catch (OperationCanceledException)
        {
            // It had no turn.
        }
        finally
        {
            ended?.Invoke(isSettled);
        }
        return isSettled;
    }

    private void Ended(Task<bool> task)
    {
        lock (_gate)
        {
            _running.Remove(task);
            _isAnyLeft |= !task.IsCompletedSuccessfully || !task.Result;
            Monitor.PulseAll(_gate);
        }
    }

    private sealed class Acquire(Withdrawals owner) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._gate)
            {
                owner._acquires--;
                Monitor.PulseAll(owner._gate);
            }
        }
    }
}
