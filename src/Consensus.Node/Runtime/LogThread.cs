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
    private const long IdleMicros = 1_000_000;

    /// <summary>
    /// What one frame has at most, unless one request alone has more: it bounds the memory that a frame is written from, and the time until the disk is seen to move.
    /// </summary>
    internal const long MaxFrameBytes = 4 << 20;

    private readonly Lock _gate = new();
    private readonly Parker _parker = new();
    private readonly IDurableLog _log;
    private readonly Action<NodeInput, bool> _post;
    private readonly Action<string, Exception> _fatal;
    private readonly Thread _thread;
    private List<PersistRequest> _waiting = [];
    private LogIndex _compactThrough;
    private bool _closing;

    /// <param name="post">Takes what became durable; told also whether the next batch waits already, so that this thread has no time to turn.</param>
    public LogThread(IDurableLog log, Action<NodeInput, bool> post, Action<string, Exception> fatal)
    {
        _log = log;
        _post = post;
        _fatal = fatal;
        _thread = GuardedThread.Of("consensus-log", Run, (what, failure) => fatal(what, failure!));
    }

    public void Start() => _thread.Start();

    /// <summary>With a turn. Bounded by what the Raft core lets be uncommitted or on its way.</summary>
    public void Append(List<PersistRequest> requests)
    {
        lock (_gate)
        {
            _waiting.AddRange(requests);
        }
        _parker.Unpark();
    }

    public void Compact(LogIndex through)
    {
        lock (_gate)
        {
            _compactThrough = LogIndex.Max(_compactThrough, through);
        }
        _parker.Unpark();
    }

    /// <summary>Writes what waits, then ends the thread and closes the log.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _closing = true;
        }
        _parker.Unpark();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }
        _log.Dispose();
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
            _post(new PersistedInput(last), HasMore);
        }
        foreach (var request in batch)
        {
            if (request.TakenSnapshot is not null)
            {
                _post(new SnapshotMarkedInput(), HasMore);
            }
        }
    }

    /// <summary>A hint, read without the lock.</summary>
    private bool HasMore => Volatile.Read(ref _waiting).Count > 0;

    /// <summary>With the lock: what goes into the next frame, into an empty batch.</summary>
    private void TakeFrame(ref List<PersistRequest> batch)
    {
        long bytes = 0;
        var count = 0;
        while (count < _waiting.Count && (count == 0 || bytes + _waiting[count].Bytes <= MaxFrameBytes))
        {
            bytes += _waiting[count++].Bytes;
        }
        if (count == _waiting.Count)
        {
            (batch, _waiting) = (_waiting, batch);
            return;
        }
        batch.AddRange(_waiting.Take(count));
        _waiting.RemoveRange(0, count);
    }

    /// <summary>Everything that waits, up to what a frame may have; nothing at all after a second of idleness. False when the thread is to end.</summary>
    private bool Take(ref List<PersistRequest> batch, out LogIndex compactThrough)
    {
        var hasSlept = false;
        while (true)
        {
            lock (_gate)
            {
                if (hasSlept || _waiting.Count > 0 || _compactThrough > LogIndex.Zero || _closing)
                {
                    TakeFrame(ref batch);
                    compactThrough = _compactThrough;
                    _compactThrough = LogIndex.Zero;
                    return batch.Count > 0 || compactThrough > LogIndex.Zero || !_closing;
                }
            }
            hasSlept = _parker.Park(IdleMicros);
        }
    }
}
