namespace Consensus.Server.Connections;

/// <summary>What the streams of one HTTP/2 connection hold. A feature of the connection, so that its requests find it. All of it is guarded by the lock of its owner.</summary>
internal sealed class ConnectionStreams
{
    /// <summary>One block of the server's: it acts on the frames of one before it takes the next.</summary>
    private const int MaxResets = 512;

    private readonly Queue<int> _resets = new();
    private readonly Lock _gate = new();
    private StreamMemory? _owner;
    private bool _isOver;

    /// <summary>Null before the first request.</summary>
    public StreamMemory? Owner => Volatile.Read(ref _owner);

    public long HeldBytes { get; set; }

    public bool IsClosed { get; set; }

    /// <summary>By the number of the stream: requests that are not answered yet, or whose answer has not left.</summary>
    public Dictionary<int, StreamRequest> Requests { get; } = [];

    /// <summary>The last of a stream was written to the connection.</summary>
    public void End(int stream) => Owner?.End(this, stream);

    /// <summary>Its client gave a stream up. That is seen when the server reads it, perhaps before the stream's request is known.</summary>
    public void Reset(int stream)
    {
        lock (_resets)
        {
            if (_resets.Count == MaxResets)
            {
                _resets.Dequeue();
            }
            _resets.Enqueue(stream);
        }
        End(stream);
    }

    /// <summary>Whether its client gave it up lately.</summary>
    public bool WasReset(int stream)
    {
        lock (_resets)
        {
            return _resets.Contains(stream);
        }
    }

    /// <summary>False when the connection is over: the server may begin with a request only then, and nobody would ever take back what it holds.</summary>
    public bool TryBelongTo(StreamMemory owner)
    {
        lock (_gate)
        {
            if (!_isOver)
            {
                Volatile.Write(ref _owner, owner);
            }
            return !_isOver;
        }
    }

    /// <summary>The connection is over, and with it all that its streams held.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isOver = true;
        }
        Owner?.Close(this);
    }
}
