using System.Net.Sockets;

namespace Consensus.Client.Transport;

/// <summary>
/// The kernel asks after the other end of a connection that is silent: a wait of minutes says nothing while it lasts, and a router on the way forgets a connection on which nothing moves,
/// so that neither end would ever hear of the other again.
/// </summary>
internal static class KeepAliveProbes
{
    private const int FirstAfterSeconds = 10;
    private const int EverySeconds = 5;
    private const int UnansweredToBreak = 3;

    public static void Enable(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, FirstAfterSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, EverySeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, UnansweredToBreak);
    }
}
