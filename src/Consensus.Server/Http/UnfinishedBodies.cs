using System.IO.Pipelines;

namespace Consensus.Server.Http;

/// <summary>
/// What bodies that have not come whole yet hold of this member's memory, all together, and until when. A client needs a few bytes to begin a body and none to leave it
/// unfinished, so neither its declared length nor the number of such requests may decide what they cost. A body that came whole with its head does not count. Thread-safe.
/// </summary>
/// <param name="maxBytes">Of buffers, and of the requests that wait for them. A quarter of it is kept for small bodies, such as renewals.</param>
/// <param name="timeLimit">From when the first missing byte is waited for. A mean rate is not enough: who sent a MiB at once could then wait for an hour.</param>
internal sealed class UnfinishedBodies(long maxBytes, TimeSpan timeLimit, TimeProvider clock)
{
    /// <summary>A body is small while its buffer has at most this.</summary>
    private const int SmallBytes = 16 * 1024;

    /// <summary>About what a request holds beside its body and the text of its headers.</summary>
    private const int RequestBytes = 4096;

    private readonly Lock _gate = new();

    /// <summary>In the order in which they began, and so in which their time is over.</summary>
    private readonly LinkedList<UnfinishedBody> _bodies = [];
    private long _heldBytes;
    private long _refused;

    public long MaxBytes => maxBytes;

    public TimeSpan TimeLimit => timeLimit;

    public long HeldBytes => Volatile.Read(ref _heldBytes);

    /// <summary>Requests that were refused for want of room.</summary>
    public long Refused => Volatile.Read(ref _refused);

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _bodies.Count;
            }
        }
    }

    /// <summary>
    /// Begins to wait for a body. Null when there is no room. When the time is over, the pending read of <paramref name="reader"/> comes back as cancelled.
    /// </summary>
    public UnfinishedBody? Begin(HttpContext http, PipeReader reader)
    {
        var bytes = RequestBytes + RequestText.BytesOf(http);
        if (!TryHold(bytes, isSmall: true))
        {
            return null;
        }
        var body = new UnfinishedBody(this, reader, bytes, clock.GetTimestamp());
        lock (_gate)
        {
            _bodies.AddLast(body.Node);
        }
        body.StartTimer(clock, timeLimit);
        return body;
    }

    /// <summary>
    /// In whole seconds: when the one that has waited longest is whole or has been ended, so that what it holds is there again.
    /// </summary>
    public int SecondsUntilRoom()
    {
        lock (_gate)
        {
            var left = _bodies.First is { } oldest ? timeLimit - clock.GetElapsedTime(oldest.Value.Began) : TimeSpan.Zero;
            return Math.Max(1, (int)Math.Ceiling(left.TotalSeconds));
        }
    }

    internal bool TryHold(UnfinishedBody body, int bufferBytes)
    {
        if (!TryHold(bufferBytes, bufferBytes <= SmallBytes))
        {
            return false;
        }
        body.HeldBytes += bufferBytes;
        return true;
    }

    internal void LetGo(UnfinishedBody body, int bufferBytes)
    {
        body.HeldBytes -= bufferBytes;
        lock (_gate)
        {
            _heldBytes -= bufferBytes;
        }
    }

    internal void End(UnfinishedBody body)
    {
        lock (_gate)
        {
            _heldBytes -= body.HeldBytes;
            _bodies.Remove(body.Node);
        }
    }

    private bool TryHold(int bytes, bool isSmall)
    {
        lock (_gate)
        {
            if (_heldBytes + bytes > (isSmall ? maxBytes : maxBytes - (maxBytes / 4)))
            {
                _refused++;
                return false;
            }
            _heldBytes += bytes;
            return true;
        }
    }
}

/// <summary>One body that is waited for. Disposing of it gives back all that it holds.</summary>
internal sealed class UnfinishedBody : IDisposable
{
    private readonly UnfinishedBodies _all;
    private readonly PipeReader _reader;
    private readonly Lock _gate = new();
    private ITimer? _timer;
    private bool _ended;

    internal UnfinishedBody(UnfinishedBodies all, PipeReader reader, int requestBytes, long began)
    {
        (_all, _reader, HeldBytes, Began) = (all, reader, requestBytes, began);
        Node = new LinkedListNode<UnfinishedBody>(this);
    }

    internal LinkedListNode<UnfinishedBody> Node { get; }

    /// <summary>By the clock's timestamp.</summary>
    internal long Began { get; }

    internal long HeldBytes { get; set; }

    /// <summary>Asks for the room of a buffer before it is made.</summary>
    public bool TryHold(int bufferBytes) => _all.TryHold(this, bufferBytes);

    /// <summary>A buffer is not used any more.</summary>
    public void LetGo(int bufferBytes) => _all.LetGo(this, bufferBytes);

    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
        }
        _timer?.Dispose();
        _all.End(this);
    }

    internal void StartTimer(TimeProvider clock, TimeSpan dueTime) =>
        _timer = clock.CreateTimer(static body => ((UnfinishedBody)body!).TimeIsOver(), this, dueTime, Timeout.InfiniteTimeSpan);

    private void TimeIsOver()
    {
        // The reader belongs to the connection: once this body has ended it reads the next request.
        lock (_gate)
        {
            if (!_ended)
            {
                _reader.CancelPendingRead();
            }
        }
    }
}
