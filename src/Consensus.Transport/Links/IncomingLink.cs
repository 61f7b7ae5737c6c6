using System.Buffers.Binary;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Transport.Framing;
using Consensus.Transport.Listening;

namespace Consensus.Transport.Links;

/// <summary>
/// Receives one link's frames on the connection's own thread: blocking reads into a reused buffer, then every whole frame in it, in order,
/// and that these were all. Under TLS the dialler, when it renews the link, is told at the end how many bytes arrived.
/// </summary>
internal static class IncomingLink
{
    /// <summary>Bytes of the last word: a count, little-endian.</summary>
    public const int LastWordBytes = sizeof(long);

    private static readonly TimeSpan LastWordWithin = TimeSpan.FromSeconds(1);

    /// <summary>Returns when the link ends.</summary>
    /// <exception cref="WireFormatException">The bytes are no frames, or the node cannot read one: the link must close.</exception>
    public static void Serve(MemberId from, AcceptedConnection connection, IPeerEvents events, int maxFrameBytes)
    {
        var buffer = new ReceiveBuffer(maxFrameBytes);
        var arrived = 0L;
        while (true)
        {
            var count = connection.Channel.ReceiveSome(buffer.Free);
            if (count <= 0)
            {
                if (count == 0 && connection.Channel.Tls is not null && !connection.IsAborted)
                {
                    SayWhatArrived(connection.Channel, arrived);
                }
                return;
            }
            buffer.Added(count);
            arrived += count;
            if (!Tell(from, buffer, connection, events))
            {
                return;
            }
        }
    }

    /// <summary>Whoever ended the link because another takes its place goes by this; to everyone else it is nothing.</summary>
    private static void SayWhatArrived(PeerConnection channel, long arrived)
    {
        Span<byte> word = stackalloc byte[LastWordBytes];
        BinaryPrimitives.WriteInt64LittleEndian(word, arrived);
        channel.Send(word, LastWordWithin);
    }

    /// <summary>Tells what is whole. False once the link was ended from here.</summary>
    internal static bool Tell(MemberId from, ReceiveBuffer buffer, AcceptedConnection connection, IPeerEvents events)
    {
        try
        {
            while (buffer.TryTakeFrame(out var frame))
            {
                // Once a newer link took over, or the member was removed, nothing of the old one may arrive.
                if (connection.IsAborted)
                {
                    return false;
                }
                events.Received(from, frame);
            }
            return true;
        }
        finally
        {
            // Also behind a frame that is damaged: those before it were not.
            events.ReceivedAll();
        }
    }
}
