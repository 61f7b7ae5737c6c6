using System.Net.Sockets;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Transport.Framing;
using Consensus.Transport.Listening;

namespace Consensus.Transport.Links;

/// <summary>
/// Receives one link's frames on the connection's own thread: blocking reads into a reused buffer, then every whole frame in it, in order,
/// and that these were all.
/// </summary>
internal static class IncomingLink
{
    /// <summary>Returns when the link ends.</summary>
    /// <exception cref="WireFormatException">The bytes are no frames, or the node cannot read one: the link must close.</exception>
    public static void Serve(MemberId from, AcceptedConnection connection, IPeerEvents events, int maxFrameBytes)
    {
        var buffer = new ReceiveBuffer(maxFrameBytes);
        while (true)
        {
            var count = connection.Socket.Receive(buffer.Free, SocketFlags.None, out var error);
            if (error != SocketError.Success || count == 0)
            {
                return;
            }
            buffer.Added(count);
            if (!Tell(from, buffer, connection, events))
            {
                return;
            }
        }
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
