namespace Consensus.Server.Connections;

/// <summary>What the streams of one HTTP/2 connection hold. A feature of the connection, so that its requests find it. All of it is guarded by the lock of its owner.</summary>
internal sealed class ConnectionStreams
{
    private StreamMemory? _owner;

    /// <summary>Null before the first request.</summary>
    public StreamMemory? Owner
    {
        get => Volatile.Read(ref _owner);
        set => Volatile.Write(ref _owner, value);
    }

    public long HeldBytes { get; set; }

    public bool IsClosed { get; set; }

    /// <summary>By the number of the stream: requests that are not answered yet, or whose answer has not left.</summary>
    public Dictionary<int, StreamRequest> Requests { get; } = [];

    /// <summary>The last of a stream was written to the connection, or its client gave it up.</summary>
    public void End(int stream) => Owner?.End(this, stream);

    /// <summary>The connection is over, and with it all that its streams held.</summary>
    public void Close() => Owner?.Close(this);
}
