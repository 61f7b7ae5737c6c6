using Consensus.Primitives;
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

    /// <summary>Its right is gone: tell so, and end.</summary>
    Forbid,

    /// <summary>The member stops: end.</summary>
    End,
}

/// <summary>One revision with the changes that a group of watches is told of, in their order.</summary>
internal readonly record struct WatchMatch(WatchGroup Group, Revision Revision, List<Change> Changes);

/// <summary>
/// All watches of one member, and what each is told next: plain state without a task, a clock or a lock of its own, so that the simulation drives the very same. Whoever
/// owns it calls it one call at a time.
/// </summary>
/// <param name="mostMessages">Messages kept for watches that are a little behind; together, and of all groups.</param>
/// <param name="mostMessageBytes">The same, in bytes.</param>
internal sealed class WatchBoard(int mostWatches, int mostMessages, long mostMessageBytes)
{
    private readonly WatchIndex _index = new();

    /// <summary>For each kept message the group that has it, oldest first.</summary>
    private readonly Queue<WatchGroup> _kept = new();
    private long _keptBytes;

    /// <summary>What the groups keep for those that are behind.</summary>
    public long KeptBytes => Volatile.Read(ref _keptBytes);
    private bool _follows;

    /// <summary>The newest view whose changes were all looked at; null while nobody follows.</summary>
    private StateView? _view;

    /// <summary>Up to this revision all messages were made: a watch that finds none up to it has none.</summary>
    private Revision _published;

    public int Watches { get; private set; }

    public bool IsStopped { get; private set; }

    /// <summary>Begins a watch. Null when there are too many, or the member stops.</summary>
    /// <param name="view">One that the caller read; the first watch begins to follow from there.</param>
    /// <param name="beginsToFollow">True when nobody followed the state until now: from here on the caller does, for as long as <see cref="IsNeeded"/>.</param>
    public Watcher? Open(WatchTarget target, Revision from, StateView view, out bool beginsToFollow)
    {
        beginsToFollow = false;
        if (IsStopped || Watches >= mostWatches)
        {
            return null;
        }
        Watches++;
        if (!_follows)
        {
            beginsToFollow = _follows = true;
            _view = _view is { } known && known.Revision > view.Revision ? known : view;
            _published = _view.Revision;
        }
        if (!_index.TryGet(target, out var group))
        {
            group = new WatchGroup(target, _view!.Revision.Next);
            _index.Add(group);
        }
        group.Watchers++;
        return new Watcher(group, from);
    }

    public void Close(Watcher watcher)
    {
        Watches--;
        if (--watcher.Group.Watchers == 0)
        {
            _index.Remove(watcher.Group);
        }
    }

    /// <summary>What the awake watch does next. <see cref="WatchStep.Sleep"/> has put it to sleep already.</summary>
    /// <param name="taken">Empty; filled for <see cref="WatchStep.Write"/>.</param>
    /// <param name="now">A timestamp of the caller's clock.</param>
    /// <param name="view">For <see cref="WatchStep.ReadHistory"/>.</param>
    public WatchStep Step(Watcher watcher, List<WatchMessage> taken, int mostBytes, long now, out StateView view)
    {
        view = _view!;
        if (IsStopped)
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
        watcher.Group.PutToSleep(watcher, now);
        return WatchStep.Sleep;
    }

    /// <summary>All streams end, and none begins (rule 30).</summary>
    public void Stop()
    {
        IsStopped = true;
        foreach (var group in _index.All)
        {
            group.WakeAll();
        }
    }

    /// <summary>False when nobody watches any more: then nobody follows the state, until somebody opens a watch.</summary>
    /// <param name="known">The revision up to which changes were looked at.</param>
    public bool IsNeeded(out Revision known)
    {
        known = _view!.Revision;
        _follows = !IsStopped && Watches > 0;
        // Nobody would take a newer one in its place, and a state would be kept alive for as long as nobody watches.
        _view = _follows ? _view : null;
        return _follows;
    }

    /// <summary>
    /// Looks at the changes that are new in the view. From then on it is the view that is known: a watch that begins meanwhile finds in its history what is not published yet.
    /// </summary>
    /// <returns>What is to be published, in this order; then <see cref="PublishedAll"/>.</returns>
    public List<WatchMatch> Collect(StateView view)
    {
        var matches = new List<WatchMatch>();
        var found = new List<WatchGroup>();
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
            _kept.Clear();
            _keptBytes = 0;
            return matches;
        }
        var latest = new Dictionary<WatchGroup, WatchMatch>();
        foreach (var change in view.ChangesFrom(from))
        {
            found.Clear();
            _index.Find(change, found);
            foreach (var group in found)
            {
                if (!latest.TryGetValue(group, out var match) || match.Revision != change.Revision)
                {
                    match = new WatchMatch(group, change.Revision, []);
                    matches.Add(match);
                    latest[group] = match;
                }
                match.Changes.Add(change);
            }
        }
        return matches;
    }

    public void Publish(WatchGroup group, WatchMessage message)
    {
        group.Publish(message);
        _kept.Enqueue(group);
        _keptBytes += message.Bytes.Length;
        while (_keptBytes > mostMessageBytes || _kept.Count > mostMessages)
        {
            _keptBytes -= _kept.Dequeue().DropOldest();
        }
    }

    /// <summary>All that was collected last is published.</summary>
    public void PublishedAll() => _published = _view!.Revision;

    /// <summary>Wakes those that sleep and for whom that is true.</summary>
    public void WakeWhere(Func<Watcher, bool> isTrue)
    {
        foreach (var group in _index.All)
        {
            group.WakeWhere(isTrue);
        }
    }

    /// <summary>Wakes those that sleep since <paramref name="since"/> or longer.</summary>
    public void WakeLongAsleep(long since)
    {
        if (Watches == 0)
        {
            return;
        }
        foreach (var group in _index.All)
        {
            group.WakeLongAsleep(since, _published);
        }
    }
}
