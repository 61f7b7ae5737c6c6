using System.Net.Sockets;

namespace Consensus.Transport.Framing;

/// <summary>How a blocking exchange on a socket ended.</summary>
internal enum IoResult
{
    Done,

    /// <summary>Closed or reset, by the other side or by us.</summary>
    Closed,

    TimedOut,
}

/// <summary>
/// Whole reads and writes with a time limit, on blocking and non-blocking sockets alike, on threads that may block. Another thread ends
/// them by shutting the socket down.
/// </summary>
internal static class SocketIo
{
    /// <summary>Time after which the kernel gives up on data that the other side does not acknowledge, in milliseconds.</summary>
    private const int UnacknowledgedLimitMs = 5_000;

    private const int LinuxTcpUserTimeout = 18;

    /// <summary>What the kernel takes of a link beyond what is on its way already, in bytes.</summary>
    private const int UnsentLimitBytes = 128 * 1024;

    private const int LinuxTcpNotSentLowAt = 25;

    /// <summary><see cref="Socket.Poll(TimeSpan, SelectMode)"/> counts microseconds in 31 bits and refuses more; a longer limit is cut to this.</summary>
    private static readonly TimeSpan LongestPoll = TimeSpan.FromMinutes(30);

    /// <summary>What every peer connection has set.</summary>
    public static void Prepare(Socket socket)
    {
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 5);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 1);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 5);
    }

    /// <summary>
    /// For links: after a network cut the kernel would retransmit less and less often, up to two minutes apart, and the link would stay
    /// dead that long after the network healed. Keepalive does not help while data is unacknowledged.
    /// </summary>
    public static void LimitUnacknowledged(Socket socket)
    {
        if (OperatingSystem.IsLinux())
        {
            socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, LinuxTcpUserTimeout, BitConverter.GetBytes(UnacknowledgedLimitMs));
        }
    }

    /// <summary>
    /// For links: the kernel would take megabytes that the network does not take yet, and whatever is urgent would stand behind them. How much is on its way is not touched.
    /// </summary>
    public static void LimitUnsent(Socket socket)
    {
        if (OperatingSystem.IsLinux())
        {
            socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, LinuxTcpNotSentLowAt, BitConverter.GetBytes(UnsentLimitBytes));
        }
    }

    /// <summary>Fills the whole buffer, within <paramref name="deadline"/> altogether.</summary>
    public static IoResult Receive(Socket socket, Span<byte> buffer, Deadline deadline)
    {
        while (!buffer.IsEmpty)
        {
            var result = ReceiveSome(socket, buffer, deadline.Remaining, out var count);
            if (result != IoResult.Done)
            {
                return result;
            }
            buffer = buffer[count..];
        }
        return IoResult.Done;
    }

    /// <summary>Fills the whole buffer; only a pause of <paramref name="stall"/> without one byte is too long.</summary>
    public static IoResult Receive(Socket socket, Span<byte> buffer, TimeSpan stall)
    {
        while (!buffer.IsEmpty)
        {
            var result = ReceiveSome(socket, buffer, stall, out var count);
            if (result != IoResult.Done)
            {
                return result;
            }
            buffer = buffer[count..];
        }
        return IoResult.Done;
    }

    /// <summary>Sends all of it; a pause of <paramref name="stall"/> without one byte accepted is too long.</summary>
    public static IoResult Send(Socket socket, ReadOnlySpan<byte> bytes, TimeSpan stall)
    {
        try
        {
            while (!bytes.IsEmpty)
            {
                if (!socket.Poll(Pollable(stall), SelectMode.SelectWrite))
                {
                    return IoResult.TimedOut;
                }
                var count = socket.Send(bytes, SocketFlags.None, out var error);
                if (error is not (SocketError.Success or SocketError.WouldBlock))
                {
                    return IoResult.Closed;
                }
                bytes = bytes[count..];
            }
            return IoResult.Done;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return IoResult.Closed;
        }
    }

    /// <summary>The other side has said what it wants to hear of: whatever it still sends is dropped, until it closes or nothing comes for <paramref name="stall"/>.</summary>
    public static void DropUntilClosed(Socket socket, Span<byte> buffer, TimeSpan stall)
    {
        while (ReceiveSome(socket, buffer, stall, out _) == IoResult.Done)
        {
            // Of no interest.
        }
    }

    /// <summary>Whether something can be read now, or the connection ended.</summary>
    public static bool HasNews(Socket socket)
    {
        try
        {
            return socket.Poll(TimeSpan.Zero, SelectMode.SelectRead);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return true;
        }
    }

    /// <summary>
    /// Whether the other side has ended its sending, or the connection, and nothing that it sent before is still to be read.
    /// </summary>
    public static bool HasEnded(Socket socket)
    {
        try
        {
            return socket.Poll(TimeSpan.Zero, SelectMode.SelectRead) && socket.Available == 0;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return true;
        }
    }

    /// <summary>Ends what other threads do with the socket; they dispose of it.</summary>
    public static void Shutdown(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It was closed already, which is what was wanted.
        }
    }

    /// <summary>As long as <paramref name="within"/>, or as a socket can be asked to wait.</summary>
    public static TimeSpan Pollable(TimeSpan within) => within < LongestPoll ? within : LongestPoll;

    private static IoResult ReceiveSome(Socket socket, Span<byte> buffer, TimeSpan within, out int count)
    {
        count = 0;
        try
        {
            if (!socket.Poll(Pollable(within), SelectMode.SelectRead))
            {
                return IoResult.TimedOut;
            }
            count = socket.Receive(buffer, SocketFlags.None, out var error);
            return error switch
            {
                SocketError.WouldBlock => IoResult.Done,
                SocketError.Success when count > 0 => IoResult.Done,
                _ => IoResult.Closed,
            };
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return IoResult.Closed;
        }
    }
}
