using System.Net;
using System.Net.Sockets;

namespace Consensus.Client.Tests.Tls;

/// <summary>Answers whatever comes as a server of plain HTTP does that finds no request in it.</summary>
internal sealed class PlainServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private int _firstByte = -1;

    public PlainServer()
    {
        _listener.Start();
        Endpoint = new Uri($"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        new Thread(Serve) { IsBackground = true }.Start();
    }

    public Uri Endpoint { get; }

    /// <summary>What came first; -1: nothing.</summary>
    public int FirstByte => Volatile.Read(ref _firstByte);

    public void Dispose() => _listener.Stop();

    private void Serve()
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (true)
            {
                using var socket = _listener.AcceptSocket();
                if (socket.Receive(buffer) > 0)
                {
                    Volatile.Write(ref _firstByte, buffer[0]);
                    socket.Send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8);
                }
                socket.Shutdown(SocketShutdown.Send);
                while (socket.Receive(buffer) > 0)
                {
                    // Until the other end has read it and closes.
                }
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Stopped.
        }
    }
}
