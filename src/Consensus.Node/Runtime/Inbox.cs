using Consensus.Node.Core;

namespace Consensus.Node.Runtime;

/// <summary>
/// What waits for the loop's next turn. Any thread posts; the loop thread takes everything at once. Peers' frames are bounded in bytes: past
/// the bound the link's thread waits, and so does the sender behind it. Clients' requests are bounded by the core.
/// </summary>
internal sealed class Inbox
{
    private const long MaxPeerBytes = 64L << 20;

    private readonly object _gate = new();
    private List<NodeInput> _inputs = [];
    private List<Action> _actions = [];
    private long _peerBytes;
    private bool _loopSleeps;
    private bool _closed;

    /// <summary>True when something is queued; read without the lock, as a hint.</summary>
    public bool HasMore => Volatile.Read(ref _inputs).Count > 0;

    public void Post(NodeInput input)
    {
        lock (_gate)
        {
            _inputs.Add(input);
            Wake();
        }
    }

    public void PostFromPeer(NodeInput input, int bytes)
    {
        lock (_gate)
        {
            while (_peerBytes > MaxPeerBytes && !_closed)
            {
                Monitor.Wait(_gate);
            }
            _peerBytes += bytes;
            _inputs.Add(input);
            Wake();
        }
    }

    /// <summary>Has something done on the loop thread before its next turn.</summary>
    public void PostAction(Action action)
    {
        lock (_gate)
        {
            _actions.Add(action);
            Wake();
        }
    }

    /// <summary>
    /// Waits until something is there or <paramref name="timeoutMs"/> passed, and swaps the queues for the caller's emptied ones.
    /// </summary>
    public void Take(ref List<NodeInput> inputs, ref List<Action> actions, int timeoutMs)
    {
        inputs.Clear();
        actions.Clear();
        lock (_gate)
        {
            if (_inputs.Count == 0 && _actions.Count == 0 && timeoutMs > 0 && !_closed)
            {
                _loopSleeps = true;
                Monitor.Wait(_gate, timeoutMs);
                _loopSleeps = false;
            }
            (inputs, _inputs) = (_inputs, inputs);
            (actions, _actions) = (_actions, actions);
            if (_peerBytes > 0)
            {
                var blocked = _peerBytes > MaxPeerBytes;
                _peerBytes = 0;
                if (blocked)
                {
                    Monitor.PulseAll(_gate);
                }
            }
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void Wake()
    {
        if (_loopSleeps)
        {
            // Cleared here so that a burst of posts wakes the loop once. Waiting peers share the monitor, hence all.
            _loopSleeps = false;
            Monitor.PulseAll(_gate);
        }
    }
}
