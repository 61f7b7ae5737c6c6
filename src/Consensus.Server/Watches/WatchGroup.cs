using Consensus.Primitives;

namespace Consensus.Server.Watches;

/// <summary>One revision as all watches of a group are told it.</summary>
internal sealed class WatchMessage(Revision revision, byte[] bytes)
{
    public Revision Revision => revision;

    public byte[] Bytes => bytes;

    /// <summary>Watches that write it at this moment, as far as <c>UntakenMessages</c> counts them, by whose lock it is guarded.</summary>
    public int Holders { get; set; }
}

/// <summary>
/// All watches with one target: the newest messages, encoded once for all of them, and those that sleep because there is nothing for them. Belongs to the hub's lock.
/// </summary>
internal sealed class WatchGroup(WatchTarget target, Revision completeFrom)
{
    private readonly List<WatchMessage> _messages = [];
    private readonly List<Watcher> _sleepers = [];

    /// <summary>Messages before this place are dropped.</summary>
    private int _first;

    public WatchTarget Target { get; } = target;

    /// <summary>From this revision on every message is kept here; before it there is only the history.</summary>
    public Revision CompleteFrom { get; private set; } = completeFrom;

    public int Watchers { get; set; }

    /// <summary>Adds a message, newer than all before, and wakes those that were waiting for it.</summary>
    public void Publish(WatchMessage message)
    {
        _messages.Add(message);
        for (var i = _sleepers.Count - 1; i >= 0; i--)
        {
            var sleeper = _sleepers[i];
            if (sleeper.Next <= message.Revision)
            {
                // What lies between has nothing for it: it need not look.
                sleeper.Next = message.Revision;
                Wake(sleeper);
            }
        }
    }

    /// <summary>Forgets the oldest message; who still needs it reads the history.</summary>
    /// <returns>Its size in bytes; 0 when there was none.</returns>
    public int DropOldest()
    {
        if (_first == _messages.Count)
        {
            return 0;
        }
        var oldest = _messages[_first];
        _messages[_first++] = null!;
        if (_first * 2 >= _messages.Count)
        {
            _messages.RemoveRange(0, _first);
            _first = 0;
        }
        CompleteFrom = oldest.Revision.Next;
        return oldest.Bytes.Length;
    }

    /// <summary>Changes were missed: from <paramref name="from"/> on messages are complete again, and everybody looks into the history for what was before.</summary>
    public void Restart(Revision from)
    {
        _messages.Clear();
        _first = 0;
        CompleteFrom = from;
        WakeAll();
    }

    /// <summary>Gives messages from the watcher's next revision on, and moves it past them.</summary>
    public void Take(Watcher watcher, List<WatchMessage> taken, int mostBytes)
    {
        var bytes = 0;
        for (var i = PlaceOf(watcher.Next); i < _messages.Count && bytes < mostBytes; i++)
        {
            var message = _messages[i];
            taken.Add(message);
            bytes += message.Bytes.Length;
            watcher.Next = message.Revision.Next;
        }
    }

    public void PutToSleep(Watcher watcher, long now)
    {
        watcher.FallAsleep(_sleepers.Count, now);
        _sleepers.Add(watcher);
    }

    public void Wake(Watcher watcher)
    {
        if (watcher.SleepsAt < 0)
        {
            return;
        }
        var last = _sleepers[^1];
        _sleepers[watcher.SleepsAt] = last;
        last.SleepsAt = watcher.SleepsAt;
        _sleepers.RemoveAt(_sleepers.Count - 1);
        watcher.WakeUp();
    }

    public void WakeAll()
    {
        foreach (var sleeper in _sleepers)
        {
            sleeper.WakeUp();
        }
        _sleepers.Clear();
    }

    /// <summary>Wakes those for whom that is true.</summary>
    public void WakeWhere(Func<Watcher, bool> isTrue)
    {
        for (var i = _sleepers.Count - 1; i >= 0; i--)
        {
            if (isTrue(_sleepers[i]))
            {
                Wake(_sleepers[i]);
            }
        }
    }

    /// <summary>Wakes those that sleep since <paramref name="since"/> or longer, so that they say that they are there.</summary>
    /// <param name="published">Up to this revision there is nothing for any of them.</param>
    public void WakeLongAsleep(long since, Revision published)
    {
        for (var i = _sleepers.Count - 1; i >= 0; i--)
        {
            if (_sleepers[i].SleepsSince <= since)
            {
                _sleepers[i].PassOver(published);
                _sleepers[i].HasLongSlept = true;
                Wake(_sleepers[i]);
            }
        }
    }

    /// <summary>The place of the first message at or after the revision.</summary>
    private int PlaceOf(Revision revision)
    {
        var (low, high) = (_first, _messages.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_messages[middle].Revision < revision)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }
}
