using Consensus.Node.Core;

namespace Consensus.Node.Runtime;

/// <summary>
/// What waits for the next turn, and whose turn it is. Turns exclude one another, but no thread owns them: a thread that posts while nobody
/// turns takes the turn itself, so that a lone request, frame or flushed batch costs no change of threads. What is posted during a turn is
/// left to the loop thread, so that a link or a request never works for others longer than that one turn.
/// </summary>
/// <remarks>
/// All that holds payload is bounded in bytes. Past the bound of peers' frames the link's thread waits, and so does the sender behind it. Past that of clients' commands a command is
/// refused; the last tenth of it is for urgent ones. What was taken is bounded by the core.
/// </remarks>
internal sealed class Inbox(long maxCommandBytes, long maxPeerBytes)
{
    /// <summary>
    /// Frames that came together wait for one turn up to this. What makes them more has its turn at once: it does not wait until all behind
    /// it is decoded.
    /// </summary>
    public const int TogetherBytes = 64 * 1024;

    private readonly object _gate = new();
    private readonly Parker _loop = new();
    private List<NodeInput> _inputs = [];
    private List<Action> _actions = [];
    private long _peerBytes;
    private long _commandBytes;
    private long _loopSleepsUntil;
    private bool _peersWait;

    /// <summary>The first turn is the loop thread's, once it runs.</summary>
    private bool _turning = true;
    private bool _loopIsNext = true;
    private bool _closed;
    private bool _ended;

    /// <summary>True when something is queued; read without the lock, as a hint.</summary>
    public bool HasMore => Volatile.Read(ref _inputs).Count > 0;

    /// <summary>
    /// Queues an input. True: nobody turns, and the caller must do it now, with <see cref="Take"/> and <see cref="Finish"/>. An input that comes
    /// after <see cref="End"/> is dropped, and <paramref name="dropped"/> says so.
    /// </summary>
    public bool Post(NodeInput input, out bool dropped)
    {
        lock (_gate)
        {
            dropped = _ended;
            if (_ended)
            {
                return false;
            }
            _inputs.Add(input);
            return BeginTurn();
        }
    }

    /// <summary>Bytes of clients' commands that wait, and how many may. Any thread.</summary>
    public (long Held, long Limit) CommandBytes => (Volatile.Read(ref _commandBytes), maxCommandBytes);

    public long MaxPeerBytes => maxPeerBytes;

    /// <summary>Bytes of peers' frames that wait. Any thread.</summary>
    public long PeerBytes => Volatile.Read(ref _peerBytes);

    /// <summary>
    /// As <see cref="Post"/>, for a client's command of this many bytes. <paramref name="isFull"/>: too much of them waits, and it was not queued.
    /// </summary>
    public bool PostCommand(NodeInput input, int bytes, bool isUrgent, out bool dropped, out bool isFull)
    {
        lock (_gate)
        {
            dropped = _ended;
            // One that is alone is let in, however large.
            isFull = _commandBytes > 0 && _commandBytes + bytes > (isUrgent ? maxCommandBytes : maxCommandBytes - (maxCommandBytes / 10));
            if (dropped || isFull)
            {
                return false;
            }
            _commandBytes += bytes;
            _inputs.Add(input);
            return BeginTurn();
        }
    }

    /// <summary>Queues an input for the loop thread's next turn. False when it comes after <see cref="End"/>: it is dropped.</summary>
    public bool PostToLoop(NodeInput input)
    {
        lock (_gate)
        {
            if (_ended)
            {
                return false;
            }
            _inputs.Add(input);
            WakeLoop();
            return true;
        }
    }

    /// <summary>
    /// Queues a frame of this many bytes; waits while too much of them is queued. After <see cref="End"/> it is dropped. True, as of
    /// <see cref="Post"/>, only once more than <see cref="TogetherBytes"/> wait: else the caller asks <see cref="BeginTurnIfAny"/> after
    /// the last of what came together, before it waits for anything else.
    /// </summary>
    public bool PostFromPeer(NodeInput input, int bytes)
    {
        lock (_gate)
        {
            while (_peerBytes > maxPeerBytes && !_closed)
            {
                _peersWait = true;
                Monitor.Wait(_gate);
            }
            if (_ended)
            {
                // Links may go on for longer than the node, and nobody takes what they bring.
                return false;
            }
            _peerBytes += bytes;
            _inputs.Add(input);
            // Past the bound the next frame waits here: somebody must have the turn by then.
            return _peerBytes > Math.Min(TogetherBytes, maxPeerBytes) && BeginTurn();
        }
    }

    /// <summary>True when something is queued and nobody turns: the caller must do it now, as after <see cref="Post"/>.</summary>
    public bool BeginTurnIfAny()
    {
        lock (_gate)
        {
            return _inputs.Count > 0 && BeginTurn();
        }
    }

    /// <summary>Has something done on the loop thread before its next turn.</summary>
    public void PostAction(Action action)
    {
        lock (_gate)
        {
            _actions.Add(action);
            WakeLoop();
        }
    }

    /// <summary>
    /// Loop thread: waits until it is to turn, because something was left to it or <paramref name="wakeAt"/> came (as told by
    /// <paramref name="now"/>), and nobody else turns. False once the inbox is closed: the caller has the last turn then.
    /// </summary>
    public bool WaitForTurn(Func<long> now, Func<long> wakeAt)
    {
        while (true)
        {
            long sleepMicros;
            lock (_gate)
            {
                if (_loopIsNext || (!_turning && (_closed || _inputs.Count > 0 || _actions.Count > 0)))
                {
                    _loopIsNext = false;
                    _turning = true;
                    return !_closed;
                }
                var due = wakeAt();
                sleepMicros = due - now();
                if (sleepMicros <= 0 && !_turning)
                {
                    _turning = true;
                    return true;
                }
                // A turn that goes on now passes the time itself, and wakes this thread should it be wanted earlier than it will look again.
                sleepMicros = Math.Clamp(sleepMicros, 1000, 10_000_000);
                _loopSleepsUntil = _turning ? long.MaxValue : due;
            }
            _loop.Park(sleepMicros);
        }
    }

    /// <summary>Whoever has the turn: everything that waits, swapped for the caller's emptied lists.</summary>
    public void Take(ref List<NodeInput> inputs, ref List<Action> actions)
    {
        inputs.Clear();
        actions.Clear();
        lock (_gate)
        {
            (inputs, _inputs) = (_inputs, inputs);
            (actions, _actions) = (_actions, actions);
            _peerBytes = 0;
            _commandBytes = 0;
            if (_peersWait)
            {
                _peersWait = false;
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Ends the turn; what came during it is the loop thread's, as is the next turn, which is due at <paramref name="wakeAt"/>.</summary>
    public void Finish(long wakeAt, bool onLoopThread)
    {
        lock (_gate)
        {
            _loopIsNext = _inputs.Count > 0 || _actions.Count > 0 || _closed;
            _turning = _loopIsNext;
            if (!onLoopThread && (_loopIsNext || wakeAt < _loopSleepsUntil))
            {
                _loop.Unpark();
            }
        }
    }

    /// <summary>No more turns but the loop thread's last.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
            _loop.Unpark();
        }
    }

    /// <summary>Within the last turn: whatever comes from now on is dropped.</summary>
    public void End()
    {
        lock (_gate)
        {
            _ended = true;
        }
    }

    private bool BeginTurn()
    {
        if (_turning || _closed)
        {
            return false;
        }
        return _turning = true;
    }

    private void WakeLoop()
    {
        if (!_turning)
        {
            _loop.Unpark();
        }
    }
}
