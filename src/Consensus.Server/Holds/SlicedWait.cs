using Consensus.Api.Locks;
using Consensus.Node;
using Consensus.Server.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Holds;

/// <summary>
/// A request that waits for a hold in slices: it waits in the node on its own account, and the requests that ask for it, one after the
/// other under one identity, each wait for that for a while. Between two of them it is parked.
/// </summary>
internal sealed class SlicedWait(SlicedWaits owner, RequestMark mark) : IDisposable
{
    /// <summary>
    /// A place is in the view as soon as the command is applied here. That may take as long as an election: it is looked for less and less
    /// often.
    /// </summary>
    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestLook = TimeSpan.FromMilliseconds(320);

    private readonly CancellationTokenSource _gone = new();
    private Task<CommandAnswer> _answer = Task.FromResult(default(CommandAnswer));

    public RequestMark Mark => mark;

    /// <summary>Ends when the answer came and whoever keeps it knows.</summary>
    public Task Settled { get; private set; } = Task.CompletedTask;

    /// <summary>It was granted something, which may be over since.</summary>
    public bool IsGranted => Outcome is HoldGranted or ManyGranted;

    /// <summary>Whoever takes it up gets a place, or a "no" that stands. Else its request is judged anew, in apply.</summary>
    public bool IsWorthTakingUp => !_gone.IsCancellationRequested
        && (!_answer.IsCompleted || Outcome is not (null or WaitTakenOver or WaitDetached));

    /// <summary>What it came to; null while it is not known, or never will be.</summary>
    private Outcome? Outcome => _answer.IsCompletedSuccessfully && _answer.Result is { Kind: AnswerKind.Done, Outcome: var outcome } ? outcome : null;

    /// <param name="execute">Given the token that says that nobody asks for it any more.</param>
    public void Begin(Func<CancellationToken, ValueTask<CommandAnswer>> execute)
    {
        _answer = execute(_gone.Token).AsTask();
        Settled = _answer.ContinueWith(
            answer => owner.OnAnswered(this, answer.Result),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <summary>The answer, or the place when the slice is over before. Whoever goes away meanwhile takes the wait with it.</summary>
    /// <param name="slice">Null: as long as it takes.</param>
    public async Task<SliceEnd> AnswerOrPlaceAsync(TimeSpan? slice, CancellationToken aborted)
    {
        await using var registration = aborted.UnsafeRegister(static wait => ((SlicedWait)wait!)._gone.Cancel(), this);
        if (slice is { } time)
        {
            await AnswerWithin(time);
            for (var pause = FirstLook; !_answer.IsCompleted && !aborted.IsCancellationRequested; pause *= pause < LongestLook ? 2 : 1)
            {
                if (await LookAsync() is { } place)
                {
                    return place;
                }
                await AnswerWithin(pause);
            }
        }
        return new SliceEnd(await _answer, null, IsOutOfTouch: false);
    }

    /// <summary>Null when it has its answer, or no place yet.</summary>
    private async Task<SliceEnd?> LookAsync()
    {
        using var enough = new CancellationTokenSource();
        var look = owner.PlaceOf(mark, enough.Token).AsTask();
        await Task.WhenAny(_answer, look);
        await enough.CancelAsync();
        var found = await look;
        return _answer.IsCompleted ? null : found;
    }

    /// <summary>Nobody asks for it any more: its place is detached, and what it was granted is given back.</summary>
    public async Task LeaveAsync()
    {
        await _gone.CancelAsync();
        owner.Untaken(await _answer, hasKey: false);
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

/// <summary>What a request is told at the end of its slice.</summary>
/// <param name="Answer">Unless one of the others is told.</param>
/// <param name="IsOutOfTouch">
/// It stands in line as far as this member knows, which reaches no leader: whether it still does, nobody here can say.
/// </param>
internal readonly record struct SliceEnd(CommandAnswer Answer, PlaceAnswer? Place, bool IsOutOfTouch);
