using Consensus.Primitives;
using Consensus.StateMachine;

namespace Consensus.Server.Watches.States;

/// <summary>A subject as it was at one log index.</summary>
/// <param name="IsLast">Nothing comes after it.</param>
internal sealed record StateMessage(WatchMessage Message, LogIndex Index, bool IsLast);

/// <summary>All streams of one subject: they share its newest message. Belongs to the lock of <see cref="StateStreams"/>.</summary>
internal sealed class StateGroup(StateSubject subject, StateView view)
{
    private TaskCompletionSource _woken = NewWake();

    public StateSubject Subject => subject;

    public int Streams { get; set; }

    /// <summary>What the subject was when it was looked at last.</summary>
    public object? Mark { get; private set; } = subject.MarkIn(view);

    /// <summary>The log index at which it became that, or at which the first stream found it so.</summary>
    public LogIndex Index { get; private set; } = view.AppliedIndex;

    /// <summary>The last time at which there was such a thing.</summary>
    public ClusterTime AliveAt { get; private set; } = view.AppliedStamp;

    /// <summary>What it became last; null while that is what the first stream found, and after it was forgotten for want of room.</summary>
    public StateMessage? Newest { get; set; }

    /// <summary>Among those that have a message.</summary>
    public LinkedListNode<StateGroup>? Place { get; set; }

    /// <summary>Ends when there is a newer message, or something else to do.</summary>
    public Task WhenWoken => _woken.Task;

    /// <summary>It is what it was.</summary>
    public void Confirm(StateView same) => AliveAt = Mark is null ? AliveAt : same.AppliedStamp;

    /// <summary>It is another.</summary>
    public void Change(object? mark, StateView at)
    {
        (Mark, Index) = (mark, at.AppliedIndex);
        Confirm(at);
    }

    public void Wake()
    {
        var woken = _woken;
        _woken = NewWake();
        woken.SetResult();
    }

    private static TaskCompletionSource NewWake() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
