using Consensus.Node.Core;
using Consensus.Node.Ports;
using Consensus.Primitives;

namespace Consensus.Node.Runtime;

/// <summary>What the log's writer does next.</summary>
internal enum LogStep
{
    /// <summary>Nothing waits: it sleeps until it is woken, or for <see cref="LogWriter.IdleMicros"/>.</summary>
    Sleep,

    /// <summary>One frame with everything that waited.</summary>
    Write,

    /// <summary>Removes what a snapshot covers.</summary>
    Compact,

    /// <summary>An empty frame, after which no reader can take the last one for a tear (rule 10).</summary>
    Cover,

    /// <summary>It was closed, and all is written.</summary>
    End,
}

/// <summary>
/// What the log's thread does, one step at a time: takes everything that waits, up to what a frame may have, and makes it durable with one write and one fdatasync (group commit), while turns go on. A failure of
/// the disk is told once, and nothing is tried again.
/// </summary>
/// <param name="fail">Told with a sentence when the log can go on no longer.</param>
internal sealed class LogWriter(IDurableLog log, INodeThreads threads, Action<string, Exception> fail)
{
    public const long IdleMicros = 1_000_000;

    /// <summary>
    /// What one frame has at most, unless one entry alone has more (<see cref="Raft.RaftOptions.MaxPersistBytes"/>): it bounds the memory that a frame is written from, and the time until the disk is seen to move.
    /// </summary>
    public const long MaxFrameBytes = 4 << 20;

    private readonly Lock _gate = new();
    private List<PersistRequest> _waiting = [];
    private List<PersistRequest> _batch = [];
    private LogIndex _compactThrough;
    private LogIndex _compactNow;
    private bool _hasJustWritten;
    private bool _isClosed;

    /// <summary>Of the log's thread: what the next <see cref="LogStep.Write"/> makes durable.</summary>
    public List<PersistRequest> Batch => _batch;

    /// <summary>A hint, read without the lock.</summary>
    private bool HasMore => Volatile.Read(ref _waiting).Count > 0;

    /// <summary>With a turn. Bounded by what the Raft core lets be uncommitted or on its way.</summary>
    public void Append(List<PersistRequest> requests)
    {
        lock (_gate)
        {
            _waiting.AddRange(requests);
        }
        threads.WakeLog();
    }

    /// <summary>With a turn: a durable mark covers the log up to here.</summary>
    public void Compact(LogIndex through)
    {
        lock (_gate)
        {
            _compactThrough = LogIndex.Max(_compactThrough, through);
        }
        threads.WakeLog();
    }

    /// <summary>Nothing more will come: what waits is written, then <see cref="Next"/> says so.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
        }
        threads.WakeLog();
    }

    /// <summary>The log's thread: takes what is to be done now. Under load a compaction comes between two writes, so that neither waits for ever.</summary>
    /// <param name="hasIdled">It slept for <see cref="IdleMicros"/> and nobody woke it.</param>
    public LogStep Next(bool hasIdled)
    {
        lock (_gate)
        {
            // What is not removed before the end is removed with what the next snapshot covers.
            if (_compactThrough > LogIndex.Zero && !_isClosed && (_hasJustWritten || _waiting.Count == 0))
            {
                (_compactNow, _compactThrough, _hasJustWritten) = (_compactThrough, LogIndex.Zero, false);
                return LogStep.Compact;
            }
            if (_waiting.Count > 0)
            {
                TakeFrame();
                _hasJustWritten = true;
                return LogStep.Write;
            }
            if ((hasIdled || _isClosed) && log.LastFrameIsUncovered)
            {
                return LogStep.Cover;
            }
            return _isClosed ? LogStep.End : LogStep.Sleep;
        }
    }

    /// <summary>The log's thread: does it. False when the disk failed, which was told: nothing more may be done.</summary>
    public bool Do(LogStep step)
    {
        try
        {
            switch (step)
            {
                case LogStep.Write:
                    log.Append(_batch);
                    Tell(_batch);
                    _batch.Clear();
                    break;
                case LogStep.Compact:
                    if (log.Compact(_compactNow))
                    {
                        // The rest goes after what waits to be written by now.
                        Compact(_compactNow);
                    }
                    break;
                case LogStep.Cover:
                    log.AppendEmptyFrame();
                    break;
                default:
                    break;
            }
            return true;
        }
        catch (Exception failure)
        {
            fail("the write-ahead log failed: nothing more is acknowledged", failure);
            return false;
        }
    }

    /// <summary>Tells the turns that a batch is durable. When the next one waits already, the log's thread has no time to turn.</summary>
    internal void Tell(List<PersistRequest> batch)
    {
        long last = 0;
        foreach (var request in batch)
        {
            last = Math.Max(last, request.Sequence);
        }
        if (last > 0)
        {
            Post(new PersistedInput(last));
        }
        foreach (var request in batch)
        {
            if (request.TakenSnapshot is not null)
            {
                Post(new SnapshotMarkedInput());
            }
        }
    }

    /// <summary>With the lock: what goes into the next frame.</summary>
    private void TakeFrame()
    {
        long bytes = 0;
        var count = 0;
        while (count < _waiting.Count && (count == 0 || bytes + _waiting[count].Bytes <= MaxFrameBytes))
        {
            bytes += _waiting[count++].Bytes;
        }
        if (count == _waiting.Count)
        {
            (_batch, _waiting) = (_waiting, _batch);
            return;
        }
        _batch.AddRange(_waiting.Take(count));
        _waiting.RemoveRange(0, count);
    }

    private void Post(NodeInput input)
    {
        if (HasMore)
        {
            threads.PostToLoop(input);
        }
        else
        {
            threads.Post(input);
        }
    }
}
