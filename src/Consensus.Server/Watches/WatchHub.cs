using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Auth;
using Consensus.Server.Hosting;
using Consensus.Server.Watches.States;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;

namespace Consensus.Server.Watches;

/// <summary>
/// All watches of this member. One task follows the state: it looks at each change once, finds the watches that it is for, encodes their
/// message once, and wakes them and no others. A watch that is slow has no queue: it finds the newest messages here and older ones in the
/// history. While nobody watches, nothing runs.
/// </summary>
internal sealed class WatchHub : IDisposable
{
    private const int MostMessages = 16_384;

    /// <summary>How many changes of the history a watch looks at before it looks at a newer view.</summary>
    private const int StepChanges = 20_000;

    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    /// <summary>A read that comes back without a view sooner than this was refused, rather than waited for in vain.</summary>
    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan RestAfterRefusal = TimeSpan.FromMilliseconds(50);

    private readonly IConsensusNode _node;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly ITimer _sweep;
    private readonly Lock _guard = new();
    private readonly WatchBoard _board;
    private readonly EncodedMessages _encoded;
    private readonly int _mostWatches;
    private bool _followsPolicy;

    /// <param name="mostMessageBytes">Of messages kept: half for watches that are a little behind, a quarter for those in the history, a quarter of states; and as many of messages that their clients do not take.</param>
    public WatchHub(IConsensusNode node, TimeProvider clock, int mostWatches, long mostMessageBytes, ILogger logger)
    {
        (_node, _clock, _logger) = (node, clock, logger);
        MostMessageBytes = mostMessageBytes;
        Untaken = new UntakenMessages(mostMessageBytes, clock);
        _mostWatches = mostWatches;
        _board = new WatchBoard(mostWatches, MostMessages, mostMessageBytes / 2);
        _encoded = new EncodedMessages(mostMessageBytes / 4, WatchMessages.Of);
        History = new WatchHistory(WatchStream.StepBytes, StepChanges, _encoded.Of);
        States = new StateStreams(node, clock, mostMessageBytes / 4, logger);
        _sweep = clock.CreateTimer(_ => WakeLongAsleep(), null, SweepInterval, SweepInterval);
    }

    /// <summary>Of changes and of states together.</summary>
    public int Watches
    {
        get
        {
            lock (_guard)
            {
                return _board.Watches + States.Count;
            }
        }
    }

    public StateStreams States { get; }

    /// <summary>How a watch that is behind goes on.</summary>
    public WatchHistory History { get; }

    public bool IsStopped
    {
        get
        {
            lock (_guard)
            {
                return _board.IsStopped;
            }
        }
    }

    /// <summary>Begins a watch. Null when there are too many, or the member stops.</summary>
    /// <param name="view">One that the caller read; the first watch begins to follow from there.</param>
    /// <param name="right">What the watch needs to be told more, which the view allows.</param>
    public Watcher? Open(WatchTarget target, Revision from, StateView view, StreamRight right)
    {
        lock (_guard)
        {
            if (_board.Watches + States.Count >= _mostWatches)
            {
                return null;
            }
            var watcher = _board.Open(target, from, view, out var beginsToFollow);
            if (watcher is null)
            {
                return null;
            }
            watcher.Right = right;
            if (beginsToFollow)
            {
                _ = Task.Run(FollowAsync);
            }
            if (!_followsPolicy)
            {
                _followsPolicy = true;
                _ = Task.Run(FollowPolicyAsync);
            }
            return watcher;
        }
    }

    /// <summary>Begins a stream of states. Null when there are too many, or the member stops.</summary>
    public StateGroup? Open(StateSubject subject, StateView view)
    {
        lock (_guard)
        {
            return _board.Watches + States.Count >= _mostWatches ? null : States.Open(subject, view);
        }
    }

    public void Close(Watcher watcher)
    {
        lock (_guard)
        {
            _board.Close(watcher);
        }
    }

    public long MostMessageBytes { get; }

    public UntakenMessages Untaken { get; }

    /// <summary>What is kept for watches that are behind. Any thread.</summary>
    public long MessageBytes => _board.KeptBytes + _encoded.Bytes + States.KeptBytes;

    /// <summary>
    /// What the awake watch does next. <see cref="WatchStep.Sleep"/> has put it to sleep already. Nothing is told that the policy of its
    /// time does not allow: the member's is as new.
    /// </summary>
    /// <param name="taken">Empty; filled for <see cref="WatchStep.Write"/>.</param>
    /// <param name="view">For <see cref="WatchStep.ReadHistory"/>.</param>
    public WatchStep Step(Watcher watcher, List<WatchMessage> taken, int mostBytes, out StateView view)
    {
        lock (_guard)
        {
            var step = _board.Step(watcher, taken, mostBytes, _clock.GetTimestamp(), out view);
            if (step == WatchStep.End || IsAllowed(watcher, _node.Policy))
            {
                return step;
            }
            taken.Clear();
            watcher.Group.Wake(watcher);
            return WatchStep.Forbid;
        }
    }

    /// <summary>Wakes a watch whose client is gone.</summary>
    public void Wake(Watcher watcher)
    {
        lock (_guard)
        {
            watcher.Group.Wake(watcher);
        }
    }

    /// <summary>All streams end, and none begins (rule 30).</summary>
    public void Stop()
    {
        lock (_guard)
        {
            _board.Stop();
        }
        States.Stop();
        Untaken.WakeAll();
    }

    public void Dispose()
    {
        Stop();
        _sweep.Dispose();
    }

    private async Task FollowAsync()
    {
        try
        {
            while (IsNeeded(out var known))
            {
                if (await NextViewAsync(known) is { } view)
                {
                    Advance(view);
                }
            }
        }
        catch (Exception e)
        {
            // A watch that is told nothing would look like one for which nothing happens: better that it ends, and goes on at another member.
            _logger.LogError(e, "watches of this member end: their changes could not be followed");
            Stop();
        }
    }

    private static bool IsAllowed(Watcher watcher, Policy policy) => watcher.Right is not { } right || right.IsAllowedBy(policy);

    /// <summary>
    /// A change of the policy is no revision: whoever sleeps and may be told nothing more is woken by it. It takes nothing while the policy
    /// stays.
    /// </summary>
    private async Task FollowPolicyAsync()
    {
        try
        {
            while (!IsStopped)
            {
                var policy = _node.Policy;
                lock (_guard)
                {
                    _board.WakeWhere(watcher => !IsAllowed(watcher, policy));
                }
                await _node.PolicyChangeAsync(policy);
            }
        }
        catch (Exception e)
        {
            _logger.LogError(e, "watches of this member end: their rights could not be followed");
            Stop();
        }
    }

    private bool IsNeeded(out Revision known)
    {
        lock (_guard)
        {
            return _board.IsNeeded(out known);
        }
    }

    /// <summary>A view with another revision; or, when none comes for some seconds, a fresh one all the same, so that no old state is kept alive.</summary>
    private async ValueTask<StateView?> NextViewAsync(Revision known)
    {
        var asked = _clock.GetTimestamp();
        var answer = await _node.ReadAsync(ReadConsistency.Stale, known.Next, CancellationToken.None);
        await IoThread.Leave();
        if (answer.View is { } next)
        {
            return next;
        }
        if (_clock.GetElapsedTime(asked) < ShortestWait)
        {
            await Task.Delay(RestAfterRefusal, _clock);
        }
        answer = await _node.ReadAsync(ReadConsistency.Stale, Revision.Zero, CancellationToken.None);
        await IoThread.Leave();
        return answer.View;
    }

    private void Advance(StateView view)
    {
        List<WatchMatch> matches;
        lock (_guard)
        {
            matches = _board.Collect(view);
        }

        // One at a time: whoever waits for the lock in between, a stream that goes back to sleep or a new watch, need not wait for all of them.
        foreach (var match in matches)
        {
            var message = _encoded.Of(match.Group.Target, match.Revision, match.Changes);
            lock (_guard)
            {
                _board.Publish(match.Group, message);
            }
        }
        lock (_guard)
        {
            _board.PublishedAll();
        }
    }

    private void WakeLongAsleep()
    {
        Untaken.EndTheSlowest();
        lock (_guard)
        {
            _board.WakeLongAsleep(_clock.GetTimestamp() - (long)(HeartbeatInterval.TotalSeconds * _clock.TimestampFrequency));
        }
    }
}
