namespace Consensus.Client.Holding;

/// <summary>
/// Takes back, in the background, what was asked for and is not wanted any more: nobody is kept waiting for it, and it is tried for some seconds, through every member. Bounded in number and
/// in time; what it could not take back ends with its lease. Thread-safe.
/// </summary>
/// <param name="lastPatience">How long the end of a client waits for those under way.</param>
/// <param name="withdraw">Takes the place of the API's way to withdraw a key; true: it is settled.</param>
internal sealed class Withdrawals(
    IConsensusApi api, TimeSpan lastPatience, Func<string, CancellationToken, Task<bool>>? withdraw = null) : IDisposable
{
    /// <summary>As long as an attempt of the request can be under way (rule 21).</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private const int Most = 1_000;
    private const int MostAtOnce = 16;

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
    public void Begin(string idempotencyKey) => Begin(cancellation =>
        withdraw?.Invoke(idempotencyKey, cancellation) ?? WithdrawAsync(idempotencyKey, cancellation));

    /// <param name="takeBack">True: it is settled. Else it is called again.</param>
    /// <param name="ended">Is told at the end whether it was settled.</param>
    public void Begin(Func<CancellationToken, Task<bool>> takeBack, Action<bool>? ended = null)
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

    private async Task<bool> WithdrawAsync(string idempotencyKey, CancellationToken cancellationToken) =>
        IsSettled((await api.WithdrawAsync(idempotencyKey, cancellationToken).ConfigureAwait(false)).Problem);

    private async Task<bool> RunAsync(Func<CancellationToken, Task<bool>> takeBack, Action<bool>? ended)
    {
        var isSettled = false;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
        patience.CancelAfter(Patience);
        try
        {
            await _turns.WaitAsync(patience.Token).ConfigureAwait(false);
            try
            {
                while (!await takeBack(patience.Token).ConfigureAwait(false))
                {
                    await Task.Delay(Pause, patience.Token).ConfigureAwait(false);
                }
                isSettled = true;
            }
            finally
            {
                _turns.Release();
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // It ends with its lease.
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
