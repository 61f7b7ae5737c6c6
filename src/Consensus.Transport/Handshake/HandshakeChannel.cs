using System.Net.Sockets;
using Consensus.Primitives.Wire;
using Consensus.Transport.Framing;

namespace Consensus.Transport.Handshake;

/// <summary>Sends and receives one handshake message, bounded in size and time.</summary>
internal static class HandshakeChannel
{
    /// <summary>The whole frame of a message.</summary>
    /// <exception cref="WireFormatException">It is longer than a handshake may be.</exception>
    public static byte[] Encode(HandshakeMessage message)
    {
        var writer = new WireWriter();
        var header = writer.Reserve(FrameFormat.HeaderSize);
        header.Clear();
        HandshakeCodec.Write(writer, message);
        var frame = writer.ToArray();
        if (frame.Length - FrameFormat.HeaderSize > FrameFormat.MaxHandshakeBytes)
        {
            throw new WireFormatException("a handshake message above 4096 bytes");
        }
        FrameFormat.WriteHeader(frame, FrameFormat.HandshakeMagic, frame.AsSpan(FrameFormat.HeaderSize));
        return frame;
    }

    public static IoResult Send(Socket socket, HandshakeMessage message, Deadline deadline) =>
        SocketIo.Send(socket, Encode(message), deadline.Remaining);

    /// <summary>
    /// Reads exactly one message, so that what follows it stays in the socket. <paramref name="message"/> is null unless done.
    /// </summary>
    /// <exception cref="WireFormatException">The bytes are no handshake: a stranger's.</exception>
    public static IoResult Receive(Socket socket, Deadline deadline, out HandshakeMessage? message)
    {
        message = null;
        Span<byte> header = stackalloc byte[FrameFormat.HeaderSize];
        var result = SocketIo.Receive(socket, header, deadline);
        if (result != IoResult.Done)
        {
            return result;
        }
        if (!FrameFormat.TryReadHeader(header, FrameFormat.HandshakeMagic, FrameFormat.MaxHandshakeBytes, out var length, out var crc))
        {
            throw new WireFormatException("not the start of a handshake");
        }
        Span<byte> body = stackalloc byte[length];
        result = SocketIo.Receive(socket, body, deadline);
        if (result != IoResult.Done)
        {
            return result;
        }
        if (FrameFormat.Checksum(body) != crc)
        {
            throw new WireFormatException("a handshake with a wrong CRC");
        }
        message = HandshakeCodec.Read(body);
        return IoResult.Done;
    }
}
