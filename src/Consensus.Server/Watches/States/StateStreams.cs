using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Auth;
using Consensus.Server.Holds;
using Consensus.Server.Hosting;
using Consensus.Server.Http;
using Consensus.StateMachine;

namespace Consensus.Server.Watches.States;

/// <summary>What a stream does next.</summary>
/// <param name="Message">Write it; null: there is nothing.</param>
/// <param name="Woken">Ends when it is worth asking again.</param>
internal readonly record struct StateStep(StateMessage? Message, Task Woken)
{
    /// <summary>The member stops: end.</summary>
    public static readonly StateStep Stop = new(null, Task.CompletedTask);
}

/// <summary>
/// Streams that tell the state of one thing, whole, each time that it is another. They need no history: a stream that comes again, or is slow, is told the state as it is then. One task
/// looks at the newest view, some twenty times a second, for the length of a queue has no revision to wait for; it compares one mark for each subject, and encodes once what all
/// its streams are told. While there is none, nothing runs.
/// </summary>
/// <param name="maxBytes">Of the newest messages of all subjects together: what is beyond it is encoded again for who still wants it.</param>
internal sealed class StateStreams(IConsensusNode node, TimeProvider clock, long maxBytes, ILogger logger)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(15);

    /// <summary>With very many subjects it looks less often: it has at most one part in so many of a processor.</summary>
    private const int RestsFor = 10;

    private readonly Lock _guard = new();
    private readonly Dictionary<StateSubject, StateGroup> _groups = [];

    /// <summary>Groups with a message, in the order in which they got it.</summary>
    private readonly LinkedList<StateGroup> _kept = new();
    private long _keptBytes;
    private bool _follows;
    private bool _isStopped;
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public long KeptBytes => Volatile.Read(ref _keptBytes);

    /// <summary>Begins a stream; null when the member stops. <see cref="Close"/> ends it.</summary>
    /// <param name="view">Whose state the stream is told first.</param>
    public StateGroup? Open(StateSubject subject, StateView view)
    {
        lock (_guard)
        {
            if (_isStopped)
            {
                return null;
            }
            if (!_groups.TryGetValue(subject, out var group))
            {
                _groups[subject] = group = new StateGroup(subject, view);
            }
            group.Streams++;
            _count++;
            if (!_follows)
            {
                _follows = true;
                _ = Task.Run(FollowAsync);
            }
            return group;
        }
    }

    public void Close(StateGroup group)
    {
        lock (_guard)
        {
            _count--;
            if (--group.Streams == 0)
            {
                _groups.Remove(group.Subject);
                Forget(group);
            }
        }
    }

    /// <param name="seen">The log index of what the stream was told last.</param>
    public async ValueTask<StateStep> NextAsync(StateGroup group, LogIndex seen)
    {
        lock (_guard)
        {
            if (_isStopped)
            {
                return StateStep.Stop;
            }
            if (group.Index <= seen || group.Newest is not null)
            {
                return new StateStep(group.Newest is { } newest && newest.Index > seen ? newest : null, group.WhenWoken);
            }
        }
        return await AgainAsync(group);
    }

    /// <summary>Whether a stream may be told what it has got: the member's policy is as new.</summary>
    public bool Allows(StreamRight right) => right.IsAllowedBy(node.Policy);

    /// <summary>All streams end, and none begins (rule 30).</summary>
    public void Stop()
    {
        lock (_guard)
        {
            _isStopped = true;
        }
        WakeAll();
    }

    /// <summary>The subject as the view has it.</summary>
    public StateMessage MessageOf(StateGroup group, StateView view)
    {
        var buffer = JsonBuffer.Rent();
        var name = group.Subject.Write(buffer.Json, view, group.AliveAt, HoldContext.Of(node, view));
        var bytes = WatchMessages.Finish(buffer, view.Revision.Value, name);
        return new StateMessage(new WatchMessage(view.Revision, bytes), view.AppliedIndex, name == LeaseSubject.Ended);
    }

    /// <summary>Its newest message was forgotten before this stream had it: encoded anew, for all that still want it.</summary>
    private async ValueTask<StateStep> AgainAsync(StateGroup group)
    {
        var woken = group.WhenWoken;
        var answer = await node.ReadAsync(ReadConsistency.Stale, Revision.Zero, CancellationToken.None);
        if (answer.View is not { } view)
        {
            return new StateStep(null, woken);
        }
        var message = MessageOf(group, view);
        lock (_guard)
        {
            // Only what is about the present state of the group, of which the view may know less or more.
            if (group.Streams > 0 && group.Newest is null && Equals(group.Mark, group.Subject.MarkIn(view)))
            {
                Remember(group, message);
            }
        }
        return new StateStep(message, woken);
    }

    private async Task FollowAsync()
    {
        try
        {
            var told = clock.GetTimestamp();
            var policy = node.Policy;
            while (IsNeeded())
            {
                var answer = await node.ReadAsync(ReadConsistency.Stale, Revision.Zero, CancellationToken.None);
                await IoThread.Leave();
                var began = clock.GetTimestamp();
                if (answer.View is { } view)
                {
                    Advance(view);
                }
                var rest = clock.GetElapsedTime(began) * RestsFor;
                var isOtherPolicy = !ReferenceEquals(policy, node.Policy);
                if (isOtherPolicy || clock.GetElapsedTime(told) >= HeartbeatInterval)
                {
                    (told, policy) = (clock.GetTimestamp(), node.Policy);
                    WakeAll();
                }
                await Task.Delay(rest > LookEvery ? rest : LookEvery, clock);
            }
        }
        catch (Exception e)
        {
            // A stream that is told nothing would look like one of a thing that stays as it is: better that it ends, and goes on at another member.
            logger.LogError(e, "event streams of this member end: the state could not be followed");
            Stop();
        }
    }

    private bool IsNeeded()
    {
        lock (_guard)
        {
            return _follows = !_isStopped && _count > 0;
        }
    }

    private void Advance(StateView view)
    {
        foreach (var group in Groups())
        {
            // Only this task moves a group on, so that it may look at it without the lock.
            if (view.AppliedIndex <= group.Index)
            {
                continue;
            }
            var mark = group.Subject.MarkIn(view);
            if (Equals(mark, group.Mark))
            {
                group.Confirm(view);
                continue;
            }
            var message = MessageOf(group, view);
            lock (_guard)
            {
                if (group.Streams > 0)
                {
                    group.Change(mark, view);
                    Remember(group, message);
                    group.Wake();
                }
            }
        }
    }

    private void Remember(StateGroup group, StateMessage message)
    {
        Forget(group);
        (group.Newest, group.Place) = (message, _kept.AddLast(group));
        _keptBytes += message.Message.Bytes.Length;
        while (_keptBytes > maxBytes && _kept.First!.Value != group)
        {
            Forget(_kept.First.Value);
        }
    }

    private void Forget(StateGroup group)
    {
        if (group is { Newest: { } message, Place: { } place })
        {
            _kept.Remove(place);
            _keptBytes -= message.Message.Bytes.Length;
            (group.Newest, group.Place) = (null, null);
        }
    }

    private void WakeAll()
    {
        foreach (var group in Groups())
        {
            lock (_guard)
            {
                group.Wake();
            }
        }
    }

    private StateGroup[] Groups()
    {
        lock (_guard)
        {
            return [.. _groups.Values];
        }
    }
}
