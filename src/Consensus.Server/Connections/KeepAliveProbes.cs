using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Consensus.Server.Connections;

/// <summary>
/// The kernel asks after a client that is silent: one whose machine is gone, or whose router forgot the connection, would keep its place in a line and its watch for as long as they
/// last.
/// </summary>
internal static class KeepAliveProbes
{
    private const int FirstAfterSeconds = 10;
    private const int EverySeconds = 5;
    private const int UnansweredToBreak = 3;

    public static void UseKeepAliveProbes(this ListenOptions listen) => listen.Use(next => connection =>
    {
        if (connection.Features.Get<IConnectionSocketFeature>() is { Socket: { } socket })
        {
            Enable(socket);
        }
        return next(connection);
    });

    private static void Enable(Socket socket)
    {
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, FirstAfterSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, EverySeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, UnansweredToBreak);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It was closed as soon as it was opened.
        }
    }
}
