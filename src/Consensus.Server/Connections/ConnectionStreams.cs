namespace Consensus.Server.Connections;

/// <summary>What the streams of one HTTP/2 connection hold. A feature of the connection, so that its requests find it. All of it is guarded by the lock of its owner.</summary>
internal sealed class ConnectionStreams
{
    /// <summary>Null before the first request.</summary>
    public StreamMemory? Owner { get; set; }

    public long HeldBytes { get; set; }

    public bool IsClosed { get; set; }

    /// <summary>The connection is over, and with it all that its streams held.</summary>
    public void Close() => Owner?.Close(this);
}
