using System.Net.Sockets;

namespace Consensus.Client.Transport;

/// <summary>
/// A connected socket under TLS. What blocks does so within a deadline, however many reads a handshake or a record takes; what was
/// decrypted already waits in the stream above, where no poll of the socket sees it. The first byte that came tells whether the other end
/// speaks TLS at all.
/// </summary>
internal sealed class WireStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    /// <summary>Of the calls that block.</summary>
    public Deadline Deadline { get; set; }

    /// <summary>Null until one came.</summary>
    public byte? FirstByte { get; private set; }

    /// <exception cref="SocketException">The connection broke, or the deadline passed.</exception>
    /// <exception cref="TimeoutException">The deadline had passed before.</exception>
    public override int Read(Span<byte> buffer)
    {
        Socket.ReceiveTimeout = Deadline.LeftMs;
        return Note(buffer, Socket.Receive(buffer));
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <exception cref="SocketException">The connection broke, or the deadline passed.</exception>
    /// <exception cref="TimeoutException">The deadline had passed before.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            Socket.SendTimeout = Deadline.LeftMs;
            buffer = buffer[Socket.Send(buffer)..];
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        FirstByte is null ? ReadFirstAsync(buffer, cancellationToken) : base.ReadAsync(buffer, cancellationToken);

    private async ValueTask<int> ReadFirstAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var count = await base.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        return Note(buffer.Span, count);
    }

    private int Note(ReadOnlySpan<byte> buffer, int count)
    {
        if (count > 0)
        {
            FirstByte ??= buffer[0];
        }
        return count;
    }
}
