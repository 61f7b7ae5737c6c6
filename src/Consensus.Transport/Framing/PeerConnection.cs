using System.Net.Sockets;
using Consensus.Security.Generations;
using Consensus.Transport.Tls;

namespace Consensus.Transport.Framing;

/// <summary>
/// One connection to a peer from its first byte to its last: the bytes of a socket, or, once hands were shaken, what TLS makes of them. Who
/// reads and writes does not know which.
/// </summary>
/// <remarks>One thread reads and one writes. <see cref="Shutdown"/>: any.</remarks>
internal sealed class PeerConnection(Socket socket) : IDisposable
{
    /// <summary>What carries the bytes; nobody reads or writes it beside TLS.</summary>
    public Socket Socket { get; } = socket;

    /// <summary>Null on a plain connection.</summary>
    public PeerTls? Tls { get; private set; }

    /// <summary>From now on this is TLS, in which we were dialled.</summary>
    /// <exception cref="PeerTlsException">It failed.</exception>
    public void Accept(ITlsSource tls, Deadline deadline) => Tls = PeerTls.Accept(Socket, tls, deadline);

    /// <summary>From now on this is TLS, in which we dialled <paramref name="wanted"/>; empty: any member.</summary>
    /// <exception cref="PeerTlsException">It failed.</exception>
    public void Dial(ITlsSource tls, string wanted, Deadline deadline) => Tls = PeerTls.Dial(Socket, tls, wanted, deadline);

    /// <summary>
    /// Why the other side is not believed any more, though it was when hands were shaken; null while it is, and on a plain connection.
    /// </summary>
    public string? Doubt => Tls is not null && !Tls.IsStillBelieved(out var objection) ? objection : null;

    /// <summary>Fills the whole buffer, within <paramref name="deadline"/> altogether.</summary>
    public IoResult Receive(Span<byte> buffer, Deadline deadline) =>
        Tls is null ? SocketIo.Receive(Socket, buffer, deadline) : Tls.Receive(buffer, deadline);

    /// <summary>Fills the whole buffer; only a pause of <paramref name="stall"/> without one byte is too long.</summary>
    public IoResult Receive(Span<byte> buffer, TimeSpan stall) =>
        Tls is null ? SocketIo.Receive(Socket, buffer, stall) : Tls.Receive(buffer, stall);

    /// <summary>
    /// Waits for some bytes as long as it takes, on a plain connection whose socket blocks. How many; 0 or less when there is nothing more.
    /// </summary>
    /// <exception cref="PeerTlsException">The other side is not believed any more.</exception>
    public int ReceiveSome(Span<byte> buffer)
    {
        if (Tls is not null)
        {
            return Tls.ReceiveSome(buffer);
        }
        var count = Socket.Receive(buffer, SocketFlags.None, out var error);
        return error == SocketError.Success ? count : -1;
    }

    /// <summary>Sends all of it; a pause of <paramref name="stall"/> without one byte accepted is too long.</summary>
    public IoResult Send(ReadOnlySpan<byte> bytes, TimeSpan stall) =>
        Tls is null ? SocketIo.Send(Socket, bytes, stall) : Tls.Send(bytes, stall);

    /// <summary>
    /// As <see cref="SocketIo.HasNews"/>. Under TLS something may have been read that this does not see: it is a hint to look sooner, and
    /// no more.
    /// </summary>
    public bool HasNews => SocketIo.HasNews(Socket);

    /// <summary>
    /// The other side has said what it wants to hear of: whatever it still sends is dropped, until it closes or nothing comes for
    /// <paramref name="stall"/>.
    /// </summary>
    public void DropUntilClosed(Span<byte> buffer, TimeSpan stall)
    {
        if (Tls is null)
        {
            SocketIo.DropUntilClosed(Socket, buffer, stall);
            return;
        }
        while (Tls.Receive(buffer, stall) == IoResult.Done)
        {
            // Of no interest.
        }
    }

    /// <summary>Ends what other threads do with the connection; they dispose of it.</summary>
    public void Shutdown() => SocketIo.Shutdown(Socket);

    public void Dispose()
    {
        Tls?.Dispose();
        Socket.Dispose();
    }
}
