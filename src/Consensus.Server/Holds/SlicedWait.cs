using Consensus.Node;
using Consensus.Server.Commands;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Holds;

/// <summary>
/// A request that waits for a hold in slices: it waits in the node on its own account, and the requests that ask for it, one after the other under one identity, each wait for that for
/// a while. Between two of them it is parked.
/// </summary>
internal sealed class SlicedWait(SlicedWaits owner, RequestMark mark) : IDisposable
{
    /// <summary>A place is in the view as soon as the command is applied here; this is for the time until then.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(10);

    private readonly CancellationTokenSource _gone = new();
    private Task<CommandAnswer> _answer = Task.FromResult(default(CommandAnswer));

    public SlicedWaits Owner => owner;

    public RequestMark Mark => mark;

    /// <summary>It is noted that nobody was told of what a session was granted: whoever is told has to let the session be heard of first.</summary>
    public bool WasNoted { get; set; }

    /// <summary>Ends when the answer came and whoever keeps it knows.</summary>
    public Task Settled { get; private set; } = Task.CompletedTask;

    public bool IsAnswered => _answer.IsCompleted;

    /// <summary>Of <see cref="SlicedWaits"/>, while it is parked.</summary>
    public ITimer? Expiry { get; set; }

    /// <summary>Whoever takes it up gets a place, or an answer that stands. Else its request is judged anew, in apply.</summary>
    public bool IsWorthTakingUp => !_gone.IsCancellationRequested
        && (!_answer.IsCompleted || (_answer.IsCompletedSuccessfully && _answer.Result is { Kind: AnswerKind.Done, Outcome: not (WaitTakenOver or WaitDetached) }));

    /// <param name="execute">Given the token that says that nobody asks for it any more.</param>
    public void Begin(Func<CancellationToken, ValueTask<CommandAnswer>> execute)
    {
        _answer = execute(_gone.Token).AsTask();
        Settled = _answer.ContinueWith(answer => owner.OnAnswered(this, answer.Result), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>The answer, or the place when the slice is over before. Whoever goes away meanwhile takes the wait with it.</summary>
    /// <param name="slice">Null: as long as it takes.</param>
    public async Task<(CommandAnswer Answer, PlaceInfo? Place)> AnswerOrPlaceAsync(TimeSpan? slice, CancellationToken aborted)
    {
        await using var registration = aborted.UnsafeRegister(static wait => ((SlicedWait)wait!)._gone.Cancel(), this);
        if (slice is { } time)
        {
            await AnswerWithin(time);
            for (; !_answer.IsCompleted && !aborted.IsCancellationRequested; await AnswerWithin(LookEvery))
            {
                if (await owner.PlaceOf(mark) is { } place)
                {
                    return (default, place);
                }
            }
        }
        return (await _answer, null);
    }

    /// <summary>Nobody has asked for it in time: its place is detached, and what it was granted is given back.</summary>
    public async Task LeaveAsync()
    {
        await _gone.CancelAsync();
        owner.Untaken(await _answer);
        Dispose();
    }

    public void Dispose() => _gone.Dispose();

    private async Task AnswerWithin(TimeSpan time)
    {
        using var enough = new CancellationTokenSource();
        await Task.WhenAny(_answer, Task.Delay(time, owner.Clock, enough.Token));
        await enough.CancelAsync();
    }
}
