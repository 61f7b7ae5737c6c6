using Consensus.Primitives.Wire;
using Consensus.Transport.Framing;

namespace Consensus.Transport.Handshake;

/// <summary>Sends and receives one handshake message, bounded in size and time.</summary>
internal static class HandshakeChannel
{
    /// <summary>The first byte of a TLS ClientHello, which no magic of ours begins with.</summary>
    private const byte TlsHandshakeByte = 0x16;

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

    public static IoResult Send(PeerConnection connection, HandshakeMessage message, Deadline deadline) =>
        connection.Send(Encode(message), deadline.Remaining);

    /// <summary>
    /// Reads exactly one message, so that what follows it stays in the connection. <paramref name="message"/> is null unless done.
    /// </summary>
    /// <exception cref="WireFormatException">The bytes are no handshake: a stranger's.</exception>
    public static IoResult Receive(PeerConnection connection, Deadline deadline, out HandshakeMessage? message)
    {
        message = null;
        Span<byte> header = stackalloc byte[FrameFormat.HeaderSize];
        var result = connection.Receive(header, deadline);
        if (result != IoResult.Done)
        {
            return result;
        }
        if (!FrameFormat.TryReadHeader(header, FrameFormat.HandshakeMagic, FrameFormat.MaxHandshakeBytes, out var length, out var crc))
        {
            throw new WireFormatException(header[0] == TlsHandshakeByte
                ? "not the start of a handshake, but of TLS, which this member was started without"
                : "not the start of a handshake");
        }
        Span<byte> body = stackalloc byte[length];
        result = connection.Receive(body, deadline);
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
