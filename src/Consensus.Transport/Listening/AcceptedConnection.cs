using System.Net.Sockets;
using Consensus.Transport.Framing;

namespace Consensus.Transport.Listening;

/// <summary>One accepted connection, served by a thread of its own from its first byte to its end.</summary>
internal sealed class AcceptedConnection(Socket socket, string remote)
{
    private volatile bool _aborted;

    /// <summary>Blocking; used by the connection's thread only.</summary>
    public Socket Socket { get; } = socket;

    public string Remote { get; } = remote;

    /// <summary>The handshake ended well. Guarded by the listener's lock.</summary>
    public bool IsWelcomed { get; set; }

    /// <summary>Nothing that it still holds may be used.</summary>
    public bool IsAborted => _aborted;

    public Thread? Thread { get; set; }

    /// <summary>Ends it soon, from any thread; its own thread disposes of the socket.</summary>
    public void Abort()
    {
        _aborted = true;
        SocketIo.Shutdown(Socket);
    }
}
