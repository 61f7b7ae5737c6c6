using System.Threading.Tasks.Sources;
using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Raft.Membership;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Runtime;

/// <summary>A request that a caller awaits, once.</summary>
internal interface IAwaited
{
    /// <summary>Its answer is set. What the caller does next runs here when <paramref name="inline"/>, else on the thread pool.</summary>
    void Complete(bool inline);
}

/// <summary>A command whose answer a caller awaits.</summary>
internal sealed class AwaitedCommand(RequestId request, CommandEnvelope envelope, ReadOnlyMemory<byte> payload)
    : PendingCommand(request, envelope, payload), IAwaited, IValueTaskSource<CommandAnswer>
{
    private ManualResetValueTaskSourceCore<CommandAnswer> _source;

    public ValueTask<CommandAnswer> Task => new(this, _source.Version);

    public void Complete(bool inline)
    {
        _source.RunContinuationsAsynchronously = !inline;
        _source.SetResult(Answer);
    }

    public CommandAnswer GetResult(short token) => _source.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}

/// <summary>A read whose view a caller awaits.</summary>
internal sealed class AwaitedRead(Revision minRevision) : PendingRead(minRevision), IAwaited, IValueTaskSource<ReadAnswer>
{
    private ManualResetValueTaskSourceCore<ReadAnswer> _source;
    private CancellationTokenRegistration _giveUp;
    private Inbox? _inbox;

    public ValueTask<ReadAnswer> Task => new(this, _source.Version);

    public void Complete(bool inline)
    {
        _source.RunContinuationsAsynchronously = !inline;
        _source.SetResult(Answer);
    }

    /// <summary>Before <see cref="Task"/> is awaited: nobody waits any more once <paramref name="aborted"/> is signalled.</summary>
    public void GiveUpWhen(Inbox inbox, CancellationToken aborted)
    {
        _inbox = inbox;
        _giveUp = aborted.UnsafeRegister(static (state, _) => ((AwaitedRead)state!).GiveUp(), this);
    }

    private void GiveUp() => _inbox!.PostToLoop(new ReadCancelledInput(this));

    public ReadAnswer GetResult(short token)
    {
        _giveUp.Unregister();
        return _source.GetResult(token);
    }

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}

/// <summary>A membership change whose answer a caller awaits.</summary>
internal sealed class AwaitedChange(RequestId request, MembershipChange change) : PendingChange(request, change), IAwaited
{
    private readonly TaskCompletionSource<MembershipAnswer> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<MembershipAnswer> Task => _source.Task;

    public void Complete(bool inline) => _source.TrySetResult(Answer);
}

/// <summary>A hand-over of leadership whose end a caller awaits.</summary>
internal sealed class AwaitedTransfer(MemberId to) : PendingTransfer(to), IAwaited
{
    private readonly TaskCompletionSource<TransferAnswer> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<TransferAnswer> Task => _source.Task;

    public void Complete(bool inline) => _source.TrySetResult(Answer);
}

/// <summary>A hash that a caller awaits.</summary>
internal sealed class AwaitedHash(LogIndex index) : PendingHash(index), IAwaited
{
    private readonly TaskCompletionSource<HashAnswer> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<HashAnswer> Task => _source.Task;

    public void Complete(bool inline) => _source.TrySetResult(Answer);
}

/// <summary>A view at an index that a caller awaits.</summary>
internal sealed class AwaitedView(LogIndex index) : PendingView(index), IAwaited
{
    private readonly TaskCompletionSource<ViewAnswer> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<ViewAnswer> Task => _source.Task;

    public void Complete(bool inline) => _source.TrySetResult(Answer);
}

/// <summary>A stop whose end a caller awaits. It goes on elsewhere than on the threads that it ends.</summary>
internal sealed class AwaitedStop : PendingStop, IAwaited
{
    private readonly TaskCompletionSource<StopAnswer> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<StopAnswer> Task => _source.Task;

    public void Complete(bool inline) => _source.TrySetResult(Answer);
}
