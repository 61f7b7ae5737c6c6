using Consensus.Node.Core;
using Consensus.Node.Ports;
using Consensus.Primitives;

namespace Consensus.Node.Runtime;

/// <summary>
/// The log's own thread: takes everything that waits and makes it durable with one write and one fdatasync (group commit), while the loop goes
/// on. A failure of the disk is told once, and nothing is tried again.
/// </summary>
internal sealed class LogThread
{
    private const int IdleMs = 1000;

    private readonly object _gate = new();
    private readonly IDurableLog _log;
    private readonly Action<NodeInput> _post;
    private readonly Action<string, Exception> _fatal;
    private readonly Thread _thread;
    private List<PersistRequest> _waiting = [];
    private LogIndex _compactThrough;
    private bool _sleeps;
    private bool _closing;

    public LogThread(IDurableLog log, Action<NodeInput> post, Action<string, Exception> fatal)
    {
        _log = log;
        _post = post;
        _fatal = fatal;
        _thread = new Thread(Run) { Name = "consensus-log", IsBackground = true };
    }

    public void Start() => _thread.Start();

    /// <summary>Loop thread. Bounded by what the Raft core lets be uncommitted or on its way.</summary>
    public void Append(List<PersistRequest> requests)
    {
        lock (_gate)
        {
            _waiting.AddRange(requests);
            Wake();
        }
    }

    public void Compact(LogIndex through)
    {
        lock (_gate)
        {
            _compactThrough = LogIndex.Max(_compactThrough, through);
            Wake();
        }
    }

    /// <summary>Writes what waits, then ends the thread and closes the log.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _closing = true;
            Wake();
        }
        if (_thread.IsAlive)
        {
            _thread.Join();
        }
        _log.Dispose();
    }

    private void Wake()
    {
        if (_sleeps)
        {
            _sleeps = false;
            Monitor.Pulse(_gate);
        }
    }

    private void Run()
    {
        try
        {
            var batch = new List<PersistRequest>();
            while (Take(ref batch, out var compactThrough))
            {
                if (batch.Count > 0)
                {
                    _log.Append(batch);
                    Tell(batch);
                    batch.Clear();
                }
                else if (compactThrough == LogIndex.Zero && _log.LastFrameIsUncovered)
                {
                    _log.AppendEmptyFrame();
                }
                if (compactThrough > LogIndex.Zero)
                {
                    _log.Compact(compactThrough);
                }
            }
            if (_log.LastFrameIsUncovered)
            {
                // A clean stop leaves nothing that a later reader could take for a tear (rule 10).
                _log.AppendEmptyFrame();
            }
        }
        catch (Exception failure)
        {
            _fatal("the write-ahead log failed: nothing more is acknowledged", failure);
        }
    }

    private void Tell(List<PersistRequest> batch)
    {
        long last = 0;
        foreach (var request in batch)
        {
            last = Math.Max(last, request.Sequence);
        }
        if (last > 0)
        {
            _post(new PersistedInput(last));
        }
        foreach (var request in batch)
        {
            if (request.TakenSnapshot is not null)
            {
                _post(new SnapshotMarkedInput());
            }
        }
    }

    /// <summary>Everything that waits; nothing at all after a second of idleness. False when the thread is to end.</summary>
    private bool Take(ref List<PersistRequest> batch, out LogIndex compactThrough)
    {
        lock (_gate)
        {
            if (_waiting.Count == 0 && _compactThrough == LogIndex.Zero && !_closing)
            {
                _sleeps = true;
                Monitor.Wait(_gate, IdleMs);
                _sleeps = false;
            }
            (batch, _waiting) = (_waiting, batch);
            compactThrough = _compactThrough;
            _compactThrough = LogIndex.Zero;
            return batch.Count > 0 || compactThrough > LogIndex.Zero || !_closing;
        }
    }
}
