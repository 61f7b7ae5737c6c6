using System.Net;
using System.Net.Sockets;
using Consensus.Transport.Framing;

namespace Consensus.Transport.Listening;

/// <summary>One accepted connection, served by a thread of its own from its first byte to its end.</summary>
internal sealed class AcceptedConnection(Socket socket, IPEndPoint? remote)
{
    private volatile bool _aborted;

    /// <summary>Used by the connection's thread only. A plain one blocks.</summary>
    public PeerConnection Channel { get; } = new(socket);

    /// <summary>Where it comes from, for a log.</summary>
    public string Remote { get; } = remote?.ToString() ?? "unknown";

    /// <summary>The host that it comes from; of no weight in who it is.</summary>
    public IPAddress Address { get; } = remote?.Address switch
    {
        null => IPAddress.None,
        { IsIPv4MappedToIPv6: true } mapped => mapped.MapToIPv4(),
        var address => address,
    };

    /// <summary>The handshake ended well. Guarded by the listener's lock.</summary>
    public bool IsWelcomed { get; set; }

    /// <summary>Nothing that it still holds may be used.</summary>
    public bool IsAborted => _aborted;

    /// <summary>Nothing more of it is told. Guarded by the lock of who serves it.</summary>
    public bool IsServed { get; set; }

    public Thread? Thread { get; set; }

    /// <summary>Ends it soon, from any thread; its own thread disposes of the socket.</summary>
    public void Abort()
    {
        _aborted = true;
        Channel.Shutdown();
    }
}
