using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Hosting;
using Consensus.StateMachine;

namespace Consensus.Server.Watches;

/// <summary>What a stream does next.</summary>
internal enum WatchStep
{
    /// <summary>Write the messages that were taken.</summary>
    Write,

    /// <summary>Go on in the history of the given view: the messages of that time are dropped, or were never made.</summary>
    ReadHistory,

    /// <summary>There is nothing: wait until woken.</summary>
    Sleep,

    /// <summary>The member stops: end.</summary>
    End,
}

/// <summary>
/// All watches of this member. One task follows the state: it looks at each change once, finds the watches that it is for, encodes their message once, and wakes them and
/// no others. A watch that is slow has no queue: it finds the newest messages here and older ones in the history. While nobody watches, nothing runs.
/// </summary>
internal sealed class WatchHub : IDisposable
{
    /// <summary>Messages kept for watches that are a little behind; together, and of all groups.</summary>
    private const long MostMessageBytes = 32 << 20;

    private const int MostMessages = 16_384;

    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    /// <summary>A read that comes back without a view sooner than this was refused, rather than waited for in vain.</summary>
    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan RestAfterRefusal = TimeSpan.FromMilliseconds(50);

    private readonly IConsensusNode _node;
    private readonly TimeProvider _clock;
    private readonly int _mostWatches;
    private readonly ILogger _logger;
    private readonly ITimer _sweep;
    private readonly Lock _guard = new();
    private readonly WatchIndex _index = new();

    /// <summary>For each kept message the group that has it, oldest first.</summary>
    private readonly Queue<WatchGroup> _kept = new();
    private long _keptBytes;
    private int _watches;
    private bool _follows;
    private bool _stopped;

    /// <summary>The newest view whose changes were all looked at; null before the first watch.</summary>
    private StateView? _view;

    /// <summary>Up to this revision all messages were made: a watch that finds none up to it has none.</summary>
    private Revision _published;

    private readonly record struct Match(WatchGroup Group, Revision Revision, List<Change> Changes);

    public WatchHub(IConsensusNode node, TimeProvider clock, int mostWatches, ILogger logger)
    {
        (_node, _clock, _mostWatches, _logger) = (node, clock, mostWatches, logger);
        _sweep = clock.CreateTimer(_ => WakeLongAsleep(), null, SweepInterval, SweepInterval);
    }

    public int Watches
    {
        get
        {
            lock (_guard)
            {
                return _watches;
            }
        }
    }

    public bool IsStopped
    {
        get
        {
            lock (_guard)
            {
                return _stopped;
            }
        }
    }

    /// <summary>Begins a watch. Null when there are too many, or the member stops.</summary>
    /// <param name="view">One that the caller read; the first watch begins to follow from there.</param>
    public Watcher? Open(WatchTarget target, Revision from, StateView view)
    {
        lock (_guard)
        {
            if (_stopped || _watches >= _mostWatches)
            {
                return null;
            }
            _watches++;
            if (!_follows)
            {
                _follows = true;
                _view = _view is { } known && known.Revision > view.Revision ? known : view;
                _published = _view.Revision;
                _ = Task.Run(FollowAsync);
            }
            if (!_index.TryGet(target, out var group))
            {
                group = new WatchGroup(target, _view!.Revision.Next);
                _index.Add(group);
            }
            group.Watchers++;
            return new Watcher(group, from);
        }
    }

    public void Close(Watcher watcher)
    {
        lock (_guard)
        {
            _watches--;
            if (--watcher.Group.Watchers == 0)
            {
                _index.Remove(watcher.Group);
            }
        }
    }

    /// <summary>What the awake watch does next. <see cref="WatchStep.Sleep"/> has put it to sleep already.</summary>
    /// <param name="taken">Empty; filled for <see cref="WatchStep.Write"/>.</param>
    /// <param name="view">For <see cref="WatchStep.ReadHistory"/>.</param>
    public WatchStep Step(Watcher watcher, List<WatchMessage> taken, int mostBytes, out StateView view)
    {
        lock (_guard)
        {
            view = _view!;
            if (_stopped)
            {
                return WatchStep.End;
            }
            if (watcher.Next < watcher.Group.CompleteFrom && watcher.Next <= view.Revision)
            {
                return WatchStep.ReadHistory;
            }
            watcher.Group.Take(watcher, taken, mostBytes);
            if (taken.Count > 0)
            {
                return WatchStep.Write;
            }
            watcher.PassOver(_published);
            watcher.Group.PutToSleep(watcher, _clock.GetTimestamp());
            return WatchStep.Sleep;
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
            _stopped = true;
            foreach (var group in _index.All)
            {
                group.WakeAll();
            }
        }
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

    private bool IsNeeded(out Revision known)
    {
        lock (_guard)
        {
            known = _view!.Revision;
            return _follows = !_stopped && _watches > 0;
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
        // One at a time: whoever waits for the lock in between, a stream that goes back to sleep or a new watch, need not wait for all of them.
        foreach (var match in Collect(view))
        {
            var message = new WatchMessage(match.Revision, WatchMessages.Of(match.Group.Target, match.Revision, match.Changes));
            lock (_guard)
            {
                match.Group.Publish(message);
                _kept.Enqueue(match.Group);
                _keptBytes += message.Bytes.Length;
                while (_keptBytes > MostMessageBytes || _kept.Count > MostMessages)
                {
                    _keptBytes -= _kept.Dequeue().DropOldest();
                }
            }
        }
        lock (_guard)
        {
            _published = _view!.Revision;
        }
    }

    /// <summary>
    /// Looks at the changes that are new in the view. From then on it is the view that is known: a watch that begins meanwhile finds in its history what is not published yet.
    /// </summary>
    private List<Match> Collect(StateView view)
    {
        var matches = new List<Match>();
        var found = new List<WatchGroup>();
        lock (_guard)
        {
            var from = _view!.Revision.Next;
            if (view.Revision < _view.Revision)
            {
                return matches;
            }
            _view = view;
            if (view.Revision < from)
            {
                return matches;
            }
            if (from <= view.CompactRevision)
            {
                foreach (var group in _index.All)
                {
                    group.Restart(view.Revision.Next);
                }
                return matches;
            }
            var latest = new Dictionary<WatchGroup, Match>();
            foreach (var change in view.ChangesFrom(from))
            {
                found.Clear();
                _index.Find(change, found);
                foreach (var group in found)
                {
                    if (!latest.TryGetValue(group, out var match) || match.Revision != change.Revision)
                    {
                        match = new Match(group, change.Revision, []);
                        matches.Add(match);
                        latest[group] = match;
                    }
                    match.Changes.Add(change);
                }
            }
        }
        return matches;
    }

    private void WakeLongAsleep()
    {
        lock (_guard)
        {
            if (_watches == 0)
            {
                return;
            }
            var since = _clock.GetTimestamp() - (long)(HeartbeatInterval.TotalSeconds * _clock.TimestampFrequency);
            foreach (var group in _index.All)
            {
                group.WakeLongAsleep(since, _published);
            }
        }
    }
}
