namespace Consensus.Server.Watches;

/// <summary>
/// What watches hold of messages that their clients have not taken yet: the group may have forgotten them, and one that reads the history has made them for itself. A message that
/// many watches write counts once. Without room a watch puts back what it took and waits; whoever has held its messages for longest is then ended, and its client comes back and goes
/// on where it was. Thread-safe.
/// </summary>
internal sealed class UntakenMessages(long maxBytes, TimeProvider clock)
{
    /// <summary>What is no more than this the connection, or the stream, has room for itself.</summary>
    public const int OwnBytes = 4096;

    /// <summary>Nobody is ended who began to write later than this before.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();

    /// <summary>In the order in which they began.</summary>
    private readonly LinkedList<Holder> _holders = [];
    private readonly LinkedList<TaskCompletionSource> _waiting = [];
    private long _heldBytes;
    private bool _isStopped;

    public long MaxBytes => maxBytes;

    public long HeldBytes => Volatile.Read(ref _heldBytes);

    /// <summary>A watch that writes.</summary>
    /// <param name="end">Ends it from outside: its client is cut off.</param>
    public sealed class Holder(IReadOnlyList<WatchMessage> messages, long since, Action end)
    {
        private readonly Lock _gate = new();
        private bool _hasLetGo;

        public IReadOnlyList<WatchMessage> Messages => messages;

        public long Since => since;

        public bool IsEnded { get; set; }

        /// <summary>Not once it has let go: its request may be over by then, and what is cut off another one's, or nothing any more.</summary>
        public void End()
        {
            lock (_gate)
            {
                if (!_hasLetGo)
                {
                    end();
                }
            }
        }

        /// <summary>From when this returns on it is ended no more.</summary>
        public void LetGo()
        {
            lock (_gate)
            {
                _hasLetGo = true;
            }
        }
    }

    /// <summary>Null when there is no room. The first has room for anything.</summary>
    /// <param name="messages">Not changed until they are let go.</param>
    public LinkedListNode<Holder>? TryHold(IReadOnlyList<WatchMessage> messages, Action end)
    {
        LinkedListNode<Holder> held;
        bool mayAnother;
        lock (_gate)
        {
            var more = 0L;
            foreach (var message in messages)
            {
                more += message.Holders == 0 ? message.Bytes.Length : 0;
            }
            if (_heldBytes > 0 && _heldBytes + more > maxBytes)
            {
                return null;
            }
            foreach (var message in messages)
            {
                message.Holders++;
            }
            _heldBytes += more;
            held = _holders.AddLast(new Holder(messages, clock.GetTimestamp(), end));
            mayAnother = _waiting.Count > 0 && _heldBytes <= maxBytes - (maxBytes / 4);
        }
        if (mayAnother)
        {
            // Those who wait are woken one at a time, each by the one before: this one may keep for long what it has, and needs little.
            WakeNext();
        }
        return held;
    }

    public void LetGo(LinkedListNode<Holder> held)
    {
        held.Value.LetGo();
        lock (_gate)
        {
            _holders.Remove(held);
            foreach (var message in held.Value.Messages)
            {
                _heldBytes -= --message.Holders == 0 ? message.Bytes.Length : 0;
            }
        }
        WakeNext();
    }

    /// <summary>Until it is worth trying again.</summary>
    /// <param name="aborted">Its client is gone: nobody is ended for it any more, and it takes nobody's turn.</param>
    public async Task RoomAsync(CancellationToken aborted)
    {
        var waiting = new LinkedListNode<TaskCompletionSource>(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_gate)
        {
            if (_isStopped)
            {
                return;
            }
            _waiting.AddLast(waiting);
        }
        try
        {
            await waiting.Value.Task.WaitAsync(aborted);
        }
        catch (OperationCanceledException)
        {
            if (!TryLeave(waiting))
            {
                // It was its turn already.
                WakeNext();
            }
            throw;
        }
    }

    /// <summary>Once a second: while somebody waits, ends those that have held for longest, so many that a quarter of all becomes free.</summary>
    public void EndTheSlowest()
    {
        var ended = new List<Holder>();
        lock (_gate)
        {
            // What many write is there until the last of them has let go of it.
            var others = new Dictionary<WatchMessage, int>();
            var freed = 0L;
            for (var node = _holders.First; _waiting.Count > 0 && freed < maxBytes / 4 && node is { Value: var holder }; node = node.Next)
            {
                if (clock.GetElapsedTime(holder.Since) < Grace)
                {
                    break;
                }
                foreach (var message in holder.Messages)
                {
                    var left = others.GetValueOrDefault(message, message.Holders) - 1;
                    others[message] = left;
                    freed += left == 0 ? message.Bytes.Length : 0;
                }
                if (!holder.IsEnded)
                {
                    holder.IsEnded = true;
                    ended.Add(holder);
                }
            }
        }
        ended.ForEach(holder => holder.End());
        WakeNext();
    }

    /// <summary>The member stops: nobody waits any more.</summary>
    public void WakeAll()
    {
        lock (_gate)
        {
            _isStopped = true;
        }
        while (WakeNext())
        {
        }
    }

    private bool TryLeave(LinkedListNode<TaskCompletionSource> waiting)
    {
        lock (_gate)
        {
            if (waiting.List is null)
            {
                return false;
            }
            _waiting.Remove(waiting);
            return true;
        }
    }

    private bool WakeNext()
    {
        LinkedListNode<TaskCompletionSource>? next;
        lock (_gate)
        {
            next = _waiting.First;
            if (next is null)
            {
                return false;
            }
            _waiting.RemoveFirst();
        }
        return next.Value.TrySetResult();
    }
}
